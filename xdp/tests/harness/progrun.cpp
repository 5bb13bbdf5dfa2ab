// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/progrun.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "bpf/rule_counters.h"
#include "util/clock.h"

namespace cloak::test
{

namespace
{

constexpr std::uint32_t kTcPass = 0;
constexpr std::size_t kRoom = 256; // programs do not grow packets

/** Everything that lives as long as the test program. */
struct Shared {
	std::unique_ptr<CloakObject> object;
	std::unique_ptr<PerfReader> reader;
	FlowMap pieces;
	Map<__u32, cloak_router> routers;
	std::vector<Seen> seen;
	// As the last run left them; nothing else counts meanwhile.
	std::vector<CounterRow> counters;
};

Shared &shared()
{
	static Shared instance;
	return instance;
}

void requireOk(const Status &status)
{
	ASSERT_TRUE(status.ok()) << status.error().message();
}

std::vector<CounterRow> snapshot(const CloakMaps &maps)
{
	auto rows = readCounters(maps);

	EXPECT_TRUE(rows.ok());
	return rows ? *std::move(rows) : std::vector<CounterRow>();
}

/** How often @p row's verdict was given according to @p rows. */
std::uint64_t packetsOf(const std::vector<CounterRow> &rows,
                        const CounterRow &row)
{
	const auto same = [&](const CounterRow &other) {
		return other.direction == row.direction &&
		       other.monitored == row.monitored &&
		       other.reason == row.reason;
	};
	const auto found = std::ranges::find_if(rows, same);

	return found == rows.end() ? 0 : found->packets;
}

/** An answer comes with its mark before the frame: takes that away. */
bool takeMark(Bytes &frame)
{
	constexpr std::array<std::uint8_t, 20> mark = {
	    0, 0, 0, 0, 0, 0, 0, 0,    0,    0,
	    0, 0, 0, 0, 0, 0, 1, 0x4e, 0x0a, 0xc1};

	if (frame.size() < mark.size() ||
	    !std::equal(mark.begin(), mark.end(), frame.begin()))
		return false;
	frame.erase(frame.begin(), frame.begin() + mark.size());
	return true;
}

/** Runs the program and finds the one counter that moved. */
Outcome runProgram(const CloakMaps &maps, int program, const Bytes &frame,
                   cloak_direction direction, std::uint32_t pass)
{
	Outcome outcome;

	LIBBPF_OPTS(bpf_test_run_opts, run);
	outcome.frame.resize(frame.size() + kRoom);
	run.data_in = frame.data();
	run.data_size_in = static_cast<__u32>(frame.size());
	run.data_out = outcome.frame.data();
	run.data_size_out = static_cast<__u32>(outcome.frame.size());
	run.repeat = 1;
	const int err = bpf_prog_test_run_opts(program, &run);
	EXPECT_EQ(err, 0) << std::strerror(-err) << ", " << frame.size()
			  << " bytes";
	outcome.frame.resize(run.data_size_out);
	outcome.passed = run.retval == pass && !takeMark(outcome.frame);
	outcome.answered = run.retval == pass && !outcome.passed;

	unsigned moved = 0;
	const auto before = std::exchange(shared().counters, snapshot(maps));
	for (const CounterRow &row : shared().counters) {
		const std::uint64_t was = packetsOf(before, row);

		if (row.packets == was)
			continue;
		EXPECT_EQ(row.packets, was + 1);
		EXPECT_EQ(row.direction, direction);
		outcome.monitored = row.monitored;
		outcome.reason = row.reason;
		moved++;
	}
	EXPECT_EQ(moved, 1U) << "each packet is counted once";
	EXPECT_EQ(outcome.passed,
	          outcome.reason < CLOAK_DROP_FIRST || outcome.monitored);
	return outcome;
}

/** A map of a program, by its name. */
Fd mapOf(int program, const std::string &name)
{
	std::array<__u32, 128> ids{};
	bpf_prog_info info{};
	__u32 size = sizeof(info);

	info.nr_map_ids = ids.size();
	info.map_ids = reinterpret_cast<__u64>(ids.data());
	EXPECT_EQ(bpf_obj_get_info_by_fd(program, &info, &size), 0);
	for (const __u32 id : std::span(ids).first(info.nr_map_ids)) {
		Fd fd(bpf_map_get_fd_by_id(id));
		bpf_map_info map{};

		size = sizeof(map);
		if (!bpf_obj_get_info_by_fd(fd.get(), &map, &size) &&
		    map.name == name)
			return fd;
	}
	ADD_FAILURE() << "no map " << name;
	return {};
}

template <typename Key, typename Value> void clear(const Map<Key, Value> &map)
{
	auto keys = map.keys();

	ASSERT_TRUE(keys.ok());
	for (const Key &key : *keys)
		ASSERT_TRUE(map.erase(key).ok());
}

} // namespace

PolicyText &PolicyText::whole(std::uint16_t flags)
{
	iface_.scope = CLOAK_SCOPE_WHOLE;
	iface_.mode = CLOAK_MODE_ENFORCE;
	iface_.flags = flags;
	return *this;
}

PolicyText &PolicyText::addresses(std::uint16_t flags)
{
	whole(flags);
	iface_.scope = CLOAK_SCOPE_ADDRESSES;
	return *this;
}

PolicyText &PolicyText::monitor()
{
	iface_.mode = CLOAK_MODE_MONITOR;
	return *this;
}

PolicyText &PolicyText::cloaked(const std::string &addr, std::uint32_t flags)
{
	addresses_.emplace_back(addrOf(addr), cloak_address{flags, 0});
	return *this;
}

PolicyText &PolicyText::peer(const std::string &prefix, unsigned flags)
{
	cloak_peer value{};

	value.flags = static_cast<__u16>(flags);
	return peer(prefix, value);
}

PolicyText &PolicyText::peer(const std::string &prefix, const cloak_peer &value)
{
	peers_.emplace_back(prefixOf(prefix), value);
	return *this;
}

PolicyText &PolicyText::decoy(const std::string &addr,
                              std::vector<std::uint16_t> ports)
{
	cloak_decoy value{};

	value.count = static_cast<__u16>(ports.size());
	std::ranges::copy(ports, value.ports);
	decoys_.emplace_back(addrOf(addr), value);
	return *this;
}

PolicyText &PolicyText::bound(const std::string &prefix, unsigned flags,
                              const Mac &mac)
{
	cloak_peer value{};

	value.flags = static_cast<__u16>(flags | CLOAK_PEER_BOUND_MAC);
	std::copy(mac.begin(), mac.end(), value.mac);
	return peer(prefix, value);
}

PolicyText &PolicyText::rules(const CompiledRules &rules)
{
	iface_.flags |= CLOAK_IFACE_TABLES;
	for (const auto &[address, table] : rules.image.tables)
		if ((table.flags & CLOAK_TABLE_STATE) != 0)
			iface_.flags |= CLOAK_IFACE_STATE;
	iface_.number = 1;
	rules_ = &rules;
	return *this;
}

void PolicyText::commit(const PolicyMaps &maps) const
{
	auto draft = maps.draft();
	cloak_iface iface = iface_;

	ASSERT_TRUE(draft.ok()) << draft.error().message();
	if (iface.flags & CLOAK_IFACE_ATTRIBUTE)
		std::copy(kLake.mac.begin(), kLake.mac.end(), iface.mac);
	requireOk(draft->addInterface(kIfindex, iface));
	for (const auto &[addr, value] : addresses_)
		requireOk(draft->addAddress(addr, value));
	for (const auto &[prefix, value] : peers_)
		requireOk(draft->addPeer(prefix, value));
	if (rules_ != nullptr) {
		auto counters = RuleCounters::open(shared().object->maps());
		ASSERT_TRUE(counters.ok());
		auto numbers =
		    counters->claim(shared().object->maps(), rules_->keys);
		ASSERT_TRUE(numbers.ok()) << numbers.error().message();
		auto made = RuleMaps::create(shared().object->maps(),
		                             rules_->image, *numbers);
		ASSERT_TRUE(made.ok()) << made.error().message();
		draft->setRules(*std::move(made));
	}
	for (const auto &[addr, value] : decoys_)
		requireOk(draft->addDecoy(addr, value));
	requireOk(maps.commit(*std::move(draft)));
}

PolicyText usualPolicy()
{
	return PolicyText()
	    .whole(CLOAK_IFACE_ATTRIBUTE)
	    .cloaked("192.0.2.5")
	    .cloaked("2001:db8::5")
	    .cloaked("fe80::5")
	    .peer("192.0.2.10", CLOAK_PEER_INBOUND)
	    .peer("2001:db8::10", CLOAK_PEER_INBOUND)
	    .peer("192.0.2.1", CLOAK_PEER_GATEWAY)
	    .peer("fe80::1", CLOAK_PEER_GATEWAY)
	    .peer("198.51.100.0/24", CLOAK_PEER_INBOUND)
	    .peer("192.0.2.53", CLOAK_PEER_OUTBOUND)
	    .peer("2001:db8::53", CLOAK_PEER_OUTBOUND);
}

void CloakTest::SetUpTestSuite()
{
	if (shared().object)
		return;
	auto object = CloakObject::load({.pinRoot = ""});
	ASSERT_TRUE(object.ok())
	    << object.error().message() << " (these tests need root)";
	shared().object = std::make_unique<CloakObject>(*std::move(object));
	shared().pieces = {mapOf(shared().object->ingressProgram(), "pieces"),
	                   "pieces"};
	shared().routers = {mapOf(shared().object->ingressProgram(), "routers"),
	                    "routers"};
	auto reader = PerfReader::open();
	ASSERT_TRUE(reader.ok()) << reader.error().message();
	Status bound =
	    reader->bind(maps(), [](const cloak_event &event,
	                            std::span<const std::uint8_t> head) {
		    shared().seen.push_back(
			{event, Bytes(head.begin(), head.end())});
	    });
	ASSERT_TRUE(bound.ok()) << bound.error().message();
	shared().reader = std::make_unique<PerfReader>(*std::move(reader));
}

void CloakTest::TearDownTestSuite() {}

void CloakTest::SetUp()
{
	ASSERT_TRUE(shared().object) << "the object was not loaded";
	forgetState();
	cloak_config config{};
	config.abi_version = CLOAK_ABI_VERSION;
	config.events_per_second = 1000000;
	config.sources_per_second = 1000000;
	config.sources_burst = 1000000;
	configure(config);
	events();
}

void CloakTest::forgetState()
{
	clear(maps().sources);
	clear(maps().flows);
	clear(pieces());
	clear(maps().connections);
	clear(maps().openings);
	clear(maps().neighbours);
	clear(maps().stations);
	clear(shared().routers);
	clear(maps().shadows);
	clear(maps().records);
	gate(CLOAK_GATE_SHADOWS, 0);
	gate(CLOAK_GATE_POLICY, 0);
	configure(cloak_account_config{});
}

namespace
{

void runAll(int program, const std::vector<Bytes> &frames)
{
	for (const Bytes &frame : frames) {
		LIBBPF_OPTS(bpf_test_run_opts, run);
		run.data_in = frame.data();
		run.data_size_in = static_cast<__u32>(frame.size());
		run.repeat = 1;
		EXPECT_EQ(bpf_prog_test_run_opts(program, &run), 0);
	}
}

} // namespace

const CloakMaps &CloakTest::maps()
{
	return shared().object->maps();
}

const FlowMap &CloakTest::pieces()
{
	return shared().pieces;
}

PolicyMaps CloakTest::policy()
{
	return PolicyMaps(maps());
}

Outcome CloakTest::ingress(const Bytes &frame)
{
	return runProgram(maps(), shared().object->ingressProgram(), frame,
	                  CLOAK_INGRESS, XDP_PASS);
}

Outcome CloakTest::ingress(const Packet &packet)
{
	return ingress(packet.bytes());
}

void CloakTest::ingressAll(const std::vector<Bytes> &frames)
{
	runAll(shared().object->ingressProgram(), frames);
	shared().counters = snapshot(maps());
}

void CloakTest::egressAll(const std::vector<Bytes> &frames)
{
	runAll(shared().object->egressProgram(), frames);
	shared().counters = snapshot(maps());
}

Outcome CloakTest::egress(const Bytes &frame)
{
	return runProgram(maps(), shared().object->egressProgram(), frame,
	                  CLOAK_EGRESS, kTcPass);
}

Outcome CloakTest::egress(const Packet &packet)
{
	return egress(packet.bytes());
}

void CloakTest::age(const FlowMap &map, __u64 seconds)
{
	constexpr __u64 second = 1'000'000'000;
	auto keys = map.keys();

	ASSERT_TRUE(keys.ok());
	for (const cloak_flow_key &key : *keys)
		requireOk(map.put(key, coarseTime() - seconds * second));
}

std::vector<Seen> CloakTest::events()
{
	EXPECT_TRUE(shared().reader->consume().ok());
	EXPECT_EQ(shared().reader->malformed(), 0U);
	return std::exchange(shared().seen, {});
}

std::uint64_t CloakTest::counted()
{
	std::uint64_t sum = 0;

	for (const CounterRow &row : snapshot(maps()))
		sum += row.packets;
	return sum;
}

EventStats CloakTest::stats()
{
	auto stats = readEventStats(maps());

	EXPECT_TRUE(stats.ok());
	return stats ? *stats : EventStats{};
}

AccountStats CloakTest::accountStats()
{
	auto stats = readAccountStats(maps());

	EXPECT_TRUE(stats.ok());
	return stats ? *stats : AccountStats{};
}

void CloakTest::gate(cloak_gate which, __u32 value)
{
	requireOk(maps().gates.put(which, value));
}

void CloakTest::configure(const cloak_account_config &config)
{
	requireOk(maps().accountConfig.put(0, config));
}

void CloakTest::configure(const cloak_config &config)
{
	requireOk(maps().config.put(0, config));
}

} // namespace cloak::test
