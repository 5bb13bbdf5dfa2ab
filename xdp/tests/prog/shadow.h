// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_TESTS_PROG_SHADOW_H
#define CLOAKLAKE_TESTS_PROG_SHADOW_H

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bpf/records.h"
#include "tests/harness/progrun.h"
#include "util/clock.h"

// A namespace of its own, as the files here are compiled together.
namespace cloak::test::shadow
{

inline constexpr std::uint64_t kSecond = 1'000'000'000;

inline Packet tcp(const Host &from, const Host &to, std::uint16_t sport,
                  std::uint16_t dport, std::uint8_t flags)
{
	return Ethernet{.src = from.mac, .dst = to.mac} /
	       Ipv4{.src = from.v4, .dst = to.v4} /
	       Tcp{.sport = sport, .dport = dport, .flags = flags};
}

inline Packet probe(std::uint16_t port, std::uint8_t flags = kSyn)
{
	return tcp(kScanner, kLake, 40000, port, flags);
}

inline Packet echo(const Host &from, const Host &to, std::uint8_t type)
{
	return Ethernet{.src = from.mac, .dst = to.mac} /
	       Ipv4{.src = from.v4, .dst = to.v4} / Icmp{.type = type};
}

class ShadowTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		usualPolicy().commit(policy());
		configure(config());
		// Whatever tokens other tests have used, there are enough.
		cloak_config plenty{};
		plenty.abi_version = CLOAK_ABI_VERSION;
		plenty.events_per_second = 1000000;
		plenty.sources_per_second = 1000000;
		plenty.sources_burst = ~0U;
		configure(plenty);
		before_ = accountStats();
	}

	static cloak_account_config config()
	{
		cloak_account_config config{};

		config.shadow_ns = 3600 * kSecond;
		config.snaplen = 64;
		config.copies_per_second = 100;
		config.all_copies_per_second = 1000;
		return config;
	}

	static cloak_shadow shadowOf(const std::string &addr)
	{
		auto shadow = maps().shadows.get(addrOf(addr));

		EXPECT_TRUE(shadow.ok() && *shadow) << addr;
		if (!shadow.ok() || !*shadow)
			return {};
		cloak_shadow_sum(&**shadow);
		return **shadow;
	}

	static std::size_t shadows() { return maps().shadows.keys()->size(); }

	static std::vector<std::pair<cloak_record_key, cloak_record>> records()
	{
		auto entries = readRecords(maps().records);

		EXPECT_TRUE(entries.ok());
		return *entries;
	}

	[[nodiscard]] std::uint64_t stat(cloak_account_stat which) const
	{
		return accountStats().at(which) - before_.at(which);
	}

	void expectSums() const
	{
		EXPECT_EQ(stat(CLOAK_ACCOUNT_PACKETS),
		          stat(CLOAK_ACCOUNT_FILED) + stat(CLOAK_ACCOUNT_FULL) +
		              stat(CLOAK_ACCOUNT_OVER_BUDGET));
		EXPECT_EQ(stat(CLOAK_ACCOUNT_SHADOWED),
		          stat(CLOAK_ACCOUNT_COPIED) +
		              stat(CLOAK_ACCOUNT_UNWANTED) +
		              stat(CLOAK_ACCOUNT_LIMITED) +
		              stat(CLOAK_ACCOUNT_FAILED));
	}

	static void shadowByHand(const std::string &addr, std::uint64_t until)
	{
		cloak_shadow shadow{};

		shadow.until_ns = until;
		shadow.causes = 1U << CLOAK_SHADOW_MANUAL;
		ASSERT_TRUE(maps().shadows.put(addrOf(addr), shadow).ok());
		gate(CLOAK_GATE_SHADOWS, 1);
	}

	/** @param perSecond so many copies are given out of a source. */
	static void probeWithCopies(unsigned perSecond, unsigned probes)
	{
		cloak_account_config little = config();

		little.copies_per_second = perSecond;
		configure(little);
		for (unsigned i = 0; i < probes; i++)
			ingress(probe(22));
	}

	/** Changes what is known of a source, and the only flow, of it. */
	template <typename Change>
	static void change(const std::string &addr, Change change)
	{
		auto shadow = maps().shadows.get(addrOf(addr));
		auto flows = maps().records.entries();

		ASSERT_TRUE(shadow.ok() && *shadow && flows.ok());
		ASSERT_EQ(flows->size(), 1U);
		auto &[key, record] = flows->front();
		change(**shadow, record);
		ASSERT_TRUE(maps().shadows.put(addrOf(addr), **shadow).ok());
		ASSERT_TRUE(maps().records.put(key, record).ok());
	}

	/** The kernel's tick is another one then, whatever its HZ. */
	static void nextTick()
	{
		std::this_thread::sleep_for(std::chrono::milliseconds(25));
	}

private:
	AccountStats before_{};
};

} // namespace cloak::test::shadow

#endif // CLOAKLAKE_TESTS_PROG_SHADOW_H
