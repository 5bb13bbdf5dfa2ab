// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Receivers from whom the host hides are found, and none else.
 */
#include "host/receiver_warnings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/parse.h"
#include "tests/unit/ip.h"

namespace cloak
{
namespace
{

constexpr unsigned kCloaked = 7;
constexpr unsigned kUncloaked = 8;

Host host()
{
	return {{{"eth1", kCloaked, {}, {{ip("10.0.9.5"), 120}}, false, {}},
	         {"eth2", kUncloaked, {}, {{ip("10.0.8.5"), 120}}, false, {}}}};
}

/** What is 10.0.8.* is behind the interface that is not cloaked. */
std::optional<unsigned> way(const IpAddress &to)
{
	if (to == ip("10.0.7.1"))
		return std::nullopt;
	return Prefix{ip("10.0.8.0"), 120}.contains(to) ? kUncloaked : kCloaked;
}

/** The lines with a warning about a receiver at @p to. */
std::string warned(const std::string &to, const std::string &interface = "",
                   const std::string &more = "", const Host &here = host())
{
	const ParsedPolicy parsed = readPolicy(
	    "[[interface]]\nname = \"eth1\"\n" + interface +
	    "\n[[peers]]\nname = \"some\"\nprefixes = [\"10.0.9.0/28\"]\n" +
	    more + "\n[[syslog]]\nto = \"" + to + "\"\n");
	std::string text;

	for (const Diagnostic &error : parsed.errors)
		ADD_FAILURE() << toString(error, {"policy"});
	const CompiledPolicy compiled = compilePolicy(parsed.policy, here, {});
	for (const std::string &warning :
	     textsOf(warnOfReceivers(parsed.policy, compiled, here, way),
	             {"policy"}))
		text += warning + "\n";
	return text;
}

TEST(ReceiverWarnings, OfOneWhoIsNoPeer)
{
	EXPECT_EQ(warned("tcp://10.0.9.77:514"),
	          "policy:9:6: syslog.to = \"tcp://10.0.9.77:514\": nothing "
	          "reaches 10.0.9.77, as it is none of the [[peers]] and eth1 "
	          "is cloaked\n");
	EXPECT_NE(warned("tcp://10.0.9.10:514", "", "except = [\"10.0.9.10\"]"),
	          "");
	EXPECT_NE(warned("tcp://10.0.9.1:514", "",
	                 "except = [\"10.0.9.1\"]\n[[gateway]]\naddress = "
	                 "\"10.0.9.1\""),
	          "");
}

TEST(ReceiverWarnings, NotOfOneWhoCanBeReached)
{
	EXPECT_EQ(warned("tcp://10.0.9.10:514"), "") << "a peer";
	EXPECT_EQ(warned("tcp://10.0.9.10:514", "", "access = \"outbound\""),
	          "");
	EXPECT_EQ(warned("tcp://10.0.8.77:514"), "") << "by another interface";
	EXPECT_EQ(warned("tcp://10.0.7.1:514"), "") << "nobody knows the way";
	EXPECT_EQ(warned("tcp://log.example.org:514"), "");
	EXPECT_EQ(warned("tcp://10.0.9.77:514", "action = \"monitor\""), "");
	EXPECT_EQ(warned("tcp://10.0.9.77:514", "mode = \"addresses\"",
	                 "[cloak]\naddresses = [\"10.0.9.5\"]"),
	          "");
}

TEST(ReceiverWarnings, OfWhatIsBelow)
{
	Host below = host();

	below.interfaces[1].lower = kCloaked;
	EXPECT_NE(warned("tcp://10.0.8.77:514", "", "", below), "")
	    << "a VLAN on what is cloaked";
	EXPECT_EQ(
	    warned("tcp://10.0.8.77:514", "action = \"monitor\"", "", below),
	    "");
	below = host();
	below.interfaces[0].master = kUncloaked;
	EXPECT_NE(warned("tcp://10.0.8.77:514", "", "", below), "")
	    << "a bridge with one port";
	HostInterface open;
	open.name = "eth3";
	open.index = kUncloaked + 1;
	open.master = kUncloaked;
	below.interfaces.push_back(open);
	EXPECT_EQ(warned("tcp://10.0.8.77:514", "", "", below), "")
	    << "it may be behind the other port";
}

} // namespace
} // namespace cloak
