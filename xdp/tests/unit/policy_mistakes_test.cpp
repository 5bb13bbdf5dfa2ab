// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/check_rules.h"
#include "tests/unit/policy_errors.h"

namespace cloak
{
namespace
{

using Lines = std::vector<std::string>;

/** One mistake and the line that it draws. */
struct Mistake {
	const char *name;
	const char *lines;
	const char *said;
};

// The name is GoogleTest's.
// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const Mistake &mistake, std::ostream *out)
{
	*out << mistake.name;
}

class PolicyMistake : public testing::TestWithParam<Mistake>
{
};

TEST_P(PolicyMistake, IsNamedWithPlaceValueAndExpectation)
{
	EXPECT_EQ(errorsWith(GetParam().lines), Lines{GetParam().said});
}

constexpr Mistake kMistakes[] = {
    {"UnknownTable", "[peer]\nname = \"a\"\n",
     "p:3:2: peer = a table: expected one of [alerts], [cloak], "
     "[[decoy]], [evidence], [flows], [[gateway]], [[interface]], "
     "[[ipfix]], [metrics], [output], [[peers]], [shadow], [[syslog]], "
     "[[table]]"},
    {"UnknownKey", "nmae = 5\n",
     "p:3:1: interface.nmae = 5: expected one of the keys action, attach, "
     "dispatcher, mode, name, resolve"},
    {"UnknownKeyWithControlCharacters", "\"a\\u001b\" = 5\n",
     "p:3:1: interface.\"a\\x1b\" = 5: expected one of the keys action, "
     "attach, dispatcher, mode, name, resolve"},
    {"TableForList", "[peers]\nname = \"a\"\nprefixes = []\n",
     "p:3:1: peers = a table: expected tables, each under [[peers]]"},
    {"ValueForTable", "[output]\n[[alerts]]\n",
     "p:4:1: alerts = a list: expected a table, [alerts]"},
    {"UnknownMode", "mode = \"some\"\n",
     "p:3:8: interface.mode = \"some\": expected \"all\" or \"addresses\""},
    {"UnknownAttach", "attach = \"fast\"\n",
     "p:3:10: interface.attach = \"fast\": expected \"auto\", \"native\" or "
     "\"generic\""},
    {"UnknownAction", "action = true\n",
     "p:3:10: interface.action = true: expected \"enforce\" or \"monitor\""},
    {"FlagThatIsNone", "resolve = \"yes\"\n",
     "p:3:11: interface.resolve = \"yes\": expected true or false"},
    {"InterfaceTooLong", "[[interface]]\nname = \"abcdefghijklmnop\"\n",
     "p:4:8: interface.name = \"abcdefghijklmnop\": expected the name of an "
     "interface, 1 to 15 characters without / : or blank, or a "
     "shell pattern of up to 64 with each [ closed, such as \"enp*\""},
    {"InterfaceWithBlank", "[[interface]]\nname = \"eth 0\"\n",
     "p:4:8: interface.name = \"eth 0\": expected the name of an "
     "interface, 1 to 15 characters without / : or blank, or a "
     "shell pattern of up to 64 with each [ closed, such as \"enp*\""},
    {"PatternNotClosed", "[[interface]]\nname = \"eth[!]\"\n",
     "p:4:8: interface.name = \"eth[!]\": expected the name of an "
     "interface, 1 to 15 characters without / : or blank, or a "
     "shell pattern of up to 64 with each [ closed, such as \"enp*\""},
    {"PatternTwice",
     "[[interface]]\nname = \"enp*\"\n[[interface]]\nname = \"enp*\"\n",
     "p:6:8: interface.name = \"enp*\": expected each value once; this one "
     "stands in line 4 already"},
    {"PeersInterfaceIsAPattern",
     "[[interface]]\nname = \"enp*\"\n[[peers]]\nname = \"a\"\n"
     "prefixes = []\ninterface = \"enp*\"\n",
     "p:8:13: peers.interface = \"enp*\": expected the name of one "
     "interface; a pattern cannot stand here"},
    {"GatewayInterfaceIsAPattern",
     "[[gateway]]\naddress = \"10.0.9.1\"\ninterface = \"eth[0-9]\"\n",
     "p:5:13: gateway.interface = \"eth[0-9]\": expected the name of one "
     "interface; a pattern cannot stand here"},
    {"RuleInterfaceThatAPatternMatches",
     "[[interface]]\nname = \"enp*\"\n[[table]]\naddress = \"10.0.9.5\"\n"
     "rule = [\n{verdict = \"drop\", interface = \"enp3\"}]\n",
     "p:8:32: table.rule.interface = \"enp3\": expected the name of an "
     "[[interface]] of this policy, as it stands there"},
    {"InterfaceMissing", "[[interface]]\n",
     "p:3:1: interface.name: expected the name of an interface, 1 to 15 "
     "characters without / : or blank, or a "
     "shell pattern of up to 64 with each [ closed, such as \"enp*\"; the key "
     "is missing"},
    {"InterfaceTwice", "[[interface]]\nname = \"eth1\"\n",
     "p:4:8: interface.name = \"eth1\": expected each value once; this one "
     "stands in line 2 already"},
    {"AddressesMissing", "mode = \"addresses\"\n",
     "p:3:8: interface.mode = \"addresses\": expected the addresses to be "
     "listed under [cloak], or a [[table]]"},
    {"TableOfGroup", "[[table]]\naddress = \"224.0.0.1\"\n",
     "p:4:11: table.address = \"224.0.0.1\": expected the address of one "
     "host"},
    {"TableTwice",
     "[[table]]\naddress = \"10.0.9.5\"\n[[table]]\naddress = \"10.0.9.5\"\n",
     "p:6:11: table.address = \"10.0.9.5\": expected one table for each "
     "address; the first is in line 4"},
    {"RuleWithoutVerdict",
     "[[table]]\naddress = \"10.0.9.5\"\n[[table.rule]]\nprotocol = \"tcp\"\n",
     "p:5:1: table.rule.verdict: expected \"allow\", \"drop\", \"reject\", "
     "\"count\", \"log\" or \"shadow\"; the key is missing"},
    {"RuleThatRejects",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n{verdict = \"reject\"}]\n",
     "p:6:12: table.rule.verdict = \"reject\": expected \"drop\": an answer "
     "would show everybody that 10.0.9.5 is there"},
    {"RuleThatRejectsForACloakedAddress",
     "mode = \"addresses\"\n[cloak]\naddresses = [\"10.0.9.5\"]\n"
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"reject\"}]\n",
     "p:9:12: table.rule.verdict = \"reject\": expected \"drop\": an answer "
     "would show everybody that 10.0.9.5 is there"},
    {"RuleThatRejectsOnACloakedInterface",
     "[[interface]]\nname = \"eth7\"\nmode = \"addresses\"\n"
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"reject\", interface = \"eth1\"}]\n",
     "p:9:12: table.rule.verdict = \"reject\": expected \"drop\": an answer "
     "would show everybody that 10.0.9.5 is there"},
    {"RuleThatRejectsGoingOut",
     "mode = \"addresses\"\n[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"reject\", direction = \"both\"}]\n",
     "p:7:12: table.rule.verdict = \"reject\": expected direction \"in\", "
     "since only who sends from elsewhere is answered; \"drop\" for what "
     "goes out"},
    {"RulePortsReversed",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", source_port = \"9-7\"}]\n",
     "p:6:34: table.rule.source_port = \"9-7\": expected a port such as 4420, "
     "a range such as \"8000-8100\", or a list of them"},
    {"RuleOfOtherFamily",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", source = \"2001:db8::/32\"}]\n",
     "p:6:29: table.rule.source = \"2001:db8::/32\": expected IPv4, as the "
     "address of the table"},
    {"RuleForSomebodyElse",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", destination = \"10.0.8.0/24\"}]\n",
     "p:6:34: table.rule.destination = \"10.0.8.0/24\": expected a network "
     "with 10.0.9.5, whose table this is"},
    {"RulePortsWithoutPorts",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", protocol = \"gre\", source_port = 9}]\n",
     "p:6:31: table.rule.protocol = \"gre\": expected a protocol that has "
     "ports, such as \"tcp\", since the rule names some"},
    {"RuleFlagUnknown",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", tcp_flags = \"syn,!foo\"}]\n",
     "p:6:32: table.rule.tcp_flags = \"syn,!foo\": expected TCP flags such as "
     "\"syn\" or \"syn,!ack\""},
    {"RuleStateUnknown",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", state = [\"new\", \"related\"]}]\n",
     "p:6:36: table.rule.state = \"related\": expected \"new\" or "
     "\"established\", which ICMP errors about a connection are as well, or "
     "a list of them"},
    {"RuleStateIsANumber",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", state = 1}]\n",
     "p:6:28: table.rule.state = 1: expected \"new\" or \"established\", "
     "which ICMP errors about a connection are as well, or a list of them"},
    {"RuleForEstablishedFirstSegments",
     "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n"
     "{verdict = \"drop\", state = \"established\", "
     "tcp_flags = \"syn,!ack\"}]\n",
     "p:6:55: table.rule.tcp_flags = \"syn,!ack\": expected state \"new\", "
     "which a SYN without ACK always is"},
    {"AddressMalformed", "[cloak]\naddresses = [\"10.0.9.256\"]\n",
     "p:4:14: cloak.addresses = \"10.0.9.256\": expected an IPv4 or IPv6 "
     "address, such as \"10.0.9.5\" or \"2001:db8::5\""},
    {"AddressIsNetwork", "[cloak]\naddresses = [\"10.0.9.0/24\"]\n",
     "p:4:14: cloak.addresses = \"10.0.9.0/24\": expected an IPv4 or IPv6 "
     "address, such as \"10.0.9.5\" or \"2001:db8::5\""},
    {"AddressIsGroup", "[cloak]\naddresses = [\"ff02::1\"]\n",
     "p:4:14: cloak.addresses = \"ff02::1\": expected the address of one "
     "host"},
    {"AddressTwice",
     "[cloak]\naddresses = [\"10.0.9.5\", \"::ffff:10.0.9.5\"]\n",
     "p:4:26: cloak.addresses = \"10.0.9.5\": expected each value once; this "
     "one stands in line 4 already"},
    {"AddressesNotAList", "[cloak]\naddresses = \"10.0.9.5\"\n",
     "p:4:13: cloak.addresses = \"10.0.9.5\": expected a list, each member "
     "an IPv4 or IPv6 address, such as \"10.0.9.5\" or \"2001:db8::5\""},
    {"PeersWithoutName", "[[peers]]\nprefixes = []\n",
     "p:3:1: peers.name: expected a name of 1 to 64 letters, digits, or - _ "
     ".; the key is missing"},
    {"PeersWithoutPrefixes", "[[peers]]\nname = \"a\"\n",
     "p:3:1: peers.prefixes: expected a list of addresses or networks; the "
     "key is missing"},
    {"PeersName", "[[peers]]\nname = \"a b\"\nprefixes = []\n",
     "p:4:8: peers.name = \"a b\": expected a name of 1 to 64 letters, "
     "digits, or - _ ."},
    {"PeersNameTwice",
     "[[peers]]\nname = \"a\"\nprefixes = []\n[[peers]]\nname = "
     "\"a\"\nprefixes = []\n",
     "p:7:8: peers.name = \"a\": expected each value once; this one stands "
     "in line 4 already"},
    {"PrefixIsANumber", "[[peers]]\nname = \"a\"\nprefixes = [10]\n",
     "p:5:13: peers.prefixes = 10: expected an IPv4 or IPv6 address or "
     "network, such as \"10.0.9.0/24\" or \"2001:db8::5\""},
    {"PrefixWithHostBits",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.5/24\"]\n",
     "p:5:13: peers.prefixes = \"10.0.9.5/24\": expected \"10.0.9.0/24\" for "
     "the network, or \"10.0.9.5\" for the host"},
    {"PrefixTwice",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\"]\n[[peers]]\nname "
     "= \"b\"\nprefixes = [\"10.0.9.0/24\"]\n",
     "p:8:13: peers.prefixes = \"10.0.9.0/24\": expected each value once; "
     "this one stands in line 5 already"},
    {"PeerIsCloaked",
     "[cloak]\naddresses = [\"10.0.9.5\"]\n[[peers]]\nname = "
     "\"a\"\nprefixes = [\"10.0.9.5\"]\n",
     "p:7:13: peers.prefixes = \"10.0.9.5\": expected a peer; this address "
     "is itself cloaked"},
    {"ExceptOutside",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.0/24\"]\nexcept = "
     "[\"10.0.8.1\"]\n",
     "p:6:11: peers.except = \"10.0.8.1\": expected a part of a prefix of "
     "some group"},
    {"MacMalformed",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.9\"]\nmacs = "
     "[\"52:54\"]\n",
     "p:6:9: peers.macs = \"52:54\": expected an Ethernet address, such as "
     "\"52:54:00:12:34:56\""},
    {"MacIsGroup",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.9\"]\nmacs = "
     "[\"ff:ff:ff:ff:ff:ff\"]\n",
     "p:6:9: peers.macs = \"ff:ff:ff:ff:ff:ff\": expected the address of one "
     "station"},
    {"MacsDoNotPair",
     "[[peers]]\nname = \"a\"\nprefixes = [\"10.0.9.9\"]\nmacs = "
     "[\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"]\n",
     "p:6:9: peers.macs = \"52:54:00:00:00:01\": expected none, one for all, "
     "or 1 as there are prefixes, not 2"},
    {"PeersInterfaceUnknown",
     "[[peers]]\nname = \"a\"\nprefixes = []\ninterface = \"eth9\"\n",
     "p:6:13: peers.interface = \"eth9\": expected the name of an "
     "[[interface]] of this policy, or one that a pattern of it matches"},
    {"PeersAccess",
     "[[peers]]\nname = \"a\"\nprefixes = []\naccess = \"some\"\n",
     "p:6:10: peers.access = \"some\": expected \"full\" or \"outbound\""},
    {"GatewayWithoutAddress", "[[gateway]]\n",
     "p:3:1: gateway.address: expected an IPv4 or IPv6 address, such as "
     "\"10.0.9.5\" or \"2001:db8::5\"; the key is missing"},
    {"GatewayTwice",
     "[[gateway]]\naddress = \"10.0.9.1\"\n[[gateway]]\naddress = "
     "\"10.0.9.1\"\n",
     "p:6:11: gateway.address = \"10.0.9.1\": expected each value once; this "
     "one stands in line 4 already"},
    {"GatewayIsCloaked",
     "[cloak]\naddresses = [\"10.0.9.5\"]\n[[gateway]]\naddress = "
     "\"10.0.9.5\"\n",
     "p:6:11: gateway.address = \"10.0.9.5\": expected a router; this "
     "address is itself cloaked"},
    {"GatewayInterfaceUnknown",
     "[[gateway]]\naddress = \"10.0.9.1\"\ninterface = \"eth9\"\n",
     "p:5:13: gateway.interface = \"eth9\": expected the name of an "
     "[[interface]] of this policy, or one that a pattern of it matches"},
    {"IntegerOutOfRange", "[alerts]\nper_second = 0\n",
     "p:4:14: alerts.per_second = 0: expected a whole number from 1 to "
     "100000"},
    {"IntegerIsReal", "[alerts]\nsources = 1e3\n",
     "p:4:11: alerts.sources = 1000.0: expected a whole number from 16 to "
     "65536"},
    {"DurationWithoutUnit", "[alerts]\nrepeat = \"10\"\n",
     "p:4:10: alerts.repeat = \"10\": expected a time such as \"10s\", "
     "\"5m\" or \"1h\", at least 1s"},
    {"DurationTooShort", "[alerts]\nrepeat = \"10ms\"\n",
     "p:4:10: alerts.repeat = \"10ms\": expected a time such as \"10s\", "
     "\"5m\" or \"1h\", at least 1s"},
    {"ForgetsBeforeItRepeats", "[alerts]\nrepeat = \"1h\"\nforget = \"1m\"\n",
     "p:3:1: alerts.forget: expected a time not shorter than "
     "alerts.repeat"},
    {"RelativePath", "[output]\neve = \"eve.json\"\n",
     "p:4:7: output.eve = \"eve.json\": expected an absolute path, or \"\" "
     "for no such output"},
};

INSTANTIATE_TEST_SUITE_P(Each, PolicyMistake, testing::ValuesIn(kMistakes),
                         [](const auto &mistake) {
				 return std::string(mistake.param.name);
			 });

TEST(Policy, VisibleAddressesMayReject)
{
	EXPECT_EQ(errorsWith("mode = \"addresses\"\n"
	                     "[[interface]]\nname = \"eth7\"\n"
	                     "[cloak]\naddresses = [\"10.0.9.6\"]\n"
	                     "[[table]]\naddress = \"10.0.9.5\"\n"
	                     "rule = [{verdict = \"reject\"}]\n"),
	          Lines{});
}

TEST(Policy, AllErrorsAreListedInTheirOrder)
{
	const Lines errors = errorsWith("[output]\neve = 5\ntext = 6\n"
	                                "[cloak]\naddresses = [7, 8]\n");

	ASSERT_EQ(errors.size(), 4U);
	EXPECT_EQ(errors[0].substr(0, 6), "p:4:7:");
	EXPECT_EQ(errors[1].substr(0, 6), "p:5:8:");
	EXPECT_EQ(errors[2].substr(0, 7), "p:7:14:");
	EXPECT_EQ(errors[3].substr(0, 7), "p:7:17:");
}

TEST(Policy, TooManyPeersAreRefused)
{
	std::string lines = "[[peers]]\nname = \"a\"\nprefixes = [";

	for (std::size_t i = 0; i <= kMostPeers; ++i) {
		lines += "\"10." + std::to_string(i >> 16U) + "." +
		         std::to_string(i >> 8U & 0xffU) + "." +
		         std::to_string(i & 0xffU) + "\",";
	}
	EXPECT_EQ(errorsWith(lines + "]\n"),
	          Lines{"p: peers = 64513 entries: expected at most 64512"});
}

/** As many as there is room for while one policy takes another's place. */
TEST(Policy, MoreCountersThanHalfOfThemAreRefused)
{
	Policy policy;
	Diagnostics errors;
	const auto check = [&policy, &errors] {
		errors.clear();
		checkRules(policy, errors);
	};

	for (const char *address :
	     {"10.0.9.1", "10.0.9.2", "10.0.9.3", "10.0.9.4"}) {
		TablePolicy &table = policy.tables.emplace_back();

		table.address.value = *parseIp(address);
		table.rules.resize(kMostRulesOfTable - 1);
		for (RulePolicy &rule : table.rules)
			rule.counter = fmt::format("{}-{}", address,
			                           &rule - table.rules.data());
	}
	check();
	ASSERT_EQ(errors.size(), 1U);
	EXPECT_EQ(toString(errors[0], {"p"}),
	          "p: table = 524288 counters: expected at most 524287: one "
	          "for each rule, two for each table and one for each name of "
	          "a counter");
	policy.tables[0].rules[0].counter = policy.tables[0].rules[1].counter;
	check();
	EXPECT_TRUE(errors.empty());
}

/** Each combination of what a rule lists is an entry of its own. */
TEST(Policy, ARuleWithTooManyCombinationsIsRefused)
{
	std::string sources;
	std::string ports;

	for (unsigned i = 0; i < 300; ++i) {
		sources += fmt::format("\"10.1.{}.{}\",", i / 250, i % 250);
		ports += fmt::format("{},", 2 * i + 1);
	}
	EXPECT_EQ(errorsWith("[[table]]\naddress = \"10.0.9.5\"\n"
	                     "[[table.rule]]\nverdict = \"drop\"\n"
	                     "source = [" +
	                     sources + "]\nsource_port = [" + ports +
	                     "]\ndestination_port = [" + ports + "]\n"),
	          Lines{"p:5:1: table.rule = 27000000 combinations: expected "
	                "at most 65536 of the addresses, source ports and "
	                "destination ports of a rule"});
}

} // namespace
} // namespace cloak
