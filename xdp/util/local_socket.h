// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Unix sockets by the paths that they have.
 */
#ifndef CLOAKLAKE_UTIL_LOCAL_SOCKET_H
#define CLOAKLAKE_UTIL_LOCAL_SOCKET_H

#include <sys/types.h>

#include <string>
#include <utility>

#include "util/result.h"

namespace cloak
{

/**
 * Whether somebody has the socket at @p path, of whatever type. One who has yet
 * to accept others has it, too, and nobody waits for him.
 */
[[nodiscard]] bool isAnswered(const std::string &path);

/**
 * Removes the socket at @p path, or nothing if nothing is there. Whatever else
 * is there stays, and is an error.
 */
Status removeSocket(const std::string &path);

/** Tells a file from one that has its path later. */
using FileIdentity = std::pair<dev_t, ino_t>;

/** Of what is at @p path; zeros if nothing is. */
[[nodiscard]] FileIdentity identityOf(const std::string &path);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_LOCAL_SOCKET_H
