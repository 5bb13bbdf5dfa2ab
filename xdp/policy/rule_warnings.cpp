// SPDX-License-Identifier: Apache-2.0
#include "policy/rule_warnings.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <set>

#include "policy/cover_index.h"
#include "policy/rule_entries.h"
#include "policy/rule_words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

/** Comparisons for all rules of a policy: a moment, whatever they are. */
constexpr std::size_t kMostSteps = 1UL << 26U;

/** Entries of a table that are kept for that; they take some memory. */
constexpr std::size_t kMostKept = 1UL << 18U;

/** Says what TCP flags imply, so that a rule for TCP covers one for them. */
void imply(cloak_entry &entry)
{
	__u64 &mask = entry.mask[CLOAK_WORD_KIND];

	if ((mask & CLOAK_FACT_HAS_TCP) == 0)
		return;
	mask |= CLOAK_FACT_PROTOCOL(0xff) | CLOAK_FACT_HAS_PORTS;
	entry.value[CLOAK_WORD_KIND] |=
	    CLOAK_FACT_PROTOCOL(static_cast<__u64>(IPPROTO_TCP)) |
	    CLOAK_FACT_HAS_PORTS;
}

/** Looks at the tables of one policy. */
class RuleWarner
{
public:
	explicit RuleWarner(const Policy &policy) : policy_(policy) {}

	Warnings run();

private:
	using Entries = std::array<std::vector<cloak_entry>, CLOAK_DIRECTIONS>;
	using Indexes = std::array<CoverIndex, CLOAK_DIRECTIONS>;

	void warn(const char *code, Position at, std::string_view key,
	          std::string value, std::string reason)
	{
		warnings_.push_back({code, at, std::string(key),
		                     std::move(value), std::move(reason)});
	}

	void lookAt(const TablePolicy &table);
	bool contradicts(const TablePolicy &table, const RulePolicy &rule);
	void findIdle(const TablePolicy &table,
	              const std::vector<Located<Prefix>> &prefixes,
	              std::string_view key);
	[[nodiscard]] Entries entriesOf(const TablePolicy &table,
	                                const RulePolicy &rule,
	                                std::size_t number) const;
	[[nodiscard]] static std::set<std::uint32_t>
	hidersOf(const Entries &entries, const Indexes &before);
	[[nodiscard]] std::string linesOf(const std::set<std::uint32_t> &hiders,
	                                  const Position &here) const;
	void tellHidden(const RulePolicy &rule,
	                const std::set<std::uint32_t> &hiders);

	const Policy &policy_;
	Warnings warnings_;
	std::size_t steps_ = kMostSteps;
	std::vector<const RulePolicy *> ordered_; //!< of the present table
};

Warnings RuleWarner::run()
{
	for (const TablePolicy &table : policy_.tables)
		lookAt(table);
	std::ranges::stable_sort(warnings_, {}, &Warning::at);
	if (warnings_.size() > kMostWarnings)
		warnings_.resize(kMostWarnings);
	return std::move(warnings_);
}

void RuleWarner::lookAt(const TablePolicy &table)
{
	Indexes before = {CoverIndex(steps_), CoverIndex(steps_)};
	std::size_t kept = 0;

	ordered_ = inOrder(table);
	for (std::size_t i = 0; i < ordered_.size(); ++i) {
		const RulePolicy &rule = *ordered_[i];
		if (warnings_.size() >= kMostWarnings)
			return;
		if (rule.direction == RuleDirection::In)
			findIdle(table, rule.destinations,
			         "table.rule.destination");
		if (rule.direction == RuleDirection::Out)
			findIdle(table, rule.sources, "table.rule.source");
		if (contradicts(table, rule) || steps_ == 0)
			continue;
		const Entries entries = entriesOf(table, rule, i);
		const auto hiders = hidersOf(entries, before);
		if (!hiders.empty()) {
			tellHidden(rule, hiders);
			continue;
		}
		for (std::size_t way = 0; way < entries.size(); ++way) {
			kept += entries.at(way).size();
			for (const cloak_entry &entry : entries.at(way))
				if (decides(rule) && kept <= kMostKept)
					before.at(way).add(entry);
		}
	}
}

/** Whether no packet has all that the rule asks for, or none that is real. */
bool RuleWarner::contradicts(const TablePolicy &table, const RulePolicy &rule)
{
	const bool v4 = table.address.value.isV4();
	const auto other =
	    static_cast<std::uint8_t>(v4 ? int{IPPROTO_ICMPV6} : IPPROTO_ICMP);

	if (rule.icmpType && rule.tcpFlags) {
		warn("rule_contradicts", rule.icmpType->at,
		     "table.rule.icmp_type",
		     fmt::to_string(rule.icmpType->value),
		     "never matches, as no packet has TCP flags as well");
		return true;
	}
	if (rule.icmpType &&
	    (!rule.sourcePorts.empty() || !rule.destinationPorts.empty())) {
		warn("rule_contradicts", rule.icmpType->at,
		     "table.rule.icmp_type",
		     fmt::to_string(rule.icmpType->value),
		     "never matches, as no packet has ports as well");
		return true;
	}
	if (rule.protocol && rule.protocol->value == other) {
		warn("rule_of_other_family", rule.protocol->at,
		     "table.rule.protocol",
		     quote(protocolName(rule.protocol->value)),
		     fmt::format("never matches what a host sends, as that is "
		                 "\"{}\" in {}",
		                 v4 ? "icmp" : "icmpv6", v4 ? "IPv4" : "IPv6"));
		return true;
	}
	return false;
}

/** Members of a list of local addresses that do not have that of the table. */
void RuleWarner::findIdle(const TablePolicy &table,
                          const std::vector<Located<Prefix>> &prefixes,
                          std::string_view key)
{
	for (const auto &prefix : prefixes) {
		if (prefix.value.contains(table.address.value))
			continue;
		warn("prefix_without_address", prefix.at, key,
		     quote(toString(prefix.value)),
		     fmt::format("never matches, as {}, whose table this is, "
		                 "is not in it",
		                 toString(table.address.value)));
	}
}

RuleWarner::Entries RuleWarner::entriesOf(const TablePolicy &table,
                                          const RulePolicy &rule,
                                          std::size_t number) const
{
	Entries entries;
	cloak_entry model{};

	model.order = static_cast<__u32>(number);
	for (const auto way : {CLOAK_INGRESS, CLOAK_EGRESS}) {
		addEntries(policy_, rule, table.address.value, way, model,
		           entries.at(way));
		for (cloak_entry &entry : entries.at(way))
			imply(entry);
	}
	return entries;
}

/** The numbers of rules that hide all of it; none if something is left. */
std::set<std::uint32_t> RuleWarner::hidersOf(const Entries &entries,
                                             const Indexes &before)
{
	std::set<std::uint32_t> hiders;

	for (std::size_t way = 0; way < entries.size(); ++way) {
		for (const cloak_entry &entry : entries.at(way)) {
			const auto hider = before.at(way).find(entry);
			if (!hider)
				return {};
			hiders.insert(*hider);
		}
	}
	return hiders;
}

/** "the rule in line 5 decides", or the first two of several. */
std::string RuleWarner::linesOf(const std::set<std::uint32_t> &hiders,
                                const Position &here) const
{
	std::string lines;
	std::size_t named = 0;

	for (const std::uint32_t number : hiders) {
		if (++named > 2) {
			lines += " and others";
			break;
		}
		lines += lines.empty()        ? ""
		         : hiders.size() == 2 ? " and "
		                              : ", ";
		lines += lineOf(ordered_[number]->name.at, here, policy_.files);
	}
	return hiders.size() == 1
	           ? fmt::format("the rule in {} decides", lines)
	           : fmt::format("the rules in {} decide", lines);
}

void RuleWarner::tellHidden(const RulePolicy &rule,
                            const std::set<std::uint32_t> &hiders)
{
	const bool named = !rule.name.value.empty();

	warn("rule_hidden", rule.name.at,
	     named ? "table.rule.name" : "table.rule",
	     quote(named ? rule.name.value : describe(rule)),
	     fmt::format("never asked, as {} before about all that it matches",
	                 linesOf(hiders, rule.name.at)));
}

} // namespace

Warnings warnOfRules(const Policy &policy)
{
	return RuleWarner(policy).run();
}

} // namespace cloak
