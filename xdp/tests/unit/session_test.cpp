// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <net/if.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/session_guard.h"
#include "host/cut.h"
#include "host/remember.h"
#include "host/sessions.h"
#include "policy/parse.h"
#include "policy/rule_match.h"
#include "tests/unit/ip.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

const Connection kSession = {ip("10.0.9.5"), 22, ip("10.0.9.66"), 50000, 4711};
const Connection kOther = {ip("10.0.9.5"), 4420, ip("10.0.9.10"), 50000, 4712};

TEST(Sessions, FindsTheOneThatSshNames)
{
	using Connections = std::vector<Connection>;
	const Connections all = {kOther, kSession};

	EXPECT_EQ(namedSessions(all, "10.0.9.66 50000 10.0.9.5 22"),
	          Connections{kSession});
	for (const char *none :
	     {"", "10.0.9.66", "10.0.9.66 50001 10.0.9.5 22", "a b c d",
	      "10.0.9.66 50000 10.0.9.5 220000", "10.0.9.66 50000 10.0.9.6 22"})
		EXPECT_TRUE(namedSessions(all, none).empty()) << none;
}

TEST(Sessions, FindsTheOneWithAScope)
{
	const Connection session = {ip("fe80::5"), 22, ip("fe80::66"), 50000,
	                            0};

	EXPECT_EQ(
	    namedSessions({session}, "fe80::66%eth0 50000 fe80::5%eth0 22")
		.size(),
	    1U);
}

/** fe80::5 is there on each wire; it is "lo" that surely has a name here. */
TEST(Sessions, FindsTheOneOnThatInterface)
{
	const unsigned lo = if_nametoindex("lo");
	Connection here = {ip("fe80::5"), 22, ip("fe80::66"), 50000, 1, lo};
	Connection there = here;

	there.ifindex = lo + 1;
	EXPECT_EQ(
	    namedSessions({there, here}, "fe80::66%lo 50000 fe80::5%lo 22"),
	    std::vector<Connection>{here});
	// One that names none may be any of them.
	EXPECT_EQ(
	    namedSessions({there, here}, "fe80::66 50000 fe80::5 22").size(),
	    2U);
}

TEST(Sessions, FindsWhoIsLoggedIn)
{
	using Connections = std::vector<Connection>;
	const Connection within = {ip("127.0.0.1"), 22, ip("127.0.0.1"), 50000,
	                           4713};
	const Connection outgoing = {ip("10.0.9.5"), 50000, ip("10.0.9.66"), 22,
	                             4714};
	Connections all = {within, kOther, outgoing, kSession};

	EXPECT_EQ(loginSessions(all, Policy().logins), Connections{kSession});
	EXPECT_EQ(loginSessions(all, {{4420, {}}}), Connections{kOther});
	EXPECT_TRUE(loginSessions(all, {}).empty());
	// Whoever knocks has no session as long as nobody has accepted him.
	all.back().inode = 0;
	EXPECT_TRUE(loginSessions(all, Policy().logins).empty());
}

/** A folder that looks as procfs does. */
class InheritedSessions : public testing::Test
{
protected:
	void SetUp() override
	{
		root_ = testing::TempDir() + "cloak-proc-" +
		        std::to_string(getpid());
	}
	void TearDown() override { fs::remove_all(root_); }

	void addProcess(int process, const std::string &name, int parent,
	                const std::string &link)
	{
		const fs::path folder = root_ / std::to_string(process);

		fs::create_directories(folder / "fd");
		std::ofstream(folder / "stat")
		    << process << " (" << name << ") S " << parent << " 1 1\n";
		fs::create_symlink(link, folder / "fd" / "3");
	}

	fs::path root_;
};

TEST_F(InheritedSessions, AreThoseOfAncestors)
{
	addProcess(30, "cloakctl", 20, "pipe:[4712]");
	addProcess(20, "sudo) S 7 (", 10, "/dev/null");
	addProcess(10, "sshd", 1, "socket:[4711]");
	addProcess(1, "init", 0, "socket:[4712]");

	EXPECT_EQ(inheritedSessions({kOther, kSession}, 30, root_),
	          std::vector<Connection>{kSession});
}

TEST_F(InheritedSessions, EndWhereNothingCanBeSeen)
{
	addProcess(30, "cloakctl", 20, "socket:[no number]");

	EXPECT_TRUE(inheritedSessions({kSession}, 30, root_).empty());
	EXPECT_TRUE(inheritedSessions({kSession}, 99, root_).empty());
}

TEST_F(InheritedSessions, EndWithALoop)
{
	addProcess(30, "a", 20, "socket:[4711]");
	addProcess(20, "b", 30, "socket:[4712]");

	EXPECT_EQ(inheritedSessions({kOther, kSession}, 30, root_).size(), 2U);
}

Host cloakedHost()
{
	return {{{"eth0", 2, {}, {*parsePrefix("10.0.9.5/24")}}}};
}

constexpr MacAddress kMac = {{0x52, 0x54, 0, 0, 0, 0x66}};

/** Why a policy for eth0 would cut the session; empty if it would not. */
std::string cutBy(const std::string &more, unsigned ifindex = 2)
{
	const ParsedPolicy parsed =
	    readPolicy("[[interface]]\nname = \"eth0\"\n" + more);

	EXPECT_TRUE(parsed.errors.empty()) << more;
	return whyCut(parsed.policy,
	              compilePolicy(parsed.policy, cloakedHost(), {}), kSession,
	              {ifindex, kMac})
	    .value_or("");
}

std::string peers(const std::string &keys)
{
	return "[[peers]]\nname = \"admins\"\nprefixes = [\"10.0.9.64/26\"]\n" +
	       keys;
}

TEST(Cut, IsWhoIsNotAuthorised)
{
	EXPECT_EQ(cutBy(""),
	          "10.0.9.66 is not authorised, and eth0 is cloaked");
	EXPECT_EQ(cutBy("[[gateway]]\naddress = \"10.0.9.66\"\n"),
	          "10.0.9.66 is not authorised, and eth0 is cloaked");
	EXPECT_EQ(cutBy(peers("")), "");
	EXPECT_NE(cutBy(peers("except = [\"10.0.9.66\"]\n")), "");
	EXPECT_NE(cutBy(peers("access = \"outbound\"\n")), "");
}

TEST(Cut, IsWhoHasAnotherMac)
{
	EXPECT_EQ(cutBy(peers("macs = [\"52:54:00:00:00:66\"]\n")), "");
	EXPECT_NE(cutBy(peers("macs = [\"52:54:00:00:00:67\"]\n")), "");
}

TEST(Cut, IsNobodyWhereNothingIsDropped)
{
	EXPECT_EQ(cutBy("action = \"monitor\"\n"), "");
	EXPECT_EQ(cutBy("", 3), "");
	EXPECT_EQ(cutBy("mode = \"addresses\"\n"
	                "[cloak]\naddresses = [\"10.0.9.6\"]\n"),
	          "");
	EXPECT_NE(cutBy("mode = \"addresses\"\n"
	                "[cloak]\naddresses = [\"10.0.9.5\"]\n"),
	          "");
	EXPECT_EQ(cutBy("[[decoy]]\naddress = \"10.0.9.5\"\nports = [22]\n"),
	          "");
	EXPECT_NE(cutBy("[[decoy]]\naddress = \"10.0.9.5\"\nports = [23]\n"),
	          "");
}

TEST(Cut, IsBelowWhatTheSessionComesBy)
{
	Host host = cloakedHost();
	HostInterface vlan;
	HostInterface bridge;
	vlan.name = "vlan";
	vlan.index = 3;
	vlan.lower = 2;
	bridge.name = "br0";
	bridge.index = 4;
	host.interfaces.push_back(vlan);
	host.interfaces.push_back(bridge);
	host.interfaces[0].master = 4;
	const auto cut = [&host](const std::string &more, unsigned ifindex) {
		const ParsedPolicy parsed =
		    readPolicy("[[interface]]\nname = \"eth0\"\n" + more);
		const auto cuts = cutsOf(parsed.policy,
		                         compilePolicy(parsed.policy, host, {}),
		                         kSession, {ifindex, kMac}, host);
		return cuts.empty() ? "" : cuts.front().reason;
	};

	for (const unsigned ifindex : {2U, 3U, 4U}) {
		EXPECT_EQ(cut("", ifindex),
		          "10.0.9.66 is not authorised, and eth0 is cloaked");
		EXPECT_EQ(cut(peers(""), ifindex), "");
	}
	EXPECT_EQ(cut("", 5), "");
}

TEST(Cut, IsNewAtAnotherInterface)
{
	const Cut one{kSession, "", 2};
	const Cut other{kSession, "", 3};

	EXPECT_FALSE(firstNew({one, other}, {other, one}));
	EXPECT_EQ(firstNew({one, other}, {one})->carrier, 3U);
	EXPECT_EQ(firstNew({one, other}, {})->carrier, 2U);
}

std::string table(const std::string &keys)
{
	return peers("") + "[[table]]\naddress = \"10.0.9.5\"\n" + keys;
}

TEST(Cut, IsWhoRulesDrop)
{
	EXPECT_EQ(cutBy(table("")), "");
	EXPECT_EQ(cutBy(table("default = \"drop\"\n")),
	          "the rules for 10.0.9.5 drop what comes in");
	EXPECT_EQ(cutBy(table("default = \"drop\"\n[[table.rule]]\n"
	                      "verdict = \"allow\"\nprotocol = \"tcp\"\n"
	                      "destination_port = 22\n")),
	          "the rules for 10.0.9.5 drop what goes out");
	EXPECT_EQ(cutBy("mode = \"addresses\"\n" +
	                table("[[table.rule]]\nverdict = \"reject\"\n")),
	          "the rules for 10.0.9.5 drop what comes in");
	EXPECT_EQ(cutBy(table("default = \"drop\"\n[[table.rule]]\n"
	                      "verdict = \"allow\"\nstate = \"established\"\n"
	                      "direction = \"both\"\n")),
	          "");
	EXPECT_EQ(cutBy(table("default = \"drop\"\naction = \"monitor\"\n")),
	          "");
	EXPECT_EQ(cutBy(table("[[table.rule]]\nverdict = \"drop\"\n"
	                      "direction = \"both\"\naction = \"monitor\"\n")),
	          "");
}

/** Which of these rules decides about the session; 0: none. */
std::uint32_t decidedBy(const std::string &rules)
{
	const ParsedPolicy parsed = parsePolicy(
	    "[[table]]\naddress = \"10.0.9.5\"\nrule = [\n" + rules + "]\n");
	const TcpSegment segment{RuleDirection::In,
	                         ip("10.0.9.66"),
	                         ip("10.0.9.5"),
	                         50000,
	                         22,
	                         "eth0",
	                         kMac};

	EXPECT_TRUE(parsed.errors.empty()) << rules;
	const TablePolicy &policy = parsed.policy.tables.at(0);
	const RulePolicy *rule = decide(policy, segment);
	return rule == nullptr
	           ? 0
	           : static_cast<std::uint32_t>(rule - policy.rules.data() + 1);
}

TEST(Rule, DecidesIfAllIsSo)
{
	const std::string no =
	    "{verdict = \"drop\", source = \"10.0.8.0/24\"},\n"
	    "{verdict = \"drop\", protocol = \"udp\"},\n"
	    "{verdict = \"drop\", protocol = \"tcp\", source_port = 22},\n"
	    "{verdict = \"drop\", protocol = \"tcp\", tcp_flags = \"syn\"},\n"
	    "{verdict = \"drop\", mac = \"52:54:00:00:00:67\"},\n"
	    "{verdict = \"drop\", vlan = 7},\n"
	    "{verdict = \"drop\", state = \"new\"},\n"
	    "{verdict = \"drop\", direction = \"out\"},\n"
	    "{verdict = \"log\"},\n";

	EXPECT_EQ(decidedBy(no), 0U);
	EXPECT_EQ(decidedBy(no + "{verdict = \"allow\", protocol = \"tcp\","
	                         " tcp_flags = \"ack,!syn\","
	                         " destination_port = \"20-30\","
	                         " state = \"established\","
	                         " mac = \"52:54:00:00:00:66\"},\n"),
	          10U);
}

TEST(Rule, DecidesByPriority)
{
	EXPECT_EQ(decidedBy("{verdict = \"drop\"},\n"
	                    "{verdict = \"allow\"},\n"
	                    "{verdict = \"allow\", priority = 7},\n"
	                    "{verdict = \"drop\", priority = 7},\n"),
	          3U);
}

TEST(Remember, ConnectionsOfTablesThatAsk)
{
	const auto keysOf = [](const std::string &rule) {
		return askedFor(
		    parsePolicy("[[table]]\naddress = \"10.0.9.6\"\n"
		                "rule = [{verdict = \"drop\"}]\n"
		                "[[table]]\naddress = \"10.0.9.5\"\n"
		                "rule = [" +
		                rule + "]\n")
			.policy,
		    {kSession,
		     {ip("10.0.9.6"), 22, ip("10.0.9.66"), 50000, 0}});
	};
	const auto keys =
	    keysOf("{verdict = \"allow\", state = \"established\"}");

	EXPECT_TRUE(keysOf("{verdict = \"allow\"}").empty());
	ASSERT_EQ(keys.size(), 1U);
	EXPECT_EQ(fromAbi(keys[0].local_addr), ip("10.0.9.5"));
	EXPECT_EQ(fromAbi(keys[0].remote_addr), ip("10.0.9.66"));
	EXPECT_EQ(keys[0].local, 22);
	EXPECT_EQ(keys[0].remote, 50000);
	EXPECT_EQ(keys[0].protocol, 6);
	EXPECT_EQ(keys[0].kind, CLOAK_FLOW_PORTS);
}

TEST(Remember, ConnectionsWithPeersThatMayButAnswer)
{
	const Policy policy =
	    parsePolicy("[[interface]]\nname = \"eth0\"\n"
	                "[[peers]]\nname = \"a\"\n"
	                "prefixes = [\"10.0.9.0/24\"]\n"
	                "[[peers]]\nname = \"b\"\naccess = \"outbound\"\n"
	                "prefixes = [\"10.0.9.66\"]\n")
		.policy;
	const auto keys =
	    answeredBy(compilePolicy(policy, {}, {}),
	               {{ip("10.0.9.5"), 50000, ip("10.0.9.67"), 22, 0},
	                kSession,
	                {ip("10.0.9.5"), 50001, ip("10.0.9.66"), 22, 0},
	                {ip("10.0.9.5"), 50002, ip("10.0.8.66"), 22, 0}},
	               {22});

	ASSERT_EQ(keys.size(), 1U);
	EXPECT_EQ(fromAbi(keys[0].remote_addr), ip("10.0.9.66"));
	EXPECT_EQ(keys[0].local, 50001) << "not one that the other has begun";
	EXPECT_EQ(keys[0].remote, 22);
	EXPECT_EQ(keys[0].kind, CLOAK_FLOW_PORTS);
}

TEST(SessionGuard, ReadsWhatItWrites)
{
	const Engine engine({});
	Request request;

	request.arguments["sessions"] = sessionsToJson({kSession});
	auto guard = guardSessions(engine, request);
	ASSERT_TRUE(guard);
	EXPECT_TRUE(*guard);
}

TEST(SessionGuard, TellsTheInterface)
{
	Connection session = kSession;

	session.ifindex = 7;
	EXPECT_EQ(sessionsToJson({session})[0]["interface"], 7U);
}

TEST(SessionGuard, DoesNothingWithoutSessions)
{
	const Engine engine({});
	Request request;

	auto guard = guardSessions(engine, request);
	ASSERT_TRUE(guard);
	EXPECT_FALSE(*guard);
}

TEST(SessionGuard, MindsLoginsForWhoHasNoSession)
{
	const Engine engine({});

	for (auto *make : {guardSessions, guardGranted}) {
		Request request;
		auto guard = make(engine, request);
		ASSERT_TRUE(guard);
		EXPECT_FALSE(*guard);
		request.arguments["sessions"] = nlohmann::json::array();
		guard = make(engine, request);
		ASSERT_TRUE(guard);
		EXPECT_TRUE(*guard);
	}
}

TEST(SessionGuard, SaysWhatToDo)
{
	EXPECT_EQ(loginRefusal({kSession, "so it is"}, "this"),
	          "nothing was changed: it would cut the login session from "
	          "10.0.9.66 port 50000 to 10.0.9.5 port 22: so it is; "
	          "if that is meant, or nobody has logged in by it, say this; "
	          "else authorise it, or take its port out of \"logins\" "
	          "under [cloak]");
	EXPECT_EQ(blindRefusal(Error("no sight"), "this"),
	          "nothing was changed: whom it would cut off cannot be seen: "
	          "no sight; if that does not matter, say this");
}

TEST(SessionGuard, RefusesWhatIsNone)
{
	const Engine engine({});

	for (const char *list :
	     {"7", "{}", "[7]", "[{}]",
	      R"([{"local":"a","local_port":1,"peer":"::1","peer_port":1}])",
	      R"([{"local":"::1","local_port":-1,"peer":"::1","peer_port":1}])",
	      R"([{"local":"::1","local_port":1,"peer":"::1"}])",
	      R"([{"local":"::1","local_port":1,"peer":"::1","peer_port":1,
	           "interface":"eth0"}])",
	      R"([{"local":"::1","local_port":1,"peer":"::1","peer_port":1,
	           "interface":4294967296}])"}) {
		Request request;

		request.arguments["sessions"] = nlohmann::json::parse(list);
		EXPECT_FALSE(guardSessions(engine, request)) << list;
	}
}

} // namespace
} // namespace cloak
