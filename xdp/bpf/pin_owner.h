// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whose pins a folder has: links say on which interface they are by a number
 * that means something in one network namespace only.
 */
#ifndef CLOAKLAKE_BPF_PIN_OWNER_H
#define CLOAKLAKE_BPF_PIN_OWNER_H

#include <string>

#include "bpf/link.h"
#include "util/result.h"

namespace cloak
{

/**
 * Notes as <pinRoot>/namespace that the pins are of this network namespace.
 * Fails with EBUSY if they are of another one and have links that are on
 * interfaces there: these would be taken off. What comes back from one that is
 * gone is here, and no reason.
 */
[[nodiscard]] Status ownPins(const std::string &pinRoot, const Links &links);

} // namespace cloak

#endif // CLOAKLAKE_BPF_PIN_OWNER_H
