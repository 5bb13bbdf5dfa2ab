// SPDX-License-Identifier: Apache-2.0
#include "policy/compile.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <tuple>
#include <type_traits>

#include "policy/compile_addresses.h"
#include "policy/compile_rules.h"
#include "policy/interfaces.h"

namespace cloak
{
namespace
{

void setMac(std::uint8_t (&field)[6], const MacAddress &mac)
{
	std::ranges::copy(mac.octets, std::begin(field));
}

/**
 * Who gets a place where there are not enough: what the policy names comes
 * first, then what has one, then who has been there for longest.
 */
auto rankOf(const InterfaceMatch &match)
{
	return std::tuple(isPattern(match.table->name.value),
	                  match.found == nullptr || !match.found->cloaked,
	                  match.found == nullptr ? 0 : match.found->index);
}

/** In the order of the policy, unless there is no room for all. */
std::vector<InterfaceMatch> byRank(const Policy &policy, const Host &host)
{
	auto matches = matchInterfaces(policy, host);

	if (matches.size() > CLOAK_MAX_IFACES)
		std::ranges::stable_sort(matches, std::less{}, rankOf);
	return matches;
}

/** Builds the entries of one policy for one host. */
class Compiler
{
public:
	Compiler(const Policy &policy, const Host &host)
	    : policy_(policy), host_(host)
	{
	}

	std::vector<CompiledInterface> interfaces()
	{
		addInterfaces();
		return std::move(compiled_.interfaces);
	}

	CompiledPolicy run(const std::vector<Authorisation> &granted)
	{
		addInterfaces();
		addAddresses();
		for (std::size_t i = 0; i < policy_.peers.size(); ++i)
			addGroup(policy_.peers[i],
			         static_cast<std::uint32_t>(i + 1));
		for (const Gateway &gateway : policy_.gateways)
			addGateway(gateway);
		for (const Decoy &decoy : policy_.seeing.decoys)
			addDecoy(decoy);
		setAccounting(policy_.seeing);
		for (const Authorisation &authorisation : granted)
			addAuthorisation(authorisation);
		markApart();
		return std::move(compiled_);
	}

private:
	void addInterfaces();
	void addInterface(const InterfaceMatch &match);
	void addAddresses();
	void addGroup(const PeerGroup &group, std::uint32_t id);
	void addGateway(const Gateway &gateway);
	void addDecoy(const Decoy &decoy);
	void setAccounting(const SeeingPolicy &seeing);
	void addAuthorisation(const Authorisation &authorisation);
	bool bind(const std::optional<Located<std::string>> &interface,
	          cloak_peer &entry) const;
	void markApart();
	[[nodiscard]] bool isApart(const Prefix &prefix) const;

	const Policy &policy_;
	const Host &host_;
	CompiledPolicy compiled_;
};

void Compiler::addInterfaces()
{
	for (const InterfaceMatch &match : byRank(policy_, host_))
		addInterface(match);
	compiled_.leftOut = leftOut(policy_, host_);
}

void Compiler::addInterface(const InterfaceMatch &match)
{
	const InterfacePolicy &interface = *match.table;
	CompiledInterface compiled;

	if (match.found == nullptr) {
		compiled_.absent.push_back(interface.name.value);
		return;
	}
	if (compiled_.interfaces.size() == CLOAK_MAX_IFACES) {
		compiled_.excess.push_back(match.found->policyName());
		return;
	}
	compiled.name = match.found->policyName();
	compiled.table = interface.name.value;
	compiled.index = match.found->index;
	compiled.attach = interface.attach;
	compiled.dispatcher = interface.dispatcher;
	compiled.ethernet = match.found->ethernet;
	compiled.entry.scope = static_cast<std::uint8_t>(interface.scope.value);
	compiled.entry.mode = static_cast<std::uint8_t>(interface.action);
	compiled.entry.flags = CLOAK_IFACE_ATTRIBUTE;
	if (interface.resolve)
		compiled.entry.flags |= CLOAK_IFACE_RESOLVE_BROADCAST;
	if (!policy_.tables.empty())
		compiled.entry.flags |= CLOAK_IFACE_TABLES;
	if (interface.scope.value == CLOAK_SCOPE_ADDRESSES && rejects(policy_))
		compiled.entry.flags |= CLOAK_IFACE_ANSWERS;
	if (asksState(policy_))
		compiled.entry.flags |= CLOAK_IFACE_STATE;
	compiled.entry.number = match.number;
	setMac(compiled.entry.mac, match.found->mac);
	compiled_.interfaces.push_back(std::move(compiled));
}

void Compiler::addAddresses()
{
	std::set<unsigned> whole;

	for (const CompiledInterface &interface : compiled_.interfaces)
		if (interface.entry.scope == CLOAK_SCOPE_WHOLE)
			whole.insert(interface.index);
	auto addresses = compileAddresses(policy_, host_, whole);
	compiled_.addresses = std::move(addresses.entries);
	compiled_.unhidden = addresses.excess;
}

/** @returns false if the interface does not exist: then nobody is let in. */
bool Compiler::bind(const std::optional<Located<std::string>> &interface,
                    cloak_peer &entry) const
{
	if (!interface)
		return true;
	const HostInterface *found = host_.find(interface->value);
	if (found == nullptr)
		return false;
	entry.ifindex = found->index;
	return true;
}

void Compiler::addGroup(const PeerGroup &group, std::uint32_t id)
{
	cloak_peer entry{};

	entry.id = id;
	for (const auto &prefix : group.except)
		compiled_.peers[prefix.value] = entry;
	if (!bind(group.interface, entry)) {
		// Else the next wider prefix would decide about them.
		for (const auto &prefix : group.prefixes)
			compiled_.peers[prefix.value] = entry;
		return;
	}
	const std::uint16_t rights = group.access == Access::Full
	                                 ? CLOAK_PEER_INBOUND
	                                 : CLOAK_PEER_OUTBOUND;
	for (std::size_t i = 0; i < group.prefixes.size(); ++i) {
		const Prefix &prefix = group.prefixes[i].value;

		entry.flags = rights;
		if (prefix.address.isGroup()) {
			entry.flags = CLOAK_PEER_GROUP;
		} else if (!group.macs.empty()) {
			const bool one = group.macs.size() == 1;
			entry.flags |= CLOAK_PEER_BOUND_MAC;
			setMac(entry.mac, group.macs[one ? 0 : i].value);
		}
		compiled_.peers[prefix] = entry;
	}
}

/** A gateway keeps the rights that it has as a peer. */
void Compiler::addGateway(const Gateway &gateway)
{
	const Prefix host = Prefix::host(gateway.address.value);
	const cloak_peer *peer = compiled_.decide(host);
	cloak_peer entry = peer != nullptr ? *peer : cloak_peer{};

	if (!bind(gateway.interface, entry))
		return;
	entry.flags |= CLOAK_PEER_GATEWAY;
	if (gateway.mac) {
		entry.flags |= CLOAK_PEER_BOUND_MAC;
		setMac(entry.mac, gateway.mac->value);
	}
	compiled_.peers[host] = entry;
}

void Compiler::addDecoy(const Decoy &decoy)
{
	cloak_decoy entry{};

	for (const auto &port : decoy.ports)
		entry.ports[entry.count++] = port.value;
	compiled_.decoys[decoy.address.value] = entry;
}

void Compiler::setAccounting(const SeeingPolicy &seeing)
{
	constexpr std::uint32_t sourcesAtOnce = 10;
	cloak_account_config &config = compiled_.accounting;

	if (seeing.flows.all)
		compiled_.gates |= CLOAK_ACCOUNT_ALL;
	if (!seeing.decoys.empty())
		compiled_.gates |= CLOAK_ACCOUNT_DECOYS;
	config.shadow_ns = static_cast<std::uint64_t>(
	    std::chrono::nanoseconds(seeing.shadow.time).count());
	if (seeing.evidence.folder.empty())
		return;
	config.snaplen = seeing.evidence.snaplen;
	config.copies_per_second = seeing.evidence.perSecond;
	config.all_copies_per_second =
	    seeing.evidence.perSecond * sourcesAtOnce;
}

void Compiler::addAuthorisation(const Authorisation &authorisation)
{
	const cloak_peer *peer = compiled_.decide(authorisation.peer);

	if (peer == nullptr || !isPermanent(*peer)) {
		compiled_.peers[authorisation.peer] =
		    compileAuthorisation(authorisation);
	}
}

/** Whether no cloaked address lies in it. */
bool Compiler::isApart(const Prefix &prefix) const
{
	const Prefix network = prefix.network();
	const auto end = compiled_.addresses.end();
	// Those of IPv4 lie within what "::/0" covers, and are not meant by it.
	const auto isOwn = [&network](const auto &own) {
		return own.first.isV4() == network.isV4() &&
		       own.second.flags != CLOAK_ADDRESS_ANYCAST;
	};
	const auto next = std::find_if(
	    compiled_.addresses.lower_bound(network.address), end, isOwn);

	return next == end || !network.contains(next->first);
}

void Compiler::markApart()
{
	constexpr unsigned anybody = CLOAK_PEER_INBOUND | CLOAK_PEER_OUTBOUND;

	for (auto &[prefix, entry] : compiled_.peers)
		if ((entry.flags & anybody) != 0 && isApart(prefix))
			entry.flags |= CLOAK_PEER_APART;
}

/** The entries have no padding: their octets are their value. */
template <typename T> bool same(const T &one, const T &other)
{
	static_assert(std::has_unique_object_representations_v<T>);
	return std::memcmp(&one, &other, sizeof(T)) == 0;
}

template <typename Map> bool sameMap(const Map &one, const Map &other)
{
	return std::ranges::equal(
	    one, other,
	    [](const auto &left, const auto &right) {
		    return left.first == right.first &&
		           same(left.second, right.second);
	    });
}

bool sameInterface(const CompiledInterface &one, const CompiledInterface &other)
{
	return one.name == other.name && one.index == other.index &&
	       one.attach == other.attach &&
	       one.dispatcher == other.dispatcher &&
	       one.ethernet == other.ethernet && same(one.entry, other.entry);
}

} // namespace

const cloak_peer *CompiledPolicy::decide(const Prefix &prefix) const
{
	for (int bits = prefix.bits; bits >= 0; --bits) {
		const Prefix wider{prefix.address,
		                   static_cast<std::uint8_t>(bits)};
		if (wider.isV4() != prefix.isV4())
			break;
		auto found = peers.find(wider.network());
		if (found != peers.end())
			return &found->second;
	}
	return nullptr;
}

bool sameEntries(const CompiledPolicy &one, const CompiledPolicy &other)
{
	return std::ranges::equal(one.interfaces, other.interfaces,
	                          sameInterface) &&
	       sameMap(one.addresses, other.addresses) &&
	       sameMap(one.peers, other.peers) &&
	       sameMap(one.decoys, other.decoys) && one.gates == other.gates &&
	       same(one.accounting, other.accounting) &&
	       one.absent == other.absent && one.excess == other.excess &&
	       one.leftOut == other.leftOut && one.unhidden == other.unhidden;
}

bool isPermanent(const cloak_peer &peer)
{
	return (peer.flags & CLOAK_PEER_INBOUND) != 0 &&
	       (peer.flags & CLOAK_PEER_BOUND_MAC) == 0 && peer.ifindex == 0 &&
	       peer.expires_ns == 0;
}

cloak_peer compileAuthorisation(const Authorisation &granted)
{
	cloak_peer entry{};

	entry.flags = CLOAK_PEER_INBOUND;
	entry.id = kRuntimePeerId;
	if (granted.expires) {
		entry.expires_ns = static_cast<std::uint64_t>(
		    granted.expires->time_since_epoch().count());
	}
	if (granted.mac) {
		entry.flags |= CLOAK_PEER_BOUND_MAC;
		setMac(entry.mac, *granted.mac);
	}
	return entry;
}

std::vector<CompiledInterface> compileInterfaces(const Policy &policy,
                                                 const Host &host)
{
	return Compiler(policy, host).interfaces();
}

CompiledPolicy compilePolicy(const Policy &policy, const Host &host,
                             const std::vector<Authorisation> &granted)
{
	return Compiler(policy, host).run(granted);
}

} // namespace cloak
