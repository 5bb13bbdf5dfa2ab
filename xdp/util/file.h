// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_FILE_H
#define CLOAKLAKE_UTIL_FILE_H

#include <cstddef>
#include <string>
#include <string_view>

#include "util/result.h"

namespace cloak
{

/**
 * The contents of a file, or of standard input for "-".
 * Fails if it is longer than @p most, of which no more is read.
 */
[[nodiscard]] Result<std::string> readFile(const std::string &path,
                                           std::size_t most);

/**
 * The same of a regular file alone, for who must not wait for whoever writes
 * to a pipe: anything else is an error.
 */
[[nodiscard]] Result<std::string> readRegularFile(const std::string &path,
                                                  std::size_t most);

/**
 * Makes @p contents what the file holds, or leaves it as it was. Only its
 * owner may read it. When this returns without an error, it is on the disk.
 */
Status replaceFile(const std::string &path, std::string_view contents);

/**
 * Whether lines can be added to the file at @p path, or it can be made, by who
 * runs this. Changes nothing; what is full is not found out.
 */
[[nodiscard]] Status mayAppend(const std::string &path);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_FILE_H
