// SPDX-License-Identifier: Apache-2.0
#include "learn/propose.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "learn/cover.h"
#include "learn/services.h"
#include "policy/rule_words.h"

namespace cloak
{
namespace
{

/** Ports that a name can be made of; else the first and how many more. */
constexpr std::size_t kNamedPorts = 3;

/** Services of one kind with the same users: one rule. */
struct Bundle {
	Service service; //!< without a port, but for one that has only one
	std::set<std::uint16_t> ports;
	const Users *users = nullptr; //!< of the first, for its addresses
	std::vector<CoveredFlows> covers;
};

bool hasPorts(std::uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_UDPLITE;
}

bool isIcmp(std::uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

bool sameUsers(const Users &one, const Users &other)
{
	return std::ranges::equal(one, other, {}, &Users::value_type::first,
	                          &Users::value_type::first);
}

/** Ports that may be in one list; the ephemeral ones stand alone. */
bool fits(const Bundle &bundle, const Service &service, const Users &users)
{
	return hasPorts(service.protocol) && service.port != 0 &&
	       bundle.service.port != 0 &&
	       bundle.service.local == service.local &&
	       bundle.service.outbound == service.outbound &&
	       bundle.service.protocol == service.protocol &&
	       sameUsers(*bundle.users, users);
}

/** The bundle that the service fits into, a new one if there is none. */
Bundle &bundleFor(std::vector<Bundle> &bundles, const Service &service,
                  const Users &users)
{
	const auto found =
	    std::ranges::find_if(bundles, [&](const Bundle &one) {
		    return fits(one, service, users);
	    });

	if (found != bundles.end())
		return *found;
	return bundles.emplace_back(Bundle{service, {}, &users, {}});
}

std::vector<Bundle> bundle(const std::map<Service, Users> &used)
{
	std::vector<Bundle> bundles;

	for (const auto &[service, users] : used) {
		Bundle &one = bundleFor(bundles, service, users);

		one.ports.insert(service.port);
		for (const auto &[remote, totals] : users)
			one.covers.push_back({remote, service.port, totals});
	}
	return bundles;
}

/** Ports one after the other as a range, the ephemeral ones as theirs. */
std::vector<PortRange> rangesOf(const std::set<std::uint16_t> &ports)
{
	std::vector<PortRange> ranges;

	for (const std::uint16_t port : ports)
		if (port == 0)
			ranges.push_back({kFirstEphemeral, 0xffff});
		else if (!ranges.empty() && ranges.back().most + 1 == port)
			ranges.back().most = port;
		else
			ranges.push_back({port, port});
	return ranges;
}

/** "tcp-22-4420", "to-udp-53", "icmp-8": once in a table. */
std::string nameOf(const Bundle &bundle)
{
	const Service &service = bundle.service;
	std::string name =
	    (service.outbound ? "to-" : "") + protocolName(service.protocol);

	if (isIcmp(service.protocol))
		return fmt::format("{}-{}", name, service.icmpType);
	if (!hasPorts(service.protocol))
		return name;
	if (service.port == 0)
		return name + "-dynamic";
	std::size_t named = 0;
	for (const std::uint16_t port : bundle.ports)
		if (named++ < kNamedPorts)
			name += fmt::format("-{}", port);
	if (bundle.ports.size() > kNamedPorts)
		name += fmt::format("-and-{}-more",
		                    bundle.ports.size() - kNamedPorts);
	return name;
}

std::vector<Located<Prefix>> located(const std::vector<Prefix> &prefixes)
{
	std::vector<Located<Prefix>> list;

	for (const Prefix &prefix : prefixes)
		list.push_back({prefix, {}});
	return list;
}

std::set<IpAddress> addressesOf(const Users &users)
{
	std::set<IpAddress> addresses;

	for (const auto &[remote, totals] : users)
		addresses.insert(remote);
	return addresses;
}

/** @param others are strangers, but to the rule that is about them. */
ProposedRule ruleFor(const Bundle &bundle, std::set<IpAddress> others)
{
	const Service &service = bundle.service;
	const std::set<IpAddress> users = addressesOf(*bundle.users);
	ProposedRule proposed;
	RulePolicy &rule = proposed.rule;

	std::erase_if(others, [&users](const IpAddress &one) {
		return users.contains(one);
	});
	auto remotes = located(cover(users, others));

	rule.name.value = nameOf(bundle);
	rule.verdict.value = CLOAK_RULE_ALLOW;
	rule.protocol = Located<std::uint8_t>{service.protocol, {}};
	rule.direction =
	    service.outbound ? RuleDirection::Out : RuleDirection::In;
	(service.outbound ? rule.destinations : rule.sources) =
	    std::move(remotes);
	if (isIcmp(service.protocol))
		rule.icmpType = Located<std::uint8_t>{service.icmpType, {}};
	if (hasPorts(service.protocol))
		rule.destinationPorts = rangesOf(bundle.ports);
	proposed.covers = bundle.covers;
	std::ranges::sort(proposed.covers, {}, [](const CoveredFlows &covered) {
		return std::pair(covered.remote, covered.port);
	});
	for (const CoveredFlows &covered : proposed.covers)
		proposed.totals.add(covered.totals);
	return proposed;
}

/**
 * The same packets the other way. What comes in as an answer of TCP must say
 * so, or else everybody could begin a connection from that port.
 */
ProposedRule answersTo(const RulePolicy &rule)
{
	constexpr std::uint8_t ack = 1U << 4U;
	const bool outbound = rule.direction == RuleDirection::Out;
	ProposedRule answers;

	answers.answers = true;
	answers.rule = rule;
	answers.rule.name.value += "-answers";
	answers.rule.direction =
	    outbound ? RuleDirection::In : RuleDirection::Out;
	std::swap(answers.rule.sources, answers.rule.destinations);
	std::swap(answers.rule.sourcePorts, answers.rule.destinationPorts);
	if (rule.icmpType) {
		const bool v4 = rule.protocol->value == IPPROTO_ICMP;
		answers.rule.icmpType->value = v4 ? kEchoReply : kEchoReply6;
	}
	if (outbound && rule.protocol->value == IPPROTO_TCP)
		answers.rule.tcpFlags = Located<TcpFlagMatch>{{ack, 0}, {}};
	return answers;
}

/**
 * Those who ask this host, and those who only answer it. An error comes from
 * whoever is on the way, or from anybody who makes one up: it makes no peer,
 * and needs none, as the cloak lets those through that are about a peer.
 */
std::vector<PeerGroup> groupsOf(const std::map<Service, Users> &used,
                                const std::set<IpAddress> &others)
{
	std::set<IpAddress> asking;
	std::set<IpAddress> answering;
	std::vector<PeerGroup> groups;

	for (const auto &[service, users] : used)
		if (!service.isError())
			(service.outbound ? answering : asking)
			    .merge(addressesOf(users));
	std::erase_if(answering, [&asking](const IpAddress &one) {
		return asking.contains(one);
	});
	const auto add = [&](const char *name, Access access,
	                     const std::set<IpAddress> &members,
	                     std::set<IpAddress> strangers) {
		PeerGroup group;

		if (members.empty())
			return;
		strangers.insert(others.begin(), others.end());
		group.name.value = name;
		group.prefixes = located(cover(members, strangers));
		group.access = access;
		groups.push_back(std::move(group));
	};
	add("learned", Access::Full, asking, answering);
	add("learned-servers", Access::Outbound, answering, asking);
	return groups;
}

/**
 * Addresses that no network of a proposal may hold; those who had but errors
 * to send are in that of their errors only.
 */
std::set<IpAddress> strangersOf(const Services &services)
{
	std::set<IpAddress> strangers;

	for (const LeftOut &part : services.leftOut)
		strangers.insert(part.remotes.begin(), part.remotes.end());
	for (const auto &[service, users] : services.used)
		if (service.isError())
			strangers.merge(addressesOf(users));
	for (const auto &[service, users] : services.used)
		if (!service.isError())
			for (const auto &[remote, totals] : users)
				strangers.erase(remote);
	for (const auto &[service, users] : services.used)
		strangers.insert(service.local);
	return strangers;
}

} // namespace

Proposal propose(const SeenFlows &seen, const LearnOptions &options)
{
	Services services = findServices(seen, options);
	const std::set<IpAddress> strangers = strangersOf(services);
	Proposal proposal;

	proposal.interfaces = seen.interfaces;
	proposal.skipped = seen.skipped;
	proposal.peers = groupsOf(services.used, strangers);
	for (const Bundle &one : bundle(services.used)) {
		auto &tables = proposal.tables;
		if (tables.empty() ||
		    tables.back().address != one.service.local)
			tables.push_back({one.service.local, {}});
		tables.back().rules.push_back(ruleFor(one, strangers));
		const ProposedRule &asking = tables.back().rules.back();
		if (asking.totals.answered == 0)
			continue;
		ProposedRule answers = answersTo(asking.rule);
		tables.back().rules.push_back(std::move(answers));
	}
	proposal.leftOut = std::move(services.leftOut);
	return proposal;
}

} // namespace cloak
