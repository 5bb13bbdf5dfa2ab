// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "bpf/object.h"
#include "bpf/policy_maps.h"
#include "bpf/rule_counters.h"
#include "policy/compile.h"
#include "policy/compile_rules.h"
#include "tests/bench/programs.h"
#include "tests/bench/workload.h"
#include "tests/harness/hosts.h"
#include "tests/harness/probes.h"

namespace cloak::test
{
namespace
{

constexpr unsigned kRounds = 40;
constexpr unsigned kLoopback = 1;
constexpr std::size_t kCounters = 1024;

/** A policy in force, and how to ask it. */
struct Case {
	std::string name;
	std::size_t tables;
	std::size_t rules;
};

constexpr std::size_t kMostTables = 64;

std::vector<Case> cases()
{
	return {{"1 rule", 1, 1},
	        {"100 rules", 1, 100},
	        {"1,000 rules", 1, 1000},
	        {"5,120 rules", 1, 5120},
	        {"5,120 rules for each of 64 addresses", kMostTables, 5120},
	        {"50,000 rules", 1, 50000}};
}

/** Measures with one loaded object. */
class Bench
{
public:
	Bench(CloakObject object, std::uint32_t repeat)
	    : object_(std::move(object)), repeat_(repeat)
	{
	}

	/** The cloak alone, without rules. */
	Status measureCloak(const std::string &suffix);
	/** What the host sends itself. */
	Status measureEgress();
	/** What is not hidden beside an address that is. */
	Status measureVisible();
	/** Who is shadowed, and what that costs others. */
	Status measureShadows();
	/** More strangers than are accounted each for himself. */
	Status measureFlood(const std::string &suffix);
	/** Tables of all sizes. */
	Status measureRules(const std::string &suffix);
	/** A table that asks for the state of connections first. */
	Status measureState(const std::string &suffix);

	[[nodiscard]] const std::vector<Measured> &rows() const
	{
		return rows_;
	}

private:
	Status add(const std::string &name, const Bytes &frame,
	           const Measured &facts = {});
	Status addOf(int program, const std::string &name, const Bytes &frame,
	             const Measured &facts = {});
	Status put(const CompiledRules *rules) const;
	Status measureCase(const Case &one, const std::string &suffix);

	CloakObject object_;
	std::uint32_t repeat_;
	std::vector<Measured> rows_;
};

Status Bench::add(const std::string &name, const Bytes &frame,
                  const Measured &facts)
{
	return addOf(object_.ingressProgram(), name, frame, facts);
}

Status Bench::addOf(int program, const std::string &name, const Bytes &frame,
                    const Measured &facts)
{
	auto time = nanosecondsOf(program, frame, repeat_);

	if (!time)
		return time.error().in(name);
	rows_.push_back({name, *time, facts.tuples, facts.seconds});
	return {};
}

Status Bench::put(const CompiledRules *rules) const
{
	return enforceOn(object_.maps(), kLoopback, rules);
}

Status Bench::measureCase(const Case &one, const std::string &suffix)
{
	const Policy policy = workload(one.tables, one.rules, kCounters);
	const TablePolicy &table = policy.tables.back();
	const IpAddress &address = table.address.value;
	Diagnostics errors;
	Measured facts;

	const auto begun = std::chrono::steady_clock::now();
	const auto rules = compileRules(policy, errors);
	if (!errors.empty())
		return Error(toString(errors.front(), {one.name}));
	auto done = put(rules.get());
	if (!done)
		return done.error().in(one.name);
	facts.seconds = std::chrono::duration<double>(
			    std::chrono::steady_clock::now() - begun)
	                    .count();
	facts.tuples = rules->image.tables.back()
	                   .second.stages[0][CLOAK_STAGE_DECIDE]
	                   .count;

	const std::array<std::pair<const char *, Asked>, 3> questions = {{
	    {"first rule", questionFor(table.rules.front(), address)},
	    {"last rule", questionFor(table.rules.back(), address)},
	    {"no rule", strayQuestion(address)},
	}};
	for (const auto &[which, asked] : questions) {
		done = add(fmt::format("{}, {}{}", one.name, which, suffix),
		           asked.packet().bytes(), facts);
		if (!done)
			return done;
		facts.seconds = 0;
	}
	return {};
}

Status Bench::measureRules(const std::string &suffix)
{
	for (const Case &one : cases()) {
		auto done = measureCase(one, suffix);
		if (!done)
			return done;
	}
	return measureState(suffix);
}

Status Bench::measureState(const std::string &suffix)
{
	constexpr std::size_t count = 5120;
	Policy policy = workload(1, count, kCounters);
	TablePolicy &table = policy.tables.back();
	RulePolicy known;
	Diagnostics errors;
	cloak_flow_key key{};
	cloak_connection value{};

	known.states = {ConnectionState::Established};
	known.verdict.value = CLOAK_RULE_ALLOW;
	table.rules.insert(table.rules.begin(), known);
	const auto rules = compileRules(policy, errors);
	if (!errors.empty())
		return Error(toString(errors.front(), {"state"}));
	auto done = put(rules.get());
	Asked asked = questionFor(table.rules.back(), table.address.value);
	const auto ask = [&](const std::string &name) {
		if (done)
			done = add(name + suffix, asked.packet().bytes());
	};
	asked.tcpFlags = kSyn;
	ask("5,120 rules and state, last rule, new connection");
	key.remote_addr = toAbi(asked.remote);
	key.local_addr = toAbi(asked.local);
	key.remote = asked.remotePort;
	key.local = asked.localPort;
	key.protocol = asked.protocol;
	value.flags = CLOAK_CONNECTION_ANSWERED | CLOAK_CONNECTION_PROVEN;
	value.seen_ns = ~0ULL >> 1U; // as if just now, whenever it is
	if (done)
		done = object_.maps().connections.put(key, value);
	asked.tcpFlags = kAck;
	ask("5,120 rules and state, known connection");
	return done;
}

Status Bench::measureCloak(const std::string &suffix)
{
	auto done = put(nullptr);
	if (!done)
		return done;
	done = add("cloak: TCP of a stranger, drop" + suffix,
	           syn(kScanner).bytes());
	if (!done)
		return done;
	const Packet arp =
	    Ethernet{.src = kScanner.mac, .dst = kBroadcast} /
	    Arp{.sha = kScanner.mac, .spa = kScanner.v4, .tpa = kLake.v4};
	done = add("cloak: ARP of a stranger, drop" + suffix, arp.bytes());
	if (!done)
		return done;
	done = add("cloak: TCP of a peer, pass" + suffix, syn(kPeer).bytes());
	if (!done)
		return done;
	const Packet tcp6 = Ethernet{.src = kPeer.mac, .dst = kLake.mac} /
	                    Ipv6{.src = kPeer.v6, .dst = kLake.v6} / Tcp{};
	return add("cloak: TCP of a peer over IPv6, pass" + suffix,
	           tcp6.bytes());
}

Status Bench::measureEgress()
{
	const auto segment = [](const Host &to) {
		const Packet packet =
		    Ethernet{.src = kLake.mac, .dst = to.mac} /
		    Ipv4{.src = kLake.v4, .dst = to.v4} /
		    Tcp{.sport = 4420, .flags = kAck};
		return packet.bytes();
	};
	auto empty = returningFromTc(TC_ACT_OK);
	if (!empty)
		return empty.error();
	auto done =
	    addOf(empty->get(), "egress: empty program", segment(kPeer));
	if (done)
		done = addOf(object_.egressProgram(),
		             "egress: TCP to a peer, pass", segment(kPeer));
	if (done)
		done =
		    addOf(object_.egressProgram(),
		          "egress: TCP to a stranger, drop", segment(kScanner));
	return done;
}

Status Bench::measureVisible()
{
	const PolicyMaps policy(object_.maps());
	cloak_iface iface{};
	const IpAddress hidden = *parseIp("192.0.2.7");

	auto draft = policy.draft();
	if (!draft)
		return draft.error();
	iface.scope = CLOAK_SCOPE_ADDRESSES;
	iface.mode = CLOAK_MODE_ENFORCE;
	auto done = draft->addInterface(kLoopback, iface);
	if (done)
		done = draft->addAddress(toAbi(hidden),
		                         {CLOAK_ADDRESS_UNICAST, 0});
	if (done)
		done = policy.commit(*std::move(draft));
	if (done)
		done = add("cloak: TCP to a visible address, pass",
		           syn(kScanner).bytes());
	const Packet answer = Ethernet{.src = kLake.mac, .dst = kScanner.mac} /
	                      Ipv4{.src = kLake.v4, .dst = kScanner.v4} /
	                      Tcp{.sport = 4420, .flags = kAck};
	if (done)
		done = addOf(object_.egressProgram(),
		             "egress: TCP of a visible address, pass",
		             answer.bytes());
	return done ? put(nullptr) : done;
}

Status Bench::measureShadows()
{
	const CloakMaps &maps = object_.maps();
	const auto usual = compilePolicy(Policy{}, cloak::Host{}, {});
	const auto gate = [&](cloak_gate which, __u32 value,
	                      const std::string &name) {
		auto done = maps.gates.put(which, value);
		return done ? add(name, syn(kPeer).bytes()) : done;
	};

	auto done = maps.accountConfig.put(0, usual.accounting);
	if (done)
		done = add("cloak: TCP of a shadowed stranger, drop",
		           syn(kScanner).bytes());
	if (done)
		done = maps.accountConfig.put(0, {});
	if (done)
		done = gate(CLOAK_GATE_SHADOWS, 1,
		            "cloak: TCP of a peer, others are shadowed");
	if (done)
		done = maps.gates.put(CLOAK_GATE_SHADOWS, 0);
	if (done)
		done = gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_DECOYS,
		            "cloak: TCP of a peer, there are decoys");
	if (done)
		done = gate(CLOAK_GATE_POLICY, CLOAK_ACCOUNT_ALL,
		            "cloak: TCP of a peer, all flows are accounted");
	if (done)
		done = maps.gates.put(CLOAK_GATE_POLICY, 0);
	return done;
}

Status Bench::measureFlood(const std::string &suffix)
{
	constexpr std::uint32_t most = 100000;
	const std::uint32_t repeat = std::min(repeat_, most);
	Host forged = kScanner;
	cloak_config config{};

	// One new source now and the next in four seconds, when all is over.
	config.abi_version = CLOAK_ABI_VERSION;
	config.sources_per_second = 1;
	config.sources_burst = 1;
	const auto done = object_.maps().config.put(0, config);
	if (!done)
		return done;
	forged.v4.back() = 71;
	const auto admitted =
	    nanosecondsOf(object_.ingressProgram(), syn(forged).bytes(), 1);
	forged.v4.back() = 72;
	const auto time = nanosecondsOf(object_.ingressProgram(),
	                                syn(forged).bytes(), repeat);
	if (!admitted || !time)
		return (admitted ? time : admitted).error();
	rows_.push_back(
	    {"cloak: TCP of forged sources, drop" + suffix, *time, 0, 0});
	return {};
}

/** A program that lets everything pass and does nothing else. */
Result<Measured> measureEmpty(std::uint32_t repeat)
{
	auto program = returning(XDP_PASS);
	if (!program)
		return program.error();
	auto time = nanosecondsOf(program->get(), syn(kPeer).bytes(), repeat);
	if (!time)
		return time.error();
	return Measured{"empty program", *time, 0, 0};
}

} // namespace

Status enforceOn(const CloakMaps &maps, unsigned ifindex,
                 const CompiledRules *rules)
{
	const PolicyMaps policy(maps);
	cloak_iface iface{};
	cloak_peer peer{};

	auto draft = policy.draft();
	if (!draft)
		return draft.error();
	iface.scope = CLOAK_SCOPE_WHOLE;
	iface.mode = CLOAK_MODE_ENFORCE;
	// As it is compiled where no cloaked address lies in these prefixes.
	peer.flags = CLOAK_PEER_INBOUND | CLOAK_PEER_APART;
	if (rules != nullptr) {
		auto counters = RuleCounters::open(maps);
		if (!counters)
			return counters.error();
		auto numbers = counters->claim(maps, rules->keys);
		if (!numbers)
			return numbers.error();
		auto tables = RuleMaps::create(maps, rules->image, *numbers);
		if (!tables)
			return tables.error();
		iface.flags = CLOAK_IFACE_TABLES;
		draft->setRules(*std::move(tables));
	}
	for (const char *prefix :
	     {"192.0.2.10", "10.0.0.0/8", "198.51.100.0/24", "2001:db8::10"}) {
		auto added = draft->addPeer(prefixOf(prefix), peer);
		if (!added)
			return added;
	}
	auto added = draft->addInterface(ifindex, iface);
	if (!added)
		return added;
	return policy.commit(*std::move(draft));
}

Result<PerfReader> listenTo(const CloakMaps &maps)
{
	auto reader = PerfReader::open();
	if (!reader)
		return reader.error();
	auto bound = reader->bind(maps, [](const auto &, auto) {});
	if (!bound)
		return bound.error();
	return reader;
}

Result<double> nanosecondsOf(int program, const Bytes &frame,
                             std::uint32_t repeat)
{
	Bytes out(frame.size() + 256);
	double least = 0;

	for (unsigned round = 0; round < kRounds; ++round) {
		LIBBPF_OPTS(bpf_test_run_opts, run);
		run.data_in = frame.data();
		run.data_size_in = static_cast<__u32>(frame.size());
		run.data_out = out.data();
		run.data_size_out = static_cast<__u32>(out.size());
		run.repeat = static_cast<int>(repeat);
		if (bpf_prog_test_run_opts(program, &run))
			return Error::fromErrno("the program does not run");
		if (round == 0 || run.duration < least)
			least = run.duration;
	}
	return least;
}

namespace
{

/** As all is used, or as it is for addresses that no CPU remembers. */
Result<std::vector<Measured>> strangersOf(std::uint32_t repeat, bool remember)
{
	const std::string suffix = remember ? "" : ", not remembered";
	CloakObject::Options options;
	options.pinRoot = "";
	options.remember = remember;
	auto object = CloakObject::load(options);
	if (!object)
		return object.error();
	auto reader = listenTo(object->maps());
	if (!reader)
		return reader.error();
	Bench bench(std::move(*object), repeat);
	auto done = bench.measureCloak(suffix);
	if (done && remember)
		done = bench.measureEgress();
	if (done && remember)
		done = bench.measureVisible();
	if (done && remember)
		done = bench.measureShadows();
	if (done)
		done = bench.measureFlood(suffix);
	if (!done)
		return done.error();
	return bench.rows();
}

} // namespace

Result<std::vector<Measured>> measureStrangers(std::uint32_t repeat)
{
	auto empty = measureEmpty(repeat);
	if (!empty)
		return empty.error();
	std::vector<Measured> all = {*empty};
	for (const bool remember : {true, false}) {
		auto rows = strangersOf(repeat, remember);
		if (!rows)
			return rows.error();
		all.insert(all.end(), rows->begin(), rows->end());
	}
	return all;
}

Result<std::vector<Measured>> measureAll(std::uint32_t repeat)
{
	auto all = measureStrangers(repeat);
	if (!all)
		return all.error();

	for (const bool remember : {false, true}) {
		CloakObject::Options options;
		options.pinRoot = "";
		options.remember = remember;
		auto object = CloakObject::load(options);
		if (!object)
			return object.error();
		auto reader = listenTo(object->maps());
		if (!reader)
			return reader.error();
		Bench bench(std::move(*object), repeat);
		const Status done =
		    bench.measureRules(remember ? ", established flow" : "");
		if (!done)
			return done.error();
		all->insert(all->end(), bench.rows().begin(),
		            bench.rows().end());
	}
	return all;
}

} // namespace cloak::test
