// SPDX-License-Identifier: Apache-2.0
#include "policy/host.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <span>

namespace cloak
{
namespace
{

/** A copy with its own type: sockaddr promises neither type nor alignment. */
template <typename Address> Address copyAs(const sockaddr *generic)
{
	Address address{};

	std::memcpy(&address, generic, sizeof(address));
	return address;
}

unsigned countBits(std::span<const std::uint8_t> mask)
{
	unsigned bits = 0;

	for (const std::uint8_t octet : mask)
		bits += static_cast<unsigned>(std::popcount(octet));
	return bits;
}

template <typename Field>
std::span<const std::uint8_t> octetsOf(const Field &field)
{
	return {reinterpret_cast<const std::uint8_t *>(&field), sizeof(field)};
}

Prefix v4Prefix(const ifaddrs &entry)
{
	const auto address = copyAs<sockaddr_in>(entry.ifa_addr);
	const auto mask = copyAs<sockaddr_in>(entry.ifa_netmask);
	const unsigned bits =
	    CLOAK_V4_PREFIX_BITS + countBits(octetsOf(mask.sin_addr));

	return {ipFromV4(octetsOf(address.sin_addr).data()),
	        static_cast<std::uint8_t>(bits)};
}

Prefix v6Prefix(const ifaddrs &entry)
{
	const auto address = copyAs<sockaddr_in6>(entry.ifa_addr);
	const auto mask = copyAs<sockaddr_in6>(entry.ifa_netmask);
	Prefix prefix;

	std::ranges::copy(octetsOf(address.sin6_addr),
	                  prefix.address.octets.begin());
	prefix.bits =
	    static_cast<std::uint8_t>(countBits(octetsOf(mask.sin6_addr)));
	return prefix;
}

void addLink(HostInterface &interface, const ifaddrs &entry)
{
	const auto link = copyAs<sockaddr_ll>(entry.ifa_addr);

	interface.index = static_cast<unsigned>(link.sll_ifindex);
	interface.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
	interface.ethernet = link.sll_hatype == ARPHRD_ETHER ||
	                     link.sll_hatype == ARPHRD_LOOPBACK;
	if (link.sll_halen == interface.mac.octets.size()) {
		std::copy_n(std::begin(link.sll_addr),
		            interface.mac.octets.size(),
		            interface.mac.octets.begin());
	}
}

/** What has no hardware address at all, as a tunnel, comes without any. */
void addBareLink(HostInterface &interface)
{
	if (interface.index != 0)
		return;
	interface.index = if_nametoindex(interface.name.c_str());
	interface.ethernet = false;
}

void addEntry(HostInterface &interface, const ifaddrs &entry)
{
	if (entry.ifa_addr == nullptr) {
		addBareLink(interface);
		return;
	}
	const int family = entry.ifa_addr->sa_family;
	if (family == AF_PACKET)
		addLink(interface, entry);
	else if (family == AF_INET && entry.ifa_netmask != nullptr)
		interface.addresses.push_back(v4Prefix(entry));
	else if (family == AF_INET6 && entry.ifa_netmask != nullptr)
		interface.addresses.push_back(v6Prefix(entry));
}

/** "eth0:1" is an old label for an address of eth0. */
std::string_view withoutLabel(std::string_view name)
{
	return name.substr(0, name.find(':'));
}

HostInterface &findOrAdd(Host &host, std::string_view name)
{
	auto found =
	    std::ranges::find(host.interfaces, name, &HostInterface::name);

	if (found != host.interfaces.end())
		return *found;
	HostInterface &added = host.interfaces.emplace_back();
	added.name = name;
	return added;
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
	ifaddrs *list = nullptr;

	if (getifaddrs(&list) != 0)
		return Error::fromErrno("cannot list the network interfaces");
	const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(
	    list, freeifaddrs);
	for (const ifaddrs *entry = list; entry != nullptr;
	     entry = entry->ifa_next) {
		addEntry(findOrAdd(host, withoutLabel(entry->ifa_name)),
		         *entry);
	}
	std::erase_if(host.interfaces, [](const HostInterface &interface) {
		return interface.index == 0;
	});
	return host;
}

} // namespace cloak
