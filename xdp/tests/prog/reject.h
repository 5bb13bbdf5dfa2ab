// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A visible address whose table rejects everything.
 */
#ifndef CLOAKLAKE_TESTS_PROG_REJECT_H
#define CLOAKLAKE_TESTS_PROG_REJECT_H

#include "tests/harness/progrun.h"

namespace cloak::test
{

inline constexpr std::uint16_t kDontFragment = 0x4000;
/** Answers to one source at once. */
inline constexpr std::size_t kBudget = 50;

/** What the kernel side sees as visible unless a test says otherwise. */
inline PolicyText visiblePolicy()
{
	return PolicyText().addresses(CLOAK_IFACE_ATTRIBUTE |
	                              CLOAK_IFACE_ANSWERS);
}

inline Policy rejecting(cloak_mode action = CLOAK_MODE_ENFORCE)
{
	Policy policy;
	InterfacePolicy interface;

	interface.name.value = "one";
	interface.scope.value = CLOAK_SCOPE_ADDRESSES;
	policy.interfaces.push_back(interface);
	for (const char *address : {"192.0.2.5", "2001:db8::5"}) {
		TablePolicy table;
		RulePolicy rule;

		table.address.value = *parseIp(address);
		rule.verdict.value = CLOAK_RULE_REJECT;
		rule.action = action;
		table.rules.push_back(rule);
		policy.tables.push_back(table);
	}
	return policy;
}

inline Ethernet inLink()
{
	return {.src = kScanner.mac, .dst = kLake.mac};
}

inline Ethernet outLink()
{
	return {.src = kLake.mac, .dst = kScanner.mac};
}

inline Ipv4 in4()
{
	return {.src = kScanner.v4, .dst = kLake.v4};
}

inline Ipv6 in6()
{
	return {.src = kScanner.v6, .dst = kLake.v6};
}

/** The header that all answers have. */
inline Ipv4 out4(std::uint8_t service = 0)
{
	return {.src = kLake.v4,
	        .dst = kScanner.v4,
	        .id = 0,
	        .offset = kDontFragment,
	        .service = service};
}

inline Ipv6 out6()
{
	return {.src = kLake.v6, .dst = kScanner.v6};
}

class RejectTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		use(rejecting());
	}

	void use(const Policy &policy, PolicyText text = visiblePolicy())
	{
		Diagnostics errors;

		compiled_ = compileRules(policy, errors);
		ASSERT_TRUE(errors.empty());
		text.rules(*compiled_).commit(this->policy());
	}

	/** Whether the answer to @p packet is @p answer. */
	static void expectAnswer(const Packet &packet, const Packet &answer)
	{
		const Outcome outcome = ingress(packet);

		EXPECT_TRUE(outcome.answered);
		EXPECT_EQ(outcome.reason, CLOAK_DROP_REJECT);
		EXPECT_EQ(outcome.frame, answer.bytes());
	}

	static void expectNone(const Packet &packet, cloak_reason why)
	{
		const Outcome outcome = ingress(packet);

		EXPECT_FALSE(outcome.answered);
		EXPECT_FALSE(outcome.passed);
		EXPECT_EQ(outcome.reason, why);
	}

	std::shared_ptr<const CompiledRules> compiled_;
};

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_PROG_REJECT_H
