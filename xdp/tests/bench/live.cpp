// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/live.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "policy/rule_words.h"
#include "tests/bench/programs.h"
#include "tests/bench/workload.h"

namespace cloak::test
{
namespace
{

constexpr unsigned kTrafficRounds = 5;

/** A rule in the words of nft; nothing if it has more to ask. */
std::string nftablesRule(const RulePolicy &rule)
{
	if (rule.icmpType || rule.tcpFlags || rule.sources.empty() ||
	    !rule.sourcePorts.empty())
		return {};
	return fmt::format("ip saddr {} {} dport {} counter accept\n",
	                   toString(rule.sources.front().value),
	                   protocolName(rule.protocol->value),
	                   toString(rule.destinationPorts.front()));
}

} // namespace

Result<double> liveNanoseconds(const std::string &interface, std::size_t rules,
                               std::uint32_t repeat)
{
	const Policy policy = workload(1, std::max<std::size_t>(rules, 1), 1);
	const TablePolicy &table = policy.tables.front();
	const Bytes frame = questionFor(table.rules.back(), table.address.value)
	                        .packet()
	                        .bytes();
	xdp_md context{};
	double least = 0;

	context.data_end = static_cast<__u32>(frame.size());
	context.ingress_ifindex = if_nametoindex(interface.c_str());
	auto program = returning(XDP_PASS);
	if (!program)
		return program.error();
	for (unsigned round = 0; round < kTrafficRounds; ++round) {
		LIBBPF_OPTS(bpf_test_run_opts, run);
		run.data_in = frame.data();
		run.data_size_in = context.data_end;
		run.ctx_in = &context;
		run.ctx_size_in = sizeof(context);
		run.repeat = static_cast<int>(repeat);
		run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		if (bpf_prog_test_run_opts(program->get(), &run))
			return Error::fromErrno("no frames through " +
			                        interface);
		if (round == 0 || run.duration < least)
			least = run.duration;
	}
	return least;
}

std::string nftablesRules(std::size_t rules)
{
	const Policy policy = workload(1, std::max<std::size_t>(rules, 1), 1);
	std::string text;

	for (const RulePolicy &rule : policy.tables.front().rules)
		if (rules != 0)
			text += nftablesRule(rule);
	return text;
}

} // namespace cloak::test
