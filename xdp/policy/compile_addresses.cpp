// SPDX-License-Identifier: Apache-2.0
#include "policy/compile_addresses.h"

#include <algorithm>

namespace cloak
{
namespace
{

constexpr unsigned kV4PointToPoint = CLOAK_V4_PREFIX_BITS + 31;
constexpr unsigned kV6PointToPoint = 127;

/** ff02::1:ff00:0/104, to which an address adds its last three octets. */
constexpr IpAddress kSolicitedNode = {
    {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, 0, 0, 0}};
constexpr std::size_t kSolicitedNodeOctets = 13;

IpAddress solicitedNode(const IpAddress &ip)
{
	IpAddress group = ip;

	std::copy_n(kSolicitedNode.octets.begin(), kSolicitedNodeOctets,
	            group.octets.begin());
	return group;
}

IpAddress directedBroadcast(const Prefix &prefix)
{
	const Prefix network = prefix.network();
	const Prefix complement = {
	    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	      0xff, 0xff, 0xff, 0xff, 0xff}},
	    prefix.bits};
	IpAddress broadcast = network.address;

	for (std::size_t i = 0; i < broadcast.octets.size(); ++i) {
		broadcast.octets[i] |= static_cast<std::uint8_t>(
		    ~complement.network().address.octets[i]);
	}
	return broadcast;
}

bool hasBroadcast(const Prefix &prefix)
{
	return prefix.isV4() && prefix.bits < kV4PointToPoint;
}

/**
 * Routers answer to the address of the network as well (RFC 4291, 2.6.1), but
 * not between two ends (RFC 6164, 5.1).
 */
bool hasAnycast(const Prefix &prefix)
{
	return !prefix.isV4() && prefix.bits > 0 &&
	       prefix.bits < kV6PointToPoint;
}

/** The addresses of one policy on one host. */
class Addresses
{
public:
	void hide(const IpAddress &address)
	{
		add(address, CLOAK_ADDRESS_UNICAST);
	}

	/** When all are hidden that are to be. */
	void noteVisible(const Host &host);

	/** Subnet-router anycast where all addresses of a prefix are cloaked.
	 */
	void hideAnycastOf(const HostInterface &interface);

	/** Groups that stand for cloaked addresses of it and no others. */
	void hideGroupsOf(const HostInterface &interface);

	CompiledAddresses take() &&
	{
		compiled_.excess = excess_.size();
		return std::move(compiled_);
	}

private:
	void add(const IpAddress &address, std::uint32_t flags);
	[[nodiscard]] bool isHidden(const IpAddress &address) const
	{
		return compiled_.entries.contains(address);
	}
	void hideShared(const IpAddress &address, std::uint32_t flags);

	CompiledAddresses compiled_;
	std::set<IpAddress> excess_;
	/** Those, and what else they answer to. */
	std::set<IpAddress> visible_;
};

void Addresses::add(const IpAddress &address, std::uint32_t flags)
{
	if (isHidden(address))
		return;
	if (compiled_.entries.size() == CLOAK_MAX_ADDRESSES)
		excess_.insert(address);
	else
		compiled_.entries[address].flags = flags;
}

void Addresses::noteVisible(const Host &host)
{
	for (const HostInterface &interface : host.interfaces) {
		for (const Prefix &prefix : interface.addresses) {
			const IpAddress &own = prefix.address;

			if (isHidden(own))
				continue;
			visible_.insert(own);
			if (!own.isV4())
				visible_.insert(solicitedNode(own));
			if (hasBroadcast(prefix))
				visible_.insert(directedBroadcast(prefix));
			if (hasAnycast(prefix)) {
				const auto network = prefix.network().address;

				visible_.insert(network);
				visible_.insert(solicitedNode(network));
			}
		}
	}
}

void Addresses::hideAnycastOf(const HostInterface &interface)
{
	for (const Prefix &prefix : interface.addresses)
		if (isHidden(prefix.address) && hasAnycast(prefix))
			hideShared(prefix.network().address,
			           CLOAK_ADDRESS_ANYCAST);
}

/** Unless it stands for a visible address as well. */
void Addresses::hideShared(const IpAddress &address, std::uint32_t flags)
{
	if (!visible_.contains(address))
		add(address, flags);
}

void Addresses::hideGroupsOf(const HostInterface &interface)
{
	for (const Prefix &prefix : interface.addresses) {
		const IpAddress network = prefix.network().address;

		if (!isHidden(prefix.address))
			continue;
		if (!prefix.isV4())
			hideShared(solicitedNode(prefix.address),
			           CLOAK_ADDRESS_GROUP);
		if (hasAnycast(prefix) && isHidden(network))
			hideShared(solicitedNode(network), CLOAK_ADDRESS_GROUP);
		if (hasBroadcast(prefix))
			hideShared(directedBroadcast(prefix),
			           CLOAK_ADDRESS_GROUP);
	}
}

} // namespace

CompiledAddresses compileAddresses(const Policy &policy, const Host &host,
                                   const std::set<unsigned> &whole)
{
	Addresses addresses;

	for (const auto &address : policy.addresses)
		addresses.hide(address.value);
	for (const HostInterface &interface : host.interfaces) {
		if (!whole.contains(interface.index))
			continue;
		for (const Prefix &prefix : interface.addresses)
			addresses.hide(prefix.address);
	}
	addresses.noteVisible(host);
	for (const HostInterface &interface : host.interfaces)
		addresses.hideAnycastOf(interface);
	for (const HostInterface &interface : host.interfaces)
		if (!whole.contains(interface.index))
			addresses.hideGroupsOf(interface);
	return std::move(addresses).take();
}

} // namespace cloak
