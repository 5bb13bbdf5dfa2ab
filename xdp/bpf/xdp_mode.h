// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * How XDP runs on an interface, and what runs there.
 */
#ifndef CLOAKLAKE_BPF_XDP_MODE_H
#define CLOAKLAKE_BPF_XDP_MODE_H

#include <linux/types.h>

#include <string>

#include "util/result.h"

namespace cloak
{

/** How XDP runs on an interface. */
enum class XdpMode {
	Native,  //!< in the driver, before there is an skb
	Generic, //!< in the stack's receive path; works with every driver
};

/** What the administrator asked for. */
enum class XdpChoice {
	Auto,    //!< native, and generic if the driver refuses
	Native,  //!< native or fail
	Generic, //!< generic
};

/** The XDP program of an interface, whoever it belongs to. */
struct AttachedXdp {
	__u32 program = 0; //!< its id; 0 if there is none
	XdpMode mode = XdpMode::Native;
};

/** Of an interface that is gone too, where there is no program. */
[[nodiscard]] Result<AttachedXdp> queryXdp(unsigned ifindex);

/** What messages call an interface. */
[[nodiscard]] std::string interfaceText(unsigned ifindex);

} // namespace cloak

#endif // CLOAKLAKE_BPF_XDP_MODE_H
