// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The cloak behind the dispatcher of libxdp.
 */
#ifndef CLOAKLAKE_BPF_DISPATCHER_H
#define CLOAKLAKE_BPF_DISPATCHER_H

#include <optional>
#include <string>
#include <vector>

#include "bpf/dispatcher_pins.h"
#include "bpf/xdp_mode.h"
#include "util/result.h"

namespace cloak
{

/** The pin of the map with the program behind all dispatchers. */
inline constexpr const char *kEntryPin = "ingress_entry";

/**
 * Puts the ingress half where other XDP programs can live beside it: libxdp
 * has a program of its own on the interface, which calls up to ten others one
 * after the other. What it calls of ours is kern/entry.bpf.c, and that goes on
 * to the program in the map of one entry that is pinned as
 * <pinRoot>/ingress_entry, one for all interfaces.
 *
 * join() and leave() take CAP_SYS_ADMIN, because libxdp opens programs by
 * their numbers, and some descriptors are left open each time by libxdp 1.3.
 * So nothing else here calls it.
 */
class Dispatcher
{
public:
	explicit Dispatcher(std::string pinRoot);

	/**
	 * Puts the entry on an interface that has no program, or has the
	 * dispatcher already; then in the mode in which that runs.
	 *
	 * It fails, with a reason for people, where the kernel lets no program
	 * be called by another that may change packets when that other does
	 * not (since 6.12), and leaves the interface as it was.
	 */
	[[nodiscard]] Result<XdpMode> join(int program, unsigned ifindex,
	                                   XdpChoice choice) const;

	/** Takes the entry away and leaves the programs of others. */
	[[nodiscard]] Status leave(unsigned ifindex) const;

	/** Puts another program behind all entries in one step. */
	[[nodiscard]] Status replace(int program) const;

	/** The mode in which it runs; nothing if it is not there. */
	[[nodiscard]] Result<std::optional<XdpMode>>
	find(unsigned ifindex) const
	{
		return pins_.find(ifindex);
	}

	/**
	 * The same, also if nobody knows that it is there: the entry is known
	 * by its name and our map. Then it is known from now on.
	 */
	[[nodiscard]] Result<std::optional<XdpMode>>
	recall(unsigned ifindex) const;

	/** Interfaces that it was put on, whether it is there or not. */
	[[nodiscard]] std::vector<unsigned> joined() const
	{
		return pins_.interfaces();
	}

private:
	[[nodiscard]] Status joinAs(XdpMode mode, unsigned ifindex) const;
	[[nodiscard]] Status leaveAs(XdpMode mode, unsigned ifindex) const;
	[[nodiscard]] std::string entryPath() const;

	std::string pinRoot_;
	DispatcherPins pins_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_DISPATCHER_H
