// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/veth.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "bpf/counters.h"
#include "bpf/object.h"
#include "tests/bench/bench.h"
#include "tests/bench/programs.h"
#include "tests/harness/hosts.h"
#include "tests/harness/probes.h"

namespace cloak::test
{
namespace
{

constexpr unsigned kSendRounds = 5;

/** How many packets an interface of this namespace has taken in. */
Result<std::uint64_t> received(const std::string &interface)
{
	std::uint64_t packets = 0;

	std::ifstream file(
	    fmt::format("/sys/class/net/{}/statistics/rx_packets", interface));
	if (!(file >> packets))
		return Error("cannot read the packets of " + interface);
	return packets;
}

/** Attaches natively, until the descriptor is closed. */
Result<Fd> attach(int program, const std::string &interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);

	options.flags = XDP_FLAGS_DRV_MODE;
	Fd link(bpf_link_create(
	    program, static_cast<int>(if_nametoindex(interface.c_str())),
	    BPF_XDP, &options));
	if (!link)
		return Error::fromErrno("cannot attach to " + interface);
	return link;
}

/** Sends frames by the given program, by whichever way that sends them. */
Status send(int program, const Bytes &frame, std::uint32_t frames)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);

	run.data_in = frame.data();
	run.data_size_in = static_cast<__u32>(frame.size());
	run.repeat = static_cast<int>(frames);
	run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	if (bpf_prog_test_run_opts(program, &run))
		return Error::fromErrno("cannot send frames");
	return {};
}

Result<Throughput> measureDrop(const VethPair &pair, std::uint32_t frames)
{
	auto program = returning(XDP_DROP);
	if (!program)
		return program.error();
	auto link = attach(program->get(), pair.receiver);
	if (!link)
		return link.error();
	auto rate = packetsPerSecond(pair, frames);
	if (!rate)
		return rate.error();
	return Throughput{"veth: XDP_DROP and nothing else", *rate};
}

Result<std::uint64_t> dropped(const CloakMaps &maps)
{
	std::uint64_t packets = 0;

	auto rows = readCounters(maps);
	if (!rows)
		return rows.error();
	for (const CounterRow &row : *rows)
		packets += row.isDrop() && !row.monitored ? row.packets : 0;
	return packets;
}

Result<Throughput> measureCloak(const VethPair &pair, std::uint32_t frames)
{
	CloakObject::Options options;

	options.pinRoot = "";
	auto object = CloakObject::load(options);
	if (!object)
		return object.error();
	auto reader = listenTo(object->maps());
	if (!reader)
		return reader.error();
	auto done = enforceOn(object->maps(),
	                      if_nametoindex(pair.receiver.c_str()), nullptr);
	if (!done)
		return done.error();
	auto link = attach(object->ingressProgram(), pair.receiver);
	if (!link)
		return link.error();
	auto rate = packetsPerSecond(pair, frames);
	if (!rate)
		return rate.error();
	auto drops = dropped(object->maps());
	if (!drops)
		return drops.error();
	if (*drops < std::uint64_t{kSendRounds} * frames)
		return Error(fmt::format("the cloak dropped {} of {} frames",
		                         *drops,
		                         std::uint64_t{kSendRounds} * frames));
	return Throughput{"veth: cloak, TCP of a stranger, drop", *rate};
}

} // namespace

Result<double> packetsPerSecond(const VethPair &pair, std::uint32_t frames)
{
	using Clock = std::chrono::steady_clock;
	const Bytes frame = syn(kScanner).bytes();
	double most = 0;

	auto program = redirecting(if_nametoindex(pair.sender.c_str()));
	if (!program)
		return program.error();
	for (unsigned round = 0; round < kSendRounds; ++round) {
		auto before = received(pair.receiver);
		if (!before)
			return before.error();
		const auto begun = Clock::now();
		auto sent = send(program->get(), frame, frames);
		const std::chrono::duration<double> took = Clock::now() - begun;
		auto after = received(pair.receiver);
		if (!sent)
			return sent.error();
		if (!after)
			return after.error();
		if (*after - *before < frames)
			return Error(fmt::format("{} took in {} of {} frames",
			                         pair.receiver,
			                         *after - *before, frames));
		most = std::max(most, frames / took.count());
	}
	return most;
}

Result<std::vector<Throughput>> measureVeth(const VethPair &pair,
                                            std::uint32_t frames)
{
	std::vector<Throughput> all;

	for (auto *measure : {measureDrop, measureCloak}) {
		auto one = measure(pair, frames);
		if (!one)
			return one.error();
		all.push_back(*std::move(one));
	}
	return all;
}

} // namespace cloak::test
