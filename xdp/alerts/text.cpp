// SPDX-License-Identifier: Apache-2.0
#include "alerts/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "bpf/names.h"

namespace cloak
{
namespace
{

/** How many of a kind a line names before it says "and more". */
constexpr std::size_t kNamed = 8;

/** From so many addresses on their network is named instead. */
constexpr std::size_t kSweepNamedFrom = 3;

/** Nobody thinks in networks wider than these, or narrower. */
constexpr int kNarrowestV4 = CLOAK_V4_PREFIX_BITS + 24;
constexpr int kWidestV4 = CLOAK_V4_PREFIX_BITS + 16;
constexpr int kNarrowestV6 = 64;
constexpr int kWidestV6 = 48;

std::string join(const std::vector<std::string> &parts)
{
	std::string text;

	for (std::size_t i = 0; i < parts.size(); ++i) {
		if (i > 0)
			text += i + 1 == parts.size() ? " and " : ", ";
		text += parts[i];
	}
	return text;
}

std::string text(std::uint16_t port)
{
	return fmt::format("{}", port);
}

std::string text(const IpAddress &ip)
{
	return toString(ip);
}

/** "22, 80, 443", or the first of them and "and 5 more". */
template <typename T> std::string list(const std::set<T> &members)
{
	std::string names;
	std::size_t count = 0;

	for (const T &member : members) {
		if (count == kNamed)
			break;
		names += (count++ == 0 ? "" : ", ") + text(member);
	}
	if (members.size() > count)
		names += fmt::format(" and {} more", members.size() - count);
	return names;
}

/** The network that all of @p targets lie in, if it is one worth naming. */
std::optional<Prefix> commonNetwork(const std::set<IpAddress> &targets)
{
	const IpAddress &first = *targets.begin();
	const bool v4 = first.isV4();
	const int widest = v4 ? kWidestV4 : kWidestV6;

	for (int bits = v4 ? kNarrowestV4 : kNarrowestV6; bits >= widest;
	     bits -= 8) {
		const Prefix network =
		    Prefix{first, static_cast<std::uint8_t>(bits)}.network();
		auto inside = [&network](const IpAddress &target) {
			return network.contains(target);
		};
		if (std::ranges::all_of(targets, inside))
			return network;
	}
	return std::nullopt;
}

std::string whatWasSwept(const std::set<IpAddress> &targets)
{
	auto network = commonNetwork(targets);

	if (network)
		return toString(*network);
	return fmt::format("{} addresses", targets.size());
}

/** What was done to whom without a port: "swept 10.0.9.0/24". */
std::string describeTargets(const std::set<IpAddress> &targets)
{
	if (targets.size() >= kSweepNamedFrom)
		return "swept " + whatWasSwept(targets);
	return "probed " + list(targets);
}

/** "swept 10.0.9.0/24 with ARP and ping", or "probed 10.0.9.5 with ARP". */
void addResolving(const Observed &seen, std::vector<std::string> &clauses)
{
	using Manner = std::pair<const char *, const char *>;
	constexpr std::array<Manner, 3> manners = {{
	    {"arp", "ARP"},
	    {"nd", "neighbour discovery"},
	    {"ping", "ping"},
	}};
	std::vector<std::pair<std::string, std::vector<std::string>>> deeds;

	for (const auto &[manner, name] : manners) {
		auto found = seen.targets().find(manner);
		if (found == seen.targets().end())
			continue;
		const std::string deed = describeTargets(found->second);
		if (deeds.empty() || deeds.back().first != deed)
			deeds.push_back({deed, {}});
		deeds.back().second.emplace_back(name);
	}
	for (const auto &[deed, names] : deeds)
		clauses.push_back(deed + " with " + join(names));
}

std::string on(const Observed &seen, const std::string &manner)
{
	auto found = seen.targets().find(manner);

	if (found == seen.targets().end())
		return {};
	const auto &targets = found->second;
	if (targets.size() >= kSweepNamedFrom)
		return " on " + whatWasSwept(targets);
	return " on " + list(targets);
}

/** Kinds that belong to a port. */
bool isPortKind(unsigned kind)
{
	return kind >= CLOAK_KIND_SYN && kind <= CLOAK_KIND_SCTP;
}

/** Whether a clause with addresses or ports tells of this kind. */
bool hasClause(const Observed &seen, unsigned kind)
{
	if (isPortKind(kind))
		return !seen.ports().empty();
	if (kind == CLOAK_KIND_PING)
		return seen.targets().contains("ping");
	if (kind >= CLOAK_KIND_ARP && kind <= CLOAK_KIND_ARP_CLAIM)
		return seen.targets().contains("arp");
	if (kind >= CLOAK_KIND_NS && kind <= CLOAK_KIND_NA)
		return seen.targets().contains("nd");
	return false;
}

template <typename Chosen>
std::string kindsOf(const cloak_source &totals, Chosen chosen)
{
	std::vector<std::string> names;

	for (unsigned kind = 1; kind < CLOAK_KINDS; ++kind)
		if ((totals.kinds >> kind & 1U) != 0 && chosen(kind))
			names.emplace_back(kindText(kind));
	return join(names);
}

/** "tcp 22, 445 on 10.0.9.5 and about 180 more ports (SYN scan)". */
void addPorts(const Alert &alert, std::vector<std::string> &clauses)
{
	std::vector<std::string> parts;
	std::uint64_t named = 0;

	for (const auto &[manner, ports] : alert.seen.ports()) {
		parts.push_back(fmt::format("{} {}{}", manner, list(ports),
		                            on(alert.seen, manner)));
		named += ports.size();
	}
	if (parts.empty())
		return;
	if (alert.portCount > named + 1) {
		parts.push_back(fmt::format("about {} more ports",
		                            alert.portCount - named));
	}
	clauses.push_back(fmt::format("probed {} ({})", join(parts),
	                              kindsOf(alert.totals, isPortKind)));
}

/** What neither an address nor a port tells. */
void addOthers(const Alert &alert, std::vector<std::string> &clauses)
{
	const std::string kinds =
	    kindsOf(alert.totals, [&alert](unsigned kind) {
		    return !hasClause(alert.seen, kind);
	    });

	if (!kinds.empty())
		clauses.push_back("sent " + kinds);
}

/** "3.4 s", "12 min", "5.2 h": as exact as anybody wants to know. */
std::string describeSpan(double passed)
{
	constexpr double minute = 60;
	constexpr double hour = 60 * minute;

	if (passed < 2 * minute)
		return fmt::format("{:.1f} s", passed);
	if (passed < 2 * hour)
		return fmt::format("{:.0f} min", passed / minute);
	return fmt::format("{:.1f} h", passed / hour);
}

std::string describeExtent(const Alert &alert)
{
	const std::uint64_t span = alert.totals.last_ns - alert.totals.first_ns;
	const double passed = static_cast<double>(span) / 1e9;

	if (alert.totals.probes <= 1)
		return {};
	return fmt::format("; {} probes in {}", alert.totals.probes,
	                   describeSpan(passed));
}

std::string describeSummary(const Alert &alert)
{
	std::vector<std::string> clauses;

	addResolving(alert.seen, clauses);
	addPorts(alert, clauses);
	addOthers(alert, clauses);
	if (clauses.empty())
		clauses.push_back("probed this host");
	return join(clauses) + describeExtent(alert);
}

std::string describeProbe(const Probe &probe)
{
	const std::string target =
	    probe.target() ? toString(*probe.target()) : probe.interface;
	const auto port = probe.port();

	if (port) {
		return fmt::format("probed {} {} on {} ({})",
		                   protocolName(probe.event), *port, target,
		                   kindText(probe.kind()));
	}
	return fmt::format("probed {} ({})", target, kindText(probe.kind()));
}

/** What makes it more than a few probes, with what tells so. */
std::string describeClass(const Alert &alert)
{
	const cloak_source &totals = alert.totals;

	switch (alert.kind) {
	case AlertClass::Decoy:
		return "; decoy: nobody has business there";
	case AlertClass::DecoyScan:
	case AlertClass::DistributedScan:
		return fmt::format("; {}, {} sources: {}",
		                   className(alert.kind),
		                   alert.campaign->sources.size(),
		                   list(alert.campaign->sources));
	case AlertClass::SlowScan:
		return fmt::format(
		    "; slow scan, a probe each {}",
		    describeSpan(
			static_cast<double>(totals.last_ns - totals.first_ns) /
			1e9 / static_cast<double>(totals.probes - 1)));
	default:
		return {};
	}
}

/** What was done about it. */
std::string describeOutcome(const Alert &alert)
{
	std::string text;

	if (alert.probe.has(CLOAK_EVENT_MONITOR))
		text += "; monitor mode, nothing was dropped";
	if (alert.shadowedUntil) {
		text += "; shadowed until " +
		        shortTime(*alert.shadowedUntil,
		                  std::chrono::system_clock::now());
	}
	return text;
}

} // namespace

std::string describe(const Alert &alert)
{
	const std::string what =
	    alert.summary ? describeSummary(alert) : describeProbe(alert.probe);

	return fmt::format("{} {}{}{}", describeSource(alert.probe), what,
	                   describeClass(alert), describeOutcome(alert));
}

std::string describeSource(const Probe &probe)
{
	const auto source = probe.source();
	const std::string mac = toString(probe.sourceMac());

	if (!source)
		return mac;
	return fmt::format("{} ({})", toString(*source), mac);
}

std::string_view className(AlertClass kind)
{
	switch (kind) {
	case AlertClass::PortScan:
		return "port scan";
	case AlertClass::PortSweep:
		return "port sweep";
	case AlertClass::Decoy:
		return "decoy";
	case AlertClass::DecoyScan:
		return "decoy scan";
	case AlertClass::DistributedScan:
		return "distributed scan";
	case AlertClass::SlowScan:
		return "slow scan";
	case AlertClass::Probe:
		break;
	}
	return "probe";
}

} // namespace cloak
