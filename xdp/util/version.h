// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_UTIL_VERSION_H
#define CLOAKLAKE_UTIL_VERSION_H

namespace cloak
{

/** The version of cloakd and cloakctl, which come together. */
inline constexpr const char *kVersion = "0.1.0";

} // namespace cloak

#endif // CLOAKLAKE_UTIL_VERSION_H
