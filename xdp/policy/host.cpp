// SPDX-License-Identifier: Apache-2.0
#include "policy/host.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>

#include "util/netlink.h"

namespace cloak
{
namespace
{

/** So often is a list read anew that changes while it is read. */
constexpr unsigned kAttempts = 8;

/** What asks for a list of interfaces without their statistics. */
struct LinkQuestion {
	ifinfomsg head{};
	rtattr attribute{.rta_len = RTA_LENGTH(sizeof(std::uint32_t)),
	                 .rta_type = IFLA_EXT_MASK};
	std::uint32_t mask = RTEXT_FILTER_SKIP_STATS;
};

/** Asks for a whole list. */
template <typename Question> struct Dump {
	nlmsghdr header{};
	Question question{};

	explicit Dump(std::uint16_t type)
	{
		header.nlmsg_len = sizeof(*this);
		header.nlmsg_type = type;
		header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	}
};

/** What stands before the attributes of a message of that type. */
template <typename Body>
std::optional<Body> bodyOf(const nlmsghdr &message, std::uint16_t type)
{
	const NetlinkBytes payload = payloadOf(message);
	Body body{};

	if (message.nlmsg_type != type || payload.size() < sizeof(body))
		return std::nullopt;
	std::memcpy(&body, payload.data(), sizeof(body));
	return body;
}

std::string textOf(NetlinkBytes value)
{
	const std::string text(value.begin(), value.end());

	return text.substr(0, text.find('\0'));
}

/** What a link says about the one that it lives on. */
struct LowerLink {
	unsigned index = 0;
	std::string kind;
	bool elsewhere = false; //!< in another namespace

	/**
	 * Whether its frames are those of the other one. The other end of a
	 * veth and what a tunnel goes through are named in the same way.
	 */
	[[nodiscard]] bool isBelow() const
	{
		constexpr std::array<std::string_view, 5> kinds = {
		    "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"};

		return !elsewhere &&
		       std::ranges::find(kinds, kind) != kinds.end();
	}
};

unsigned indexOf(NetlinkBytes value)
{
	unsigned index = 0;

	if (value.size() == sizeof(index))
		std::memcpy(&index, value.data(), sizeof(index));
	return index;
}

LowerLink lowerOf(const nlmsghdr &message)
{
	LowerLink lower;
	const auto readKind = [&lower](std::uint16_t type, NetlinkBytes value) {
		if (type == IFLA_INFO_KIND)
			lower.kind = textOf(value);
	};

	forEachAttribute(message, sizeof(ifinfomsg),
	                 [&](std::uint16_t type, NetlinkBytes value) {
				 if (type == IFLA_LINK)
					 lower.index = indexOf(value);
				 else if (type == IFLA_LINK_NETNSID)
					 lower.elsewhere = true;
				 else if (type == IFLA_LINKINFO)
					 forEachAttribute(value, readKind);
			 });
	return lower;
}

void addLink(Host &host, const nlmsghdr &message)
{
	const auto link = bodyOf<ifinfomsg>(message, RTM_NEWLINK);
	HostInterface interface;

	if (!link)
		return;
	interface.index = static_cast<unsigned>(link->ifi_index);
	interface.loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
	interface.ethernet =
	    link->ifi_type == ARPHRD_ETHER || link->ifi_type == ARPHRD_LOOPBACK;
	const LowerLink lower = lowerOf(message);
	if (lower.isBelow())
		interface.lower = lower.index;
	forEachAttribute(
	    message, sizeof(*link),
	    [&interface](std::uint16_t type, NetlinkBytes value) {
		    if (type == IFLA_IFNAME)
			    interface.name = textOf(value);
		    else if (type == IFLA_MASTER)
			    interface.master = indexOf(value);
		    else if (type == IFLA_ADDRESS &&
		             value.size() == interface.mac.octets.size())
			    std::ranges::copy(value,
			                      interface.mac.octets.begin());
	    });
	host.interfaces.push_back(std::move(interface));
}

/** Where there is a peer, IFA_ADDRESS is his and IFA_LOCAL the own one. */
void addAddress(Host &host, const nlmsghdr &message)
{
	const auto entry = bodyOf<ifaddrmsg>(message, RTM_NEWADDR);
	std::optional<IpAddress> address;
	std::optional<IpAddress> local;

	if (!entry)
		return;
	forEachAttribute(message, sizeof(*entry),
	                 [&](std::uint16_t type, NetlinkBytes value) {
				 if (type == IFA_ADDRESS)
					 address = ipFromOctets(value);
				 else if (type == IFA_LOCAL)
					 local = ipFromOctets(value);
			 });
	const auto owner = std::ranges::find(host.interfaces, entry->ifa_index,
	                                     &HostInterface::index);
	const auto own = local ? local : address;
	if (owner == host.interfaces.end() || !own)
		return;
	const unsigned above = own->isV4() ? CLOAK_V4_PREFIX_BITS : 0;
	owner->addresses.push_back(
	    {*own, static_cast<std::uint8_t>(above + entry->ifa_prefixlen)});
}

/** Fails with EINTR if anything has changed meanwhile: @p host may lack some.
 */
Status readInto(Host &host)
{
	const Dump<LinkQuestion> links(RTM_GETLINK);
	const Dump<ifaddrmsg> addresses(RTM_GETADDR);

	const auto addWith = [&host](void (*add)(Host &, const nlmsghdr &)) {
		return [&host, add](const nlmsghdr &message) -> Status {
			add(host, message);
			return {};
		};
	};
	Status linked = askNetlink(NETLINK_ROUTE, links.header,
	                           "the network interfaces", addWith(addLink));
	if (!linked && linked.error().code() != EINTR)
		return linked;
	Status addressed = askNetlink(NETLINK_ROUTE, addresses.header,
	                              "their addresses", addWith(addAddress));
	return addressed ? linked : addressed;
}

} // namespace

const HostInterface *Host::find(std::string_view name) const
{
	auto found = std::ranges::find(interfaces, name, &HostInterface::name);

	if (found == interfaces.end()) {
		found = std::ranges::find(interfaces, name,
		                          &HostInterface::policyName);
	}
	return found == interfaces.end() ? nullptr : &*found;
}

bool Host::has(const IpAddress &ip) const
{
	return std::ranges::any_of(
	    interfaces,
	    [&ip](const HostInterface &interface) {
		    return std::ranges::find(interface.addresses, ip,
		                             &Prefix::address) !=
		           interface.addresses.end();
	    });
}

std::vector<unsigned> Host::carriersOf(unsigned index) const
{
	std::vector<unsigned> carriers;
	std::deque<unsigned> left = {index};

	while (!left.empty()) {
		const unsigned above = left.front();
		left.pop_front();
		if (std::ranges::find(carriers, above) != carriers.end())
			continue;
		carriers.push_back(above);
		for (const HostInterface &interface : interfaces) {
			if (interface.master == above)
				left.push_back(interface.index);
			if (interface.index == above && interface.lower != 0)
				left.push_back(interface.lower);
		}
	}
	return carriers;
}

std::string Host::nameOf(unsigned index) const
{
	auto found =
	    std::ranges::find(interfaces, index, &HostInterface::index);

	if (found != interfaces.end())
		return found->policyName();
	return fmt::format("if{}", index);
}

Result<Host> Host::read()
{
	Host host;
	Status complete = readInto(host);

	// Where they change all the time, the last list has to do.
	for (unsigned i = 1;
	     i < kAttempts && !complete && complete.error().code() == EINTR;
	     i++) {
		host = {};
		complete = readInto(host);
	}
	if (!complete && complete.error().code() != EINTR)
		return complete.error();
	return host;
}

} // namespace cloak
