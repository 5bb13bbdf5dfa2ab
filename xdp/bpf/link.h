// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which interfaces the cloak hangs on.
 */
#ifndef CLOAKLAKE_BPF_LINK_H
#define CLOAKLAKE_BPF_LINK_H

#include <optional>
#include <string>
#include <vector>

#include "bpf/dispatcher.h"
#include "bpf/half.h"
#include "bpf/maps.h"
#include "bpf/object.h"
#include "bpf/xdp_mode.h"
#include "util/result.h"

namespace cloak
{

/** One interface that carries the cloak. */
struct Attachment {
	unsigned ifindex = 0;
	XdpMode mode = XdpMode::Native;
	bool egress = false;     //!< the tc half is there as well
	bool dispatcher = false; //!< behind the dispatcher of libxdp
	std::string name = {};   //!< by Links::keepName(); empty: unknown
};

/** How an interface is to be attached. */
struct Placement {
	XdpChoice choice = XdpChoice::Auto;
	/**
	 * Whether rejected packets are answered here, for which there is a
	 * second filter. Without it answers go nowhere.
	 */
	bool answers = false;
	/** Behind the dispatcher of libxdp, where the kernel has it. */
	bool dispatcher = false;
};

/** How it was attached. */
struct Placed {
	XdpMode mode = XdpMode::Native;
	/** Why it has not the place that was asked for; empty if it has. */
	std::string reason = {};
};

/**
 * Attaches both halves of the cloak to interfaces.
 *
 * Ingress is a BPF link pinned as <pinRoot>/links/xdp-<ifindex>, so it
 * outlives every process, or a program behind the dispatcher of libxdp, see
 * Dispatcher. Egress is a clsact filter, which belongs to the
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
	 * replaced in one step by those of @p object; mode, filter and place
	 * stay, for there is no way from a link to the dispatcher or back
	 * without a moment in which nothing is hidden.
	 * If ingress cannot be attached, egress is taken away again, but not
	 * one that was there before: it hides what it can.
	 * Where the driver hands native programs to the ports of the interface
	 * they are not cloaked by it, so there the mode is generic, and a
	 * native program of ours is replaced by one that is.
	 *
	 * Where the dispatcher is asked for and cannot be had, the interface
	 * gets a link, and the reason is returned.
	 *
	 * @returns the mode that was chosen. Fails with EBUSY if another XDP
	 * program has the interface.
	 */
	[[nodiscard]] Result<Placed> attach(CloakObject &object,
	                                    unsigned ifindex,
	                                    const Placement &wanted) const;

	/**
	 * Takes both halves off: this lifts the cloak from the interface.
	 * It is no error if there is none, or if the interface is gone.
	 */
	[[nodiscard]] Status detach(unsigned ifindex) const;

	/**
	 * Which parts that attach() has put on @p ifindex are not there any
	 * more, as others have removed them; none if the interface is gone.
	 * @param answers as of the placement.
	 */
	[[nodiscard]] Result<std::vector<Half>>
	missing(const CloakObject &object, unsigned ifindex,
	        bool answers) const;

	/**
	 * Remembers how the policy calls an interface, as <pinRoot>/names/
	 * <ifindex>, so that it is known when it has another name.
	 */
	[[nodiscard]] Status keepName(unsigned ifindex,
	                              const std::string &name) const;

	/** The same if it has no name yet. @returns whether it had none. */
	[[nodiscard]] bool noteName(unsigned ifindex,
	                            const std::string &name) const;

	void forgetName(unsigned ifindex) const;

	/** All interfaces with a pinned link or place that is still there. */
	[[nodiscard]] Result<std::vector<Attachment>> list() const;

	/**
	 * Interfaces behind the dispatcher, also those that nobody knows of:
	 * they came from elsewhere, or who put them there was killed.
	 */
	[[nodiscard]] Result<std::vector<unsigned>> forgotten() const;

	/**
	 * Whether one of the links is on an interface of another network
	 * namespace.
	 */
	[[nodiscard]] Result<bool> areElsewhere() const;

	/**
	 * Interfaces of which anything is here, a link, a place behind the
	 * dispatcher or just a name, also when they are gone.
	 */
	[[nodiscard]] Result<std::vector<unsigned>> known() const;

	/**
	 * Renames the pins of interfaces that were in another network
	 * namespace, and have come back with another number. Nobody is seen
	 * meanwhile.
	 */
	[[nodiscard]] Status followMoved() const;

private:
	[[nodiscard]] std::string linkPath(unsigned ifindex) const;
	[[nodiscard]] std::string namePath(unsigned ifindex) const;
	[[nodiscard]] Result<Placement> fitting(unsigned ifindex,
	                                        Placement wanted) const;
	[[nodiscard]] Result<Placed>
	attachFitting(CloakObject &object, unsigned ifindex,
	              const Placement &placement) const;
	[[nodiscard]] Status detachIngress(unsigned ifindex) const;
	[[nodiscard]] Status detachNative(unsigned ifindex) const;
	[[nodiscard]] Result<std::optional<Placed>>
	replace(CloakObject &object, unsigned ifindex,
	        const Placement &placement) const;
	[[nodiscard]] Result<Placed>
	attachNew(CloakObject &object, unsigned ifindex,
	          const Placement &placement) const;
	[[nodiscard]] Result<XdpMode>
	join(CloakObject &object, unsigned ifindex, XdpChoice choice) const;
	[[nodiscard]] Result<bool> hasIngress(const CloakObject &object,
	                                      unsigned ifindex) const;
	/** Interfaces by which links are pinned, also when they are gone. */
	[[nodiscard]] Result<std::vector<unsigned>> pinned() const;
	[[nodiscard]] Status follow(unsigned former, unsigned ifindex) const;
	[[nodiscard]] Status listLinks(std::vector<Attachment> &found) const;
	[[nodiscard]] Status listJoined(std::vector<Attachment> &found) const;

	std::string pinRoot_;
	Dispatcher dispatcher_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_LINK_H
