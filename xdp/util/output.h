// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whether what was printed has arrived.
 */
#ifndef CLOAKLAKE_UTIL_OUTPUT_H
#define CLOAKLAKE_UTIL_OUTPUT_H

#include "util/result.h"

namespace cloak
{

/**
 * Writes out what was printed on standard output. Fails also if something was
 * lost before; with EPIPE if nobody reads it any more.
 */
Status flushOutput();

} // namespace cloak

#endif // CLOAKLAKE_UTIL_OUTPUT_H
