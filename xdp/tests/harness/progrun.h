// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The two programs, run on single packets by BPF_PROG_TEST_RUN.
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_PROGRUN_H
#define CLOAKLAKE_TESTS_HARNESS_PROGRUN_H

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpf/counters.h"
#include "bpf/object.h"
#include "bpf/perf_reader.h"
#include "bpf/policy_maps.h"
#include "policy/compile_rules.h"
#include "tests/harness/hosts.h"
#include "tests/harness/packet.h"

namespace cloak::test
{

/** Test runs happen on the loopback, whose index is 1 everywhere. */
inline constexpr unsigned kIfindex = 1;

/** A test run refuses to make a shorter skb: without its IP header. */
inline constexpr std::size_t kLeastSkb = 14 + 40;

/** What became of a packet. */
struct Outcome {
	bool passed = false;
	bool answered = false; //!< the frame is the answer, to be sent
	cloak_reason reason = CLOAK_NO_REASON; //!< what was counted for it
	bool monitored = false;
	Bytes frame; //!< as the program left it
};

/** An event with its evidence. */
struct Seen {
	cloak_event event{};
	Bytes head;
};

/** One policy, written down shortly. */
class PolicyText
{
public:
	PolicyText &whole(std::uint16_t flags = 0);
	PolicyText &addresses(std::uint16_t flags = 0);
	PolicyText &monitor();
	PolicyText &cloaked(const std::string &addr,
	                    std::uint32_t flags = CLOAK_ADDRESS_UNICAST);
	PolicyText &peer(const std::string &prefix, unsigned flags);
	PolicyText &peer(const std::string &prefix, const cloak_peer &value);
	/** Without ports: all of them. The gate is the test's affair. */
	PolicyText &decoy(const std::string &addr,
	                  std::vector<std::uint16_t> ports = {});
	PolicyText &bound(const std::string &prefix, unsigned flags,
	                  const Mac &mac);

	/** Tables of rules, whose counters are numbered as in the image. */
	PolicyText &rules(const CompiledRules &rules);

	/** Puts it in force. */
	void commit(const PolicyMaps &maps) const;

private:
	cloak_iface iface_{};
	std::vector<std::pair<cloak_addr, cloak_address>> addresses_;
	std::vector<std::pair<cloak_prefix, cloak_peer>> peers_;
	const CompiledRules *rules_ = nullptr;
	std::vector<std::pair<cloak_addr, cloak_decoy>> decoys_;
};

/** lake wholly cloaked; peer authorised, gateway and outbound as named. */
[[nodiscard]] PolicyText usualPolicy();

/**
 * A loaded object, unpinned; loading it takes a while, so all tests of a
 * program share one. Each test begins without state but with old counters.
 */
class CloakTest : public ::testing::Test
{
protected:
	static void SetUpTestSuite();
	static void TearDownTestSuite();
	void SetUp() override;

	[[nodiscard]] static const CloakMaps &maps();
	[[nodiscard]] static PolicyMaps policy();

	/** Datagrams in fragments, a map that only the programs know. */
	[[nodiscard]] static const FlowMap &pieces();

	/** Runs a frame through a program; says what was counted for it. */
	static Outcome ingress(const Bytes &frame);
	static Outcome ingress(const Packet &packet);
	static Outcome egress(const Bytes &frame);
	static Outcome egress(const Packet &packet);

	/** Runs many frames through a program, without a look at each. */
	static void ingressAll(const std::vector<Bytes> &frames);
	static void egressAll(const std::vector<Bytes> &frames);

	/** Empties all maps of state, accounting is off. */
	static void forgetState();

	/** Lets all in a map have been seen last so many seconds ago. */
	static void age(const FlowMap &map, __u64 seconds);

	/** The events since the last call. */
	static std::vector<Seen> events();

	/** Sum of all counters. */
	static std::uint64_t counted();
	static EventStats stats();
	static AccountStats accountStats();

	static void configure(const cloak_config &config);
	static void configure(const cloak_account_config &config);

	/** Opens or closes a gate of accounting. */
	static void gate(cloak_gate which, __u32 value);
};

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_PROGRUN_H
