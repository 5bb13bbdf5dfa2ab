// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "policy/key_parts.h"
#include "policy/render.h"
#include "tests/unit/policy_errors.h"

namespace cloak
{
namespace
{

constexpr const char *kGood = R"([[interface]]
name = "eth1"

[[interface]]
name = "eth2"
mode = "addresses"
attach = "generic"
action = "monitor"
resolve = true

[cloak]
addresses = ["10.0.9.5", "2001:db8::5"]
logins = [2222]

[[peers]]
name = "initiators"
prefixes = ["10.0.9.10", "10.0.9.32/27"]
macs = ["52:54:00:00:00:01", "52:54:00:00:00:02"]
except = ["10.0.9.33"]
interface = "eth1"

[[peers]]
name = "time"
prefixes = ["10.0.8.0/24"]
access = "outbound"

[[gateway]]
address = "10.0.9.1"
mac = "52:54:00:00:00:ff"
interface = "eth1"

[alerts]
per_second = 50
repeat = "30s"
forget = "2h"
sources = 1000

[output]
text = false
eve = "/var/log/eve.json"
)";

using Lines = std::vector<std::string>;

TEST(Policy, ReadsEveryKey)
{
	const ParsedPolicy parsed = readPolicy(kGood);
	const Policy &policy = parsed.policy;

	ASSERT_EQ(errorsOf(kGood), Lines{});
	ASSERT_EQ(policy.interfaces.size(), 2U);
	EXPECT_EQ(policy.interfaces[0].name.value, "eth1");
	EXPECT_EQ(policy.interfaces[0].scope.value, CLOAK_SCOPE_WHOLE);
	EXPECT_EQ(policy.interfaces[0].attach, XdpChoice::Auto);
	EXPECT_EQ(policy.interfaces[0].action, CLOAK_MODE_ENFORCE);
	EXPECT_FALSE(policy.interfaces[0].resolve);
	EXPECT_FALSE(policy.interfaces[0].dispatcher);
	EXPECT_EQ(policy.interfaces[1].scope.value, CLOAK_SCOPE_ADDRESSES);
	EXPECT_EQ(policy.interfaces[1].attach, XdpChoice::Generic);
	EXPECT_EQ(policy.interfaces[1].action, CLOAK_MODE_MONITOR);
	EXPECT_TRUE(policy.interfaces[1].resolve);
	ASSERT_EQ(policy.addresses.size(), 2U);
	EXPECT_EQ(toString(policy.addresses[1].value), "2001:db8::5");
	ASSERT_EQ(policy.logins.size(), 1U);
	EXPECT_EQ(policy.logins[0].value, 2222U);
	ASSERT_EQ(policy.peers.size(), 2U);
	EXPECT_EQ(policy.peers[0].prefixes.size(), 2U);
	EXPECT_EQ(policy.peers[0].macs.size(), 2U);
	EXPECT_EQ(policy.peers[0].except.size(), 1U);
	EXPECT_EQ(policy.peers[0].interface->value, "eth1");
	EXPECT_EQ(policy.peers[0].access, Access::Full);
	EXPECT_EQ(policy.peers[1].access, Access::Outbound);
	ASSERT_EQ(policy.gateways.size(), 1U);
	EXPECT_EQ(toString(policy.gateways[0].mac->value), "52:54:00:00:00:ff");
	EXPECT_EQ(policy.alerts.perSecond, 50U);
	EXPECT_EQ(policy.alerts.repeat, std::chrono::seconds(30));
	EXPECT_EQ(policy.alerts.forget, std::chrono::hours(2));
	EXPECT_EQ(policy.alerts.sources, 1000U);
	EXPECT_FALSE(policy.output.text);
	EXPECT_EQ(policy.output.eve, "/var/log/eve.json");
}

TEST(Policy, KnowsWhereAValueStands)
{
	const Policy policy = readPolicy(kGood).policy;

	EXPECT_EQ(policy.interfaces[1].name.at, (Position{0, 5, 8}));
	EXPECT_EQ(policy.peers[0].prefixes[1].at, (Position{0, 17, 26}));
}

TEST(Policy, RenderedTextIsTheSamePolicy)
{
	const std::string once = renderPolicy(readPolicy(kGood).policy);

	EXPECT_EQ(errorsOf(once), Lines{});
	EXPECT_EQ(renderPolicy(readPolicy(once).policy), once);
	EXPECT_NE(once.find("52:54:00:00:00:ff"), std::string::npos);
	EXPECT_NE(once.find("10.0.9.32/27"), std::string::npos);
}

TEST(Policy, StatesOfRules)
{
	const auto read = [](const std::string &rule) {
		const std::string text =
		    "[[interface]]\nname = \"eth1\"\n[[table]]\n"
		    "address = \"10.0.9.5\"\nrule = [" +
		    rule + "]\n";
		const std::string once = renderPolicy(readPolicy(text).policy);

		EXPECT_EQ(errorsOf(text), Lines{});
		return readPolicy(once).policy.tables.at(0).rules.at(0);
	};
	const auto none = read("{verdict = \"drop\"}");
	const auto fresh = read("{verdict = \"drop\", state = \"new\"}");
	const auto known = read("{verdict = \"drop\", tcp_flags = \"syn\", "
	                        "state = [\"established\", "
	                        "\"established\"]}");
	const auto both =
	    read("{verdict = \"drop\", state = [\"new\", \"established\"]}");

	EXPECT_EQ(stateOf(none), std::nullopt);
	EXPECT_EQ(stateOf(fresh), ConnectionState::New);
	EXPECT_EQ(stateOf(known), ConnectionState::Established);
	EXPECT_EQ(stateOf(both), std::nullopt);
	EXPECT_EQ(describe(none), "in");
	EXPECT_EQ(describe(fresh), "in state new");
	EXPECT_EQ(describe(both), "in state {new, established}");
}

TEST(Policy, RenderedTextHoldsEveryCharacter)
{
	const Policy policy =
	    readPolicy("[[interface]]\nname = \"eth1\"\n[output]\n"
	               "eve = \"/a\\n[b]\\u007f\\\"\\\\\xc3\xa9\"\n")
		.policy;
	const ParsedPolicy again = readPolicy(renderPolicy(policy));

	EXPECT_EQ(policy.output.eve, "/a\n[b]\x7f\"\\\xc3\xa9");
	EXPECT_TRUE(again.errors.empty());
	EXPECT_EQ(again.policy.output.eve, policy.output.eve);
}

TEST(Policy, SyntaxErrorStandsAlone)
{
	EXPECT_EQ(errorsOf("[[interface]]\nname = eth1\n").size(), 1U);
	EXPECT_EQ(errorsOf("[[interface]]\nname = eth1\n")[0].substr(0, 26),
	          "p:2:8: syntax: expected TO");
	EXPECT_EQ(errorsOf("[[interface]]\nname = \"eth1\"\nname = \"a\"\n")[0]
	              .substr(0, 6),
	          "p:3:8:");
}

/** "a", then that many times ".a". */
std::string deepKey(std::size_t dots)
{
	std::string key = "a";

	for (std::size_t i = 0; i < dots; ++i)
		key += ".a";
	return key;
}

TEST(Policy, DeepKeyIsRefusedBeforeItIsRead)
{
	const std::string deep = deepKey(300'000);
	const auto refused = [](const char *place) {
		return Lines{std::string("p:") + place +
		             ": syntax: expected a key of at most 16 parts"};
	};

	EXPECT_EQ(errorsOf("[" + deep + "]\n"), refused("1:2"));
	EXPECT_EQ(errorsOf("\n[[ " + deep + "]]\n"), refused("2:4"));
	EXPECT_EQ(errorsOf(deep + " = 1\n"), refused("1:1"));
	EXPECT_EQ(errorsOf("\"ä\" = {b = [1.5, {\"\"." + deep + " = 1}]}"),
	          refused("1:19"));
	EXPECT_EQ(errorsOf(deepKey(16) + " = 1\n"), refused("1:1"));
}

TEST(Policy, DeepKeyIsFoundBehindEveryString)
{
	const std::string deep = deepKey(16) + " = 1\n";

	for (const char *before :
	     {R"(a = "\"#'" # "")", R"(a = '\' # ')", R"(a = "")",
	      R"(a = """\"""x"" """"")", R"(a = """""")", "a = '''\n#\"'\\''''",
	      "a = ''''''", R"('#."' . "'" = 1)", R"("\\" = ['', "", [{}]])"}) {
		const std::string text = std::string(before) + "\r\n";

		EXPECT_NO_THROW(static_cast<void>(toml::parse(text))) << text;
		EXPECT_FALSE(findDeepKey(text)) << text;
		EXPECT_TRUE(findDeepKey(text + deep)) << text;
	}
}

TEST(Policy, DotsOfTextMakeNoKeyDeep)
{
	const std::string dots(100, '.');

	for (const std::string &text :
	     {"# " + dots, "a = \"" + dots + "\"", "a = '" + dots + "'",
	      "a = \"\"\"\n\"" + dots + "\\\"\"" + dots + "\"\"\"",
	      "a = '''" + dots + "''" + dots + "'''",
	      "\"" + dots + "\".'" + dots + "' = 1", deepKey(15) + " = 1.5"}) {
		EXPECT_NO_THROW(static_cast<void>(toml::parse(text))) << text;
		EXPECT_FALSE(findDeepKey(text)) << text;
	}
}

TEST(Policy, EmptyOneIsAnError)
{
	EXPECT_EQ(errorsOf(""),
	          Lines{"p: interface: expected at least one [[interface]]"});
}

TEST(Policy, TooLongOneIsNotEvenRead)
{
	const std::string text(kLongestPolicy + 1, ' ');

	EXPECT_EQ(errorsOf(text),
	          Lines{"p: size = 67108865 bytes: expected at most 67108864 "
	                "bytes"});
}

TEST(Policy, ErrorsAsJsonSayTheSame)
{
	const auto list = toJson(readPolicy("a = 1\n").errors, {"p"});

	ASSERT_EQ(list.size(), 2U);
	EXPECT_EQ(list[1]["line"], 1);
	EXPECT_EQ(list[1]["column"], 1);
	EXPECT_EQ(list[1]["key"], "a");
	EXPECT_EQ(list[1]["value"], "1");
	EXPECT_EQ(list[1]["file"], "p");
}

} // namespace
} // namespace cloak
