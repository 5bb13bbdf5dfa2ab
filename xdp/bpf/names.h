// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Names for the numbers of cloak_abi.h, stable because scripts read them.
 */
#ifndef CLOAKLAKE_BPF_NAMES_H
#define CLOAKLAKE_BPF_NAMES_H

#include <string_view>

#include "cloak_abi.h"

namespace cloak
{

/** Short name of a verdict such as "unauthorised"; empty if unused. */
[[nodiscard]] std::string_view reasonName(unsigned reason);

/** One sentence about a verdict; empty if unused. */
[[nodiscard]] std::string_view reasonText(unsigned reason);

/** Short name of a kind of probe such as "syn"; empty if unused. */
[[nodiscard]] std::string_view kindName(unsigned kind);

/** What a person calls this kind of probe; empty if unused. */
[[nodiscard]] std::string_view kindText(unsigned kind);

} // namespace cloak

#endif // CLOAKLAKE_BPF_NAMES_H
