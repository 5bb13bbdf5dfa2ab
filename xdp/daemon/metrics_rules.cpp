// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics_rules.h"

#include "policy/rule_words.h"

namespace cloak
{
namespace
{

using Samples = std::vector<RuleSample>;
using Counted = std::span<const cloak_counter>;

void sampleTable(const CompiledTable &table, std::size_t most,
                 RuleSamples &samples)
{
	const std::string address = toString(table.address);
	std::size_t number = 0;

	for (const CompiledRule &rule : table.rules) {
		++number;
		if (samples.rules.size() >= most) {
			++samples.unlisted;
			continue;
		}
		std::string name =
		    rule.name.empty() ? fmt::format("#{}", number) : rule.name;
		samples.rules.push_back(
		    {{{"table", address},
		      {"rule", std::move(name)},
		      {"verdict",
		       std::string(wordOf(kVerdicts, rule.verdict))}},
		     rule.counter});
	}
	for (const auto way : {CLOAK_INGRESS, CLOAK_EGRESS})
		samples.undecided.push_back(
		    {{{"table", address},
		      {"direction", way == CLOAK_INGRESS ? "in" : "out"}},
		     table.counters.at(way)});
}

/** Packets and octets of some samples, which are the first of @p counted. */
void writeFamily(Exposition &out, const std::string &name,
                 const std::string &help, const Samples &samples,
                 Counted counted)
{
	if (samples.empty())
		return;
	out.family(name + "_packets_total", "counter", "Packets " + help);
	for (std::size_t i = 0; i < samples.size(); ++i)
		out.sample(samples[i].labels, counted[i].packets);
	out.family(name + "_bytes_total", "counter",
	           "Octets of frames " + help);
	for (std::size_t i = 0; i < samples.size(); ++i)
		out.sample(samples[i].labels, counted[i].bytes);
}

} // namespace

RuleSamples sampleRules(const CompiledRules &rules, std::size_t most)
{
	RuleSamples samples;

	for (const CompiledTable &table : rules.tables)
		sampleTable(table, most, samples);
	for (const SharedCounter &shared : rules.shared)
		samples.shared.push_back(
		    {{{"counter", shared.name}}, shared.counter});
	return samples;
}

std::vector<std::uint32_t> countersOf(const RuleSamples &samples)
{
	std::vector<std::uint32_t> counters;

	for (const Samples *part :
	     {&samples.rules, &samples.undecided, &samples.shared})
		for (const RuleSample &sample : *part)
			counters.push_back(sample.counter);
	return counters;
}

void writeRules(Exposition &out, const RuleSamples &samples, Counted counted)
{
	const Counted rest = counted.subspan(samples.rules.size());

	out.family("rules", "gauge",
	           "Rules in force, by whether their hits are listed.");
	out.sample({{"listed", "yes"}}, samples.rules.size());
	out.sample({{"listed", "no"}}, samples.unlisted);
	writeFamily(out, "rule", "that a rule has matched.", samples.rules,
	            counted);
	writeFamily(out, "undecided", "that no rule of a table has decided.",
	            samples.undecided, rest);
	writeFamily(out, "shared", "under a counter that rules share.",
	            samples.shared, rest.subspan(samples.undecided.size()));
}

void addRules(Exposition &out, const Engine &engine)
{
	if (engine.rules() == nullptr || engine.enforcer() == nullptr ||
	    !engine.inForce())
		return;
	const RuleSamples samples = sampleRules(
	    *engine.rules(), engine.inForce()->policy.seeing.metrics.rules);
	auto counted = engine.enforcer()->ruleCounters(countersOf(samples));
	if (counted)
		writeRules(out, samples, *counted);
}

} // namespace cloak
