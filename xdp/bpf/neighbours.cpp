// SPDX-License-Identifier: Apache-2.0
#include "bpf/neighbours.h"

#include <bpf/bpf.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "util/netlink.h"

namespace cloak
{

namespace
{

constexpr unsigned kUsable =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

/** What one message of the kernel's neighbour table says. */
struct Entry {
	cloak_neighbour_key key{};
	cloak_neighbour value{};
};

bool copyAddress(NetlinkBytes octets, cloak_addr &addr)
{
	switch (octets.size()) {
	case 4:
		addr.bytes[10] = 0xff;
		addr.bytes[11] = 0xff;
		std::ranges::copy(octets, addr.bytes + 12);
		return true;
	case sizeof(addr.bytes):
		std::ranges::copy(octets, addr.bytes);
		return true;
	default:
		return false;
	}
}

/** The entry in @p message if it is a usable one of @p ifindex. */
std::optional<Entry> entryOf(const nlmsghdr &message, unsigned ifindex)
{
	ndmsg head{};
	Entry entry;
	bool hasAddress = false;
	bool hasMac = false;

	const NetlinkBytes payload = payloadOf(message);
	if (message.nlmsg_type != RTM_NEWNEIGH || payload.size() < sizeof(head))
		return std::nullopt;
	std::memcpy(&head, payload.data(), sizeof(head));
	if (head.ndm_ifindex != static_cast<int>(ifindex) ||
	    (head.ndm_state & kUsable) == 0)
		return std::nullopt;
	entry.key.ifindex = ifindex;
	forEachAttribute(
	    message, sizeof(head), [&](std::uint16_t type, NetlinkBytes value) {
		    if (type == NDA_DST) {
			    hasAddress = copyAddress(value, entry.key.addr);
		    } else if (type == NDA_LLADDR &&
		               value.size() == sizeof(entry.value.mac)) {
			    std::ranges::copy(value, entry.value.mac);
			    hasMac = true;
		    }
	    });
	if (!hasAddress || !hasMac)
		return std::nullopt;
	return entry;
}

/** @returns whether the entry is new. */
Result<bool> add(const CloakMaps &maps, const Entry &entry)
{
	const cloak_station_key key = [&] {
		cloak_station_key made{};
		made.ifindex = entry.key.ifindex;
		std::memcpy(made.mac, entry.value.mac, sizeof(made.mac));
		return made;
	}();
	const cloak_station station{entry.key.addr};

	if (bpf_map_update_elem(maps.neighbours.fd(), &entry.key, &entry.value,
	                        BPF_NOEXIST)) {
		if (errno == EEXIST)
			return false;
		return Error::fromErrno("cannot write to map neighbours");
	}
	// All of the word: no bit that a program sets meanwhile is lost.
	const Status possible = maps.stationFilter.put(
	    CLOAK_STATION_WORD(cloak_station_hash(&key)), ~__u64{0});
	if (!possible)
		return possible.error();
	// Which of its addresses a station stands for matters little.
	if (bpf_map_update_elem(maps.stations.fd(), &key, &station,
	                        BPF_NOEXIST) &&
	    errno != EEXIST)
		return Error::fromErrno("cannot write to map stations");
	return true;
}

} // namespace

Result<unsigned> seedNeighbours(const CloakMaps &maps, unsigned ifindex)
{
	struct {
		nlmsghdr header;
		ndmsg body;
	} request{};
	unsigned added = 0;

	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_GETNEIGH;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	Status asked =
	    askNetlink(NETLINK_ROUTE, request.header, "the neighbour table",
	               [&](const nlmsghdr &message) -> Status {
			       auto entry = entryOf(message, ifindex);
			       if (!entry)
				       return {};
			       auto fresh = add(maps, *entry);
			       if (!fresh)
				       return fresh.error();
			       added += *fresh ? 1 : 0;
			       return {};
		       });
	if (!asked)
		return asked.error();
	return added;
}

} // namespace cloak
