// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_FILE_H
#define CLOAKLAKE_UTIL_FILE_H

#include <cstddef>
#include <string>

#include "util/result.h"

namespace cloak
{

/**
 * The contents of a file, or of standard input for "-".
 * Fails if it is longer than @p most, of which no more is read.
 */
[[nodiscard]] Result<std::string> readFile(const std::string &path,
                                           std::size_t most);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_FILE_H
