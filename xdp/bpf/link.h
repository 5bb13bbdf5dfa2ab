// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which interfaces the cloak hangs on.
 */
#ifndef CLOAKLAKE_BPF_LINK_H
#define CLOAKLAKE_BPF_LINK_H

#include <string>
#include <vector>

#include "bpf/maps.h"
#include "bpf/object.h"
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

/** One interface that carries the cloak. */
struct Attachment {
	unsigned ifindex = 0;
	XdpMode mode = XdpMode::Native;
	bool egress = false; //!< the tc half is there as well
};

/**
 * Attaches both halves of the cloak to interfaces.
 *
 * Ingress is a BPF link pinned as <pinRoot>/links/xdp-<ifindex>, so it
 * outlives every process. Egress is a clsact filter, which belongs to the
 * interface and outlives processes by itself, and so is what sends answers.
 */
class Links
{
public:
	explicit Links(std::string pinRoot = kDefaultPinRoot);

	/**
	 * Puts both halves on @p ifindex, egress first, so that there is no
	 * moment in which the host would speak unfiltered of what ingress
	 * already hides. Where the cloak is on already its programs are
	 * replaced in one step by those of @p object; mode and filter stay.
	 * If ingress cannot be attached, egress is taken away again.
	 *
	 * @p answers says whether rejected packets are answered here, for
	 * which there is a second filter. Without it answers go nowhere.
	 *
	 * @returns the mode that was chosen. Fails with EBUSY if another XDP
	 * program has the interface.
	 */
	[[nodiscard]] Result<XdpMode> attach(const CloakObject &object,
	                                     unsigned ifindex, XdpChoice choice,
	                                     bool answers) const;

	/**
	 * Takes both halves off: this lifts the cloak from the interface.
	 * It is no error if there is none, or if the interface is gone.
	 */
	[[nodiscard]] Status detach(unsigned ifindex) const;

	/** All interfaces with a pinned link that is still attached. */
	[[nodiscard]] Result<std::vector<Attachment>> list() const;

private:
	[[nodiscard]] std::string linkPath(unsigned ifindex) const;

	std::string pinRoot_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_LINK_H
