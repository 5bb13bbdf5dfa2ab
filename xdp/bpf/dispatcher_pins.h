// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Which interfaces have the cloak behind the dispatcher of libxdp.
 */
#ifndef CLOAKLAKE_BPF_DISPATCHER_PINS_H
#define CLOAKLAKE_BPF_DISPATCHER_PINS_H

#include <linux/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/xdp_mode.h"
#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/**
 * The pins <pinRoot>/dispatched/program-<ifindex>, our program behind the
 * dispatcher, and link-<ifindex>, its place there.
 *
 * libxdp has pins of its own, dispatch-<ifindex>-<id of the dispatcher>, and
 * makes another dispatcher with other places whenever a program joins or
 * leaves. The pin of the place follows with the next find(); it keeps the
 * cloak on when the BPF file system is mounted anew, and the pins of libxdp
 * are lost.
 */
class DispatcherPins
{
public:
	explicit DispatcherPins(const std::string &pinRoot)
	    : folder_(pinRoot + "/dispatched")
	{
	}

	/**
	 * Pins a program that libxdp has just put on an interface, and its
	 * place. Fails with ENOENT if it is in no dispatcher.
	 */
	[[nodiscard]] Status keep(unsigned ifindex, int program) const;

	/**
	 * Pins our program if it is in the dispatcher of an interface, and
	 * nobody knows: that was in another network namespace, or who had put
	 * it there was killed. By its @p name, and as it uses the map with
	 * that @p id.
	 * @returns the mode in which it runs; nothing if it is not there.
	 */
	[[nodiscard]] Result<std::optional<XdpMode>>
	adopt(unsigned ifindex, std::string_view name, __u32 id) const;

	/** Removes both. It is no error if there are none. */
	[[nodiscard]] Status forget(unsigned ifindex) const;

	/** The mode in which the program runs; nothing if it does not. */
	[[nodiscard]] Result<std::optional<XdpMode>>
	find(unsigned ifindex) const;

	/** The program that is pinned; none if there is no pin. */
	[[nodiscard]] Fd program(unsigned ifindex) const;

	/** Whether libxdp has pinned the program for this interface. */
	[[nodiscard]] bool isHeldByLibxdp(unsigned ifindex) const;

	/** All interfaces with a pinned program. */
	[[nodiscard]] std::vector<unsigned> interfaces() const;

private:
	[[nodiscard]] std::string path(const char *what,
	                               unsigned ifindex) const;
	[[nodiscard]] Status keepPlace(unsigned ifindex, const Fd &link) const;

	std::string folder_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_DISPATCHER_PINS_H
