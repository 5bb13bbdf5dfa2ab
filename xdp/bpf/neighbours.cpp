// SPDX-License-Identifier: Apache-2.0
#include "bpf/neighbours.h"

#include <bpf/bpf.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>

namespace cloak
{

namespace
{

constexpr unsigned kUsable =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

/** What one message of the kernel's neighbour table says. */
struct Entry {
	cloak_addr addr{};
	cloak_neighbour value{};
};

const void *payloadOf(const rtattr *attribute)
{
	return reinterpret_cast<const char *>(attribute) + RTA_LENGTH(0);
}

bool copyAddress(const rtattr *attribute, cloak_addr &addr)
{
	const void *bytes = payloadOf(attribute);

	switch (RTA_PAYLOAD(attribute)) {
	case 4:
		addr.bytes[10] = 0xff;
		addr.bytes[11] = 0xff;
		std::memcpy(addr.bytes + 12, bytes, 4);
		return true;
	case sizeof(addr.bytes):
		std::memcpy(addr.bytes, bytes, sizeof(addr.bytes));
		return true;
	default:
		return false;
	}
}

/** The entry in @p message if it is a usable one of @p ifindex. */
std::optional<Entry> entryOf(const nlmsghdr *message, unsigned ifindex)
{
	// Not NLMSG_DATA(), which casts in the manner of C.
	const auto *head = reinterpret_cast<const ndmsg *>(
	    reinterpret_cast<const char *>(message) + NLMSG_HDRLEN);
	Entry entry;
	bool hasAddress = false;
	bool hasMac = false;

	if (message->nlmsg_type != RTM_NEWNEIGH ||
	    head->ndm_ifindex != static_cast<int>(ifindex) ||
	    !(head->ndm_state & kUsable))
		return std::nullopt;
	entry.value.ifindex = ifindex;

	const auto *at =
	    reinterpret_cast<const char *>(head) + NLMSG_ALIGN(sizeof(*head));
	std::size_t left = NLMSG_PAYLOAD(message, sizeof(*head));
	while (left >= sizeof(rtattr)) {
		const auto *attribute = reinterpret_cast<const rtattr *>(at);
		const std::size_t size = RTA_ALIGN(attribute->rta_len);

		if (attribute->rta_len < sizeof(rtattr) || size > left)
			break;
		if (attribute->rta_type == NDA_DST) {
			hasAddress = copyAddress(attribute, entry.addr);
		} else if (attribute->rta_type == NDA_LLADDR &&
		           RTA_PAYLOAD(attribute) == sizeof(entry.value.mac)) {
			std::memcpy(entry.value.mac, payloadOf(attribute),
			            sizeof(entry.value.mac));
			hasMac = true;
		}
		at += size;
		left -= size;
	}
	if (!hasAddress || !hasMac)
		return std::nullopt;
	return entry;
}

Status askForNeighbours(const Fd &socket)
{
	struct {
		nlmsghdr header;
		ndmsg body;
	} request{};

	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_GETNEIGH;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(socket.get(), &request, sizeof(request), 0) < 0)
		return Error::fromErrno("cannot ask for the neighbour table");
	return {};
}

/** @returns whether the entry is new. */
Result<bool> add(const CloakMaps &maps, const Entry &entry)
{
	const cloak_station_key key = [&] {
		cloak_station_key made{};
		made.ifindex = entry.value.ifindex;
		std::memcpy(made.mac, entry.value.mac, sizeof(made.mac));
		return made;
	}();
	const cloak_station station{entry.addr};

	if (bpf_map_update_elem(maps.neighbours.fd(), &entry.addr, &entry.value,
	                        BPF_NOEXIST)) {
		if (errno == EEXIST)
			return false;
		return Error::fromErrno("cannot write to map neighbours");
	}
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
	const Fd socket(
	    ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	alignas(nlmsghdr) std::array<char, 32768> buffer{};
	unsigned added = 0;

	if (!socket)
		return Error::fromErrno("cannot open a netlink socket");
	auto asked = askForNeighbours(socket);
	if (!asked)
		return asked.error();
	for (;;) {
		const ssize_t got =
		    recv(socket.get(), buffer.data(), buffer.size(), 0);
		if (got < 0)
			return Error::fromErrno(
			    "cannot read the neighbour table");
		auto left = static_cast<unsigned>(got);
		const auto *message =
		    reinterpret_cast<const nlmsghdr *>(buffer.data());
		for (; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return added;
			if (message->nlmsg_type == NLMSG_ERROR)
				return Error(
				    "the kernel refuses the neighbour table");
			auto entry = entryOf(message, ifindex);
			if (!entry)
				continue;
			auto fresh = add(maps, *entry);
			if (!fresh)
				return fresh.error();
			added += *fresh ? 1 : 0;
		}
	}
}

} // namespace cloak
