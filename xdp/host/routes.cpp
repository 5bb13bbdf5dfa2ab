// SPDX-License-Identifier: Apache-2.0
#include "host/routes.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "util/netlink.h"

namespace cloak
{
namespace
{

constexpr std::size_t kV4Octets = 4;

std::span<const std::uint8_t> octetsOf(const IpAddress &ip)
{
	const std::span<const std::uint8_t> octets = ip.octets;

	return ip.isV4() ? octets.last(kV4Octets) : octets;
}

std::uint8_t familyOf(const IpAddress &ip)
{
	return ip.isV4() ? AF_INET : AF_INET6;
}

/** A question that begins with @p Body and has addresses behind it. */
template <typename Body> class AddressRequest
{
public:
	AddressRequest(std::uint16_t type, const Body &body)
	{
		nlmsghdr header{};

		header.nlmsg_type = type;
		header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		std::memcpy(buffer_.data(), &header, sizeof(header));
		std::memcpy(&buffer_.at(size_), &body, sizeof(body));
		size_ += sizeof(body);
	}

	void add(std::uint16_t type, const IpAddress &ip)
	{
		add(type, octetsOf(ip));
	}

	void add(std::uint16_t type, std::uint32_t number)
	{
		std::array<std::uint8_t, sizeof(number)> octets{};

		std::memcpy(octets.data(), &number, sizeof(number));
		add(type, std::span<const std::uint8_t>(octets));
	}

	void add(std::uint16_t type, std::span<const std::uint8_t> octets)
	{
		rtattr attribute{};

		attribute.rta_type = type;
		attribute.rta_len = static_cast<std::uint16_t>(
		    sizeof(attribute) + octets.size());
		std::memcpy(&buffer_.at(size_), &attribute, sizeof(attribute));
		std::memcpy(&buffer_.at(size_ + sizeof(attribute)),
		            octets.data(), octets.size());
		size_ += attribute.rta_len;
	}

	/** The question, which lives as long as this object. */
	[[nodiscard]] const nlmsghdr &finish()
	{
		auto *header = reinterpret_cast<nlmsghdr *>(buffer_.data());

		header->nlmsg_len = static_cast<__u32>(size_);
		return *header;
	}

private:
	alignas(nlmsghdr) std::array<char, 128> buffer_{};
	std::size_t size_ = sizeof(nlmsghdr);
};

/** IPv4 by way of an IPv6 router: the family stands before the address. */
std::optional<IpAddress> viaOf(NetlinkBytes value)
{
	if (value.size() <= sizeof(std::uint16_t))
		return std::nullopt;
	return ipFromOctets(value.subspan(sizeof(std::uint16_t)));
}

Route routeOf(const nlmsghdr &message)
{
	Route route;

	forEachAttribute(
	    message, sizeof(rtmsg),
	    [&route](std::uint16_t type, NetlinkBytes value) {
		    if (type == RTA_OIF && value.size() == sizeof(unsigned))
			    std::memcpy(&route.ifindex, value.data(),
			                sizeof(route.ifindex));
		    else if (type == RTA_GATEWAY)
			    route.gateway = ipFromOctets(value);
		    else if (type == RTA_VIA)
			    route.gateway = viaOf(value);
	    });
	return route;
}

/** The MAC of a neighbour, if the kernel knows it. */
std::optional<MacAddress> macOf(unsigned ifindex, const IpAddress &ip)
{
	ndmsg body{};
	std::optional<MacAddress> mac;

	body.ndm_family = familyOf(ip);
	body.ndm_ifindex = static_cast<int>(ifindex);
	AddressRequest<ndmsg> request(RTM_GETNEIGH, body);
	request.add(NDA_DST, ip);
	const auto read = [&mac](std::uint16_t type, NetlinkBytes value) {
		MacAddress found;
		if (type != NDA_LLADDR || value.size() != found.octets.size())
			return;
		std::ranges::copy(value, found.octets.begin());
		mac = found;
	};
	// Of a neighbour that is not known there is simply no MAC.
	askNetlink(NETLINK_ROUTE, request.finish(), "a neighbour",
	           [&read](const nlmsghdr &message) -> Status {
			   if (message.nlmsg_type == RTM_NEWNEIGH)
				   forEachAttribute(message, sizeof(ndmsg),
			                            read);
			   return {};
		   })
	    .ignore();
	return mac;
}

} // namespace

Result<Route> findRoute(const IpAddress &from, const IpAddress &to,
                        unsigned ifindex)
{
	rtmsg body{};
	Route route;

	body.rtm_family = familyOf(to);
	body.rtm_dst_len = static_cast<std::uint8_t>(octetsOf(to).size() * 8);
	body.rtm_src_len = body.rtm_dst_len;
	AddressRequest<rtmsg> request(RTM_GETROUTE, body);
	request.add(RTA_DST, to);
	request.add(RTA_SRC, from);
	if (ifindex != 0)
		request.add(RTA_OIF, ifindex);
	Status asked = askNetlink(
	    NETLINK_ROUTE, request.finish(), "the way to " + toString(to),
	    [&route](const nlmsghdr &message) -> Status {
		    if (message.nlmsg_type == RTM_NEWROUTE)
			    route = routeOf(message);
		    return {};
	    });
	if (!asked)
		return asked.error();
	return route;
}

Result<Hop> findHop(const IpAddress &from, const IpAddress &to,
                    unsigned ifindex)
{
	auto route = findRoute(from, to, ifindex);
	// Rather the way of others than none at all.
	if (!route && ifindex != 0)
		route = findRoute(from, to);
	if (!route)
		return route.error();
	return Hop{route->ifindex,
	           macOf(route->ifindex, route->gateway.value_or(to))};
}

} // namespace cloak
