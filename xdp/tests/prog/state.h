// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A visible address whose table asks for the state of connections, and what is
 * said in them.
 */
#ifndef CLOAKLAKE_TESTS_PROG_STATE_H
#define CLOAKLAKE_TESTS_PROG_STATE_H

#include <algorithm>

#include <bpf/bpf.h>
#include <netinet/in.h>

#include "bpf/rule_counters.h"
#include "tests/harness/progrun.h"
#include "util/clock.h"

// A namespace of its own, as the files here are compiled together.
namespace cloak::test::state
{

inline constexpr std::uint16_t kService = 22; //!< anybody may begin with it
inline constexpr std::uint16_t kFar = 443;    //!< this host may begin with it
inline constexpr std::uint16_t kClient = 40000;
inline constexpr std::uint8_t kGre = 47;
/** Where an IPv4 header behind no tag has its addresses. */
inline constexpr std::size_t kSource = 14 + 12;
inline constexpr std::size_t kDestination = 14 + 16;
inline constexpr __u64 kSecond = 1'000'000'000;

/** What the lake may send: addresses of one family, and the link. */
struct Way {
	bool v4 = true;
	bool in = true;
};

inline constexpr Way kIn4{true, true};
inline constexpr Way kOut4{true, false};
inline constexpr Way kIn6{false, true};
inline constexpr Way kOut6{false, false};

inline Way back(Way way)
{
	return {way.v4, !way.in};
}

/** A packet between the lake and a stranger. */
inline Packet ip(Way way, std::optional<std::uint8_t> protocol = std::nullopt)
{
	const Host &from = way.in ? kScanner : kLake;
	const Host &to = way.in ? kLake : kScanner;
	const Ethernet link{.src = from.mac, .dst = to.mac};

	if (way.v4)
		return link /
		       Ipv4{.src = from.v4, .dst = to.v4, .protocol = protocol};
	return link / Ipv6{.src = from.v6, .dst = to.v6, .next = protocol};
}

inline constexpr std::uint32_t kSequence = 0xfffffff0; //!< of the first segment

/** Between @p local of the lake and @p remote. */
inline Packet tcp(Way way, std::uint16_t local, std::uint16_t remote,
                  std::uint8_t flags,
                  std::uint32_t acknowledged = kSequence + 1)
{
	return ip(way) / Tcp{.sport = way.in ? remote : local,
	                     .dport = way.in ? local : remote,
	                     .flags = flags,
	                     .sequence = kSequence,
	                     .acknowledged = acknowledged};
}

inline Packet udp(Way way, std::uint16_t local, std::uint16_t remote)
{
	return ip(way) /
	       Udp{.sport = way.in ? remote : local,
	           .dport = way.in ? local : remote} /
	       payload(32);
}

inline Packet echo(Way way, bool reply, std::uint16_t id)
{
	if (way.v4)
		return ip(way) /
		       Icmp{.type = std::uint8_t(reply ? 0 : 8), .id = id} /
		       payload(56);
	return ip(way) /
	       Icmp6{.type = std::uint8_t(reply ? 129 : 128), .id = id} /
	       payload(56);
}

/** An ICMP error that quotes @p about. */
inline Packet error(Way way, std::uint8_t type, const Packet &about,
                    std::size_t length = 2000)
{
	const Bytes frame = about.bytes();
	const auto first = frame.begin() + 14;
	const auto left = static_cast<std::size_t>(frame.end() - first);
	const Raw quote{
	    Bytes(first, first + static_cast<long>(std::min(left, length)))};

	if (way.v4)
		return ip(way) /
		       Icmp{.type = type, .code = 1, .id = 0, .sequence = 0} /
		       quote;
	return ip(way) /
	       Icmp6{.type = type, .code = 1, .id = 0, .sequence = 0} / quote;
}

inline RulePolicy rule(RuleDirection direction, ConnectionState state)
{
	RulePolicy rule;

	rule.direction = direction;
	rule.states = {state};
	rule.verdict.value = CLOAK_RULE_ALLOW;
	return rule;
}

inline RulePolicy ruleFor(RuleDirection direction, std::uint16_t port)
{
	RulePolicy made = rule(direction, ConnectionState::New);

	made.destinationPorts = {{port, port}};
	return made;
}

inline RulePolicy ruleFor(RuleDirection direction, std::uint8_t protocol)
{
	RulePolicy made = rule(direction, ConnectionState::New);

	made.protocol = {protocol, {}};
	return made;
}

/** "Answers to what this host has begun, and one service, nothing else". */
inline TablePolicy tableOf(const char *address)
{
	TablePolicy table;

	table.address.value = *parseIp(address);
	table.verdict = CLOAK_RULE_DROP;
	table.rules = {
	    rule(RuleDirection::In, ConnectionState::Established),
	    ruleFor(RuleDirection::In, kService),
	    rule(RuleDirection::Out, ConnectionState::Established),
	    ruleFor(RuleDirection::Out, kFar),
	    ruleFor(RuleDirection::Out, std::uint8_t{IPPROTO_ICMP}),
	    ruleFor(RuleDirection::Out, std::uint8_t{IPPROTO_ICMPV6}),
	    ruleFor(RuleDirection::Out, kGre),
	};
	return table;
}

inline Policy usual()
{
	Policy policy;
	InterfacePolicy interface;

	interface.name.value = "one";
	interface.scope.value = CLOAK_SCOPE_ADDRESSES;
	policy.interfaces.push_back(interface);
	policy.tables = {tableOf("192.0.2.5"), tableOf("2001:db8::5")};
	return policy;
}

class StateTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		use(usual());
	}

	void use(const Policy &policy)
	{
		Diagnostics errors;

		compiled_ = compileRules(policy, errors);
		ASSERT_TRUE(errors.empty());
		PolicyText()
		    .addresses()
		    .rules(*compiled_)
		    .commit(this->policy());
	}

	static Outcome run(Way way, const Packet &packet)
	{
		return way.in ? ingress(packet) : egress(packet);
	}

	static void expectPasses(Way way, const Packet &packet)
	{
		EXPECT_EQ(run(way, packet).reason, CLOAK_PASS_VISIBLE);
	}

	/** New, and no rule wants it. */
	static void expectDropped(Way way, const Packet &packet)
	{
		EXPECT_EQ(run(way, packet).reason, CLOAK_DROP_TABLE);
	}

	/** Packets that a rule of the table for IPv4 has decided about. */
	[[nodiscard]] std::uint64_t hits(std::size_t rule) const
	{
		const auto key = compiled_->tables.front().rules[rule].counter;
		auto counters = RuleCounters::open(maps());
		EXPECT_TRUE(counters.ok());
		auto numbers = counters->claim(maps(), compiled_->keys);
		EXPECT_TRUE(numbers.ok());
		auto values = RuleCounters::read(
		    maps(), std::span(*numbers).subspan(key, 1));
		EXPECT_TRUE(values.ok());
		return values->front().packets;
	}

	/**
	 * @p frame so often that it fills a map and more, each with another
	 * address of 10.0.0.0/8 at @p offset.
	 */
	static std::vector<Bytes> flood(const Packet &frame, std::size_t offset)
	{
		std::vector<Bytes> made(CLOAK_MAX_OPENINGS * 9 / 8,
		                        frame.bytes());

		for (std::size_t i = 0; i < made.size(); ++i) {
			made[i][offset] = 10;
			made[i][offset + 1] =
			    static_cast<std::uint8_t>(i >> 16);
			made[i][offset + 2] = static_cast<std::uint8_t>(i >> 8);
			made[i][offset + 3] = static_cast<std::uint8_t>(i);
		}
		return made;
	}

	/** How many connections a map has. */
	static std::size_t sizeOf(const ConnectionMap &map)
	{
		auto keys = map.keys();

		EXPECT_TRUE(keys.ok());
		return static_cast<std::size_t>(
		    std::ranges::count_if(*keys, [](const auto &key) {
			    return key.kind != CLOAK_FLOW_ASKER;
		    }));
	}

	/** Lets all of them be silent for so long. */
	static void age(__u64 seconds)
	{
		for (const auto *map :
		     {&maps().connections, &maps().openings}) {
			auto entries = map->entries();
			ASSERT_TRUE(entries.ok());
			for (auto [key, value] : *entries) {
				value.seen_ns =
				    coarseTime() - seconds * kSecond;
				ASSERT_TRUE(map->put(key, value).ok());
			}
		}
	}

	/** A handshake that this host begins. */
	static void connectOut(Way way, std::uint16_t local = kClient)
	{
		expectPasses(way, tcp(way, local, kFar, kSyn));
		expectPasses(back(way),
		             tcp(back(way), local, kFar, kSyn | kAck));
		expectPasses(way, tcp(way, local, kFar, kAck));
	}

	/** One that begins elsewhere. */
	static void connectIn(Way way, std::uint16_t remote = kClient)
	{
		expectPasses(way, tcp(way, kService, remote, kSyn));
		expectPasses(back(way),
		             tcp(back(way), kService, remote, kSyn | kAck));
		expectPasses(way, tcp(way, kService, remote, kAck));
	}

	std::shared_ptr<const CompiledRules> compiled_;
};

} // namespace cloak::test::state

#endif // CLOAKLAKE_TESTS_PROG_STATE_H
