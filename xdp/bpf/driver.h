// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which driver an interface has, and what becomes of native XDP programs there.
 */
#ifndef CLOAKLAKE_BPF_DRIVER_H
#define CLOAKLAKE_BPF_DRIVER_H

#include <string>
#include <string_view>

#include "bpf/xdp_mode.h"
#include "util/result.h"

namespace cloak
{

/**
 * What ethtool -i calls the driver of an interface in the network namespace of
 * the calling thread. Takes no rights.
 *
 * @returns an empty name if it has none to tell. Fails with ENODEV if the
 * interface is gone.
 */
[[nodiscard]] Result<std::string> driverOf(unsigned ifindex);

/**
 * Whether that driver runs a native program not on its own interface but on
 * those below, by whose numbers the policy knows nothing: all would come in. In
 * generic mode it runs on its own.
 */
[[nodiscard]] bool handsNativeOn(std::string_view driver);

/**
 * What of @p choice works with that driver.
 *
 * @returns generic in place of "auto" if native programs are handed on. Fails
 * if native mode is asked for then.
 */
[[nodiscard]] Result<XdpChoice> choiceWith(const std::string &driver,
                                           XdpChoice choice);

} // namespace cloak

#endif // CLOAKLAKE_BPF_DRIVER_H
