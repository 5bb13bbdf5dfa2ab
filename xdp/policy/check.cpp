// SPDX-License-Identifier: Apache-2.0
#include "policy/check.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "policy/check_rules.h"
#include "policy/interfaces.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

std::string quoted(const std::string &text)
{
	return quote(text);
}

template <typename T> std::string quoted(const T &value)
{
	return quote(toString(value));
}

/** Looks at one policy, notes what it finds. */
class Checker
{
public:
	Checker(const Policy &policy, Diagnostics &errors)
	    : policy_(policy), errors_(errors)
	{
	}

	void run()
	{
		checkInterfaces();
		checkAddresses();
		for (const PeerGroup &group : policy_.peers)
			checkGroup(group);
		for (const PeerGroup &group : policy_.peers)
			checkExceptions(group);
		for (const Gateway &gateway : policy_.gateways)
			checkGateway(gateway);
		checkAlerts();
		checkSizes();
		checkRules(policy_, errors_);
		checkSeeing(policy_, errors_);
	}

private:
	template <typename T> using Seen = std::map<T, Position>;

	template <typename T>
	void fault(const Located<T> &what, std::string_view key,
	           std::string expected)
	{
		errors_.push_back({what.at, std::string(key),
		                   quoted(what.value), std::move(expected)});
	}

	/** Notes a value that stands in @p seen already. */
	template <typename T>
	void unique(Seen<T> &seen, const Located<T> &what, std::string_view key)
	{
		if (what.at.line == 0)
			return; // was missing or wrong, and is noted as such
		auto [first, fresh] = seen.try_emplace(what.value, what.at);
		if (!fresh) {
			fault(what, key,
			      fmt::format("each value once; this one stands in "
			                  "{} already",
			                  lineOf(first->second, what.at,
			                         policy_.files)));
		}
	}

	void checkInterfaces();
	void checkAddresses();
	void checkGroup(const PeerGroup &group);
	void checkPrefix(const Located<Prefix> &prefix, std::string_view key);
	void checkMacs(const PeerGroup &group);
	void checkExceptions(const PeerGroup &group);
	void checkGateway(const Gateway &gateway);
	void checkMac(const Located<MacAddress> &mac, std::string_view key);
	void checkHost(const Located<IpAddress> &address, std::string_view key);
	void checkReference(const std::optional<Located<std::string>> &name,
	                    std::string_view key);
	void checkAlerts();
	void checkSizes();
	void limit(std::string_view key, std::size_t count, std::size_t most);
	bool isAuthorised(const Prefix &prefix) const;

	const Policy &policy_;
	Diagnostics &errors_;
	Seen<std::string> interfaces_;
	Seen<std::string> groups_;
	Seen<IpAddress> addresses_;
	Seen<IpAddress> gateways_;
	Seen<Prefix> prefixes_;
	std::set<Prefix> authorised_;
};

void Checker::checkInterfaces()
{
	if (policy_.interfaces.empty()) {
		errors_.push_back(
		    {{}, "interface", "", "at least one [[interface]]"});
	}
	for (const InterfacePolicy &interface : policy_.interfaces) {
		unique(interfaces_, interface.name, "interface.name");
		if (interface.scope.value == CLOAK_SCOPE_ADDRESSES &&
		    policy_.addresses.empty() && policy_.tables.empty()) {
			errors_.push_back({interface.scope.at, "interface.mode",
			                   "\"addresses\"",
			                   "the addresses to be listed under "
			                   "[cloak], or a [[table]]"});
		}
	}
}

void Checker::checkAddresses()
{
	for (const auto &address : policy_.addresses) {
		checkHost(address, "cloak.addresses");
		unique(addresses_, address, "cloak.addresses");
	}
}

void Checker::checkHost(const Located<IpAddress> &address, std::string_view key)
{
	if (address.value.isGroup() || address.value.isUnspecified())
		fault(address, key, "the address of one host");
}

void Checker::checkGroup(const PeerGroup &group)
{
	unique(groups_, group.name, "peers.name");
	for (const auto &prefix : group.prefixes) {
		checkPrefix(prefix, "peers.prefixes");
		authorised_.insert(prefix.value);
	}
	for (const auto &prefix : group.except)
		checkPrefix(prefix, "peers.except");
	checkMacs(group);
	checkReference(group.interface, "peers.interface");
}

void Checker::checkPrefix(const Located<Prefix> &prefix, std::string_view key)
{
	const Prefix &value = prefix.value;

	if (value != value.network()) {
		fault(prefix, key,
		      fmt::format("{} for the network, or {} for the host",
		                  quoted(value.network()),
		                  quoted(value.address)));
		return;
	}
	unique(prefixes_, prefix, key);
	if (value == Prefix::host(value.address) &&
	    addresses_.contains(value.address))
		fault(prefix, key, "a peer; this address is itself cloaked");
}

void Checker::checkMacs(const PeerGroup &group)
{
	for (const auto &mac : group.macs)
		checkMac(mac, "peers.macs");
	if (group.macs.size() > 1 &&
	    group.macs.size() != group.prefixes.size()) {
		fault(group.macs.front(), "peers.macs",
		      fmt::format("none, one for all, or {} as there are "
		                  "prefixes, not {}",
		                  group.prefixes.size(), group.macs.size()));
	}
}

void Checker::checkMac(const Located<MacAddress> &mac, std::string_view key)
{
	const bool group = (mac.value.octets[0] & 1U) != 0;

	if (group || mac.value == MacAddress{})
		fault(mac, key, "the address of one station");
}

void Checker::checkExceptions(const PeerGroup &group)
{
	for (const auto &prefix : group.except) {
		if (!isAuthorised(prefix.value)) {
			fault(prefix, "peers.except",
			      "a part of a prefix of some group");
		}
	}
}

bool Checker::isAuthorised(const Prefix &prefix) const
{
	for (int bits = prefix.bits; bits >= 0; --bits) {
		const Prefix wider{prefix.address,
		                   static_cast<std::uint8_t>(bits)};

		if (wider.isV4() != prefix.isV4())
			return false;
		if (authorised_.contains(wider.network()))
			return true;
	}
	return false;
}

void Checker::checkGateway(const Gateway &gateway)
{
	checkHost(gateway.address, "gateway.address");
	unique(gateways_, gateway.address, "gateway.address");
	if (addresses_.contains(gateway.address.value)) {
		fault(gateway.address, "gateway.address",
		      "a router; this address is itself cloaked");
	}
	if (gateway.mac)
		checkMac(*gateway.mac, "gateway.mac");
	checkReference(gateway.interface, "gateway.interface");
}

void Checker::checkReference(const std::optional<Located<std::string>> &name,
                             std::string_view key)
{
	if (!name)
		return;
	if (isPattern(name->value)) {
		fault(*name, key,
		      "the name of one interface; a pattern cannot stand here");
	} else if (!interfaces_.contains(name->value) &&
	           decidingTable(policy_, name->value) == 0) {
		fault(*name, key,
		      "the name of an [[interface]] of this policy, or one "
		      "that a pattern of it matches");
	}
}

void Checker::checkAlerts()
{
	if (policy_.alerts.forget < policy_.alerts.repeat) {
		errors_.push_back({policy_.alerts.at, "alerts.forget", "",
		                   "a time not shorter than alerts.repeat"});
	}
}

void Checker::checkSizes()
{
	std::size_t peers = policy_.gateways.size();

	for (const PeerGroup &group : policy_.peers)
		peers += group.prefixes.size() + group.except.size();
	limit("interface", policy_.interfaces.size(), CLOAK_MAX_IFACES);
	limit("cloak.addresses", policy_.addresses.size(), kMostAddresses);
	limit("peers", peers, kMostPeers);
}

void Checker::limit(std::string_view key, std::size_t count, std::size_t most)
{
	if (count > most) {
		errors_.push_back({{},
		                   std::string(key),
		                   fmt::format("{} entries", count),
		                   fmt::format("at most {}", most)});
	}
}

} // namespace

void checkPolicy(const Policy &policy, Diagnostics &errors)
{
	Checker(policy, errors).run();
}

} // namespace cloak
