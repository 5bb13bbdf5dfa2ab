// SPDX-License-Identifier: Apache-2.0
#include "model/address.h"

#include <gtest/gtest.h>

namespace cloak
{
namespace
{

TEST(MacAddress, ReadsAndWrites)
{
	EXPECT_EQ(toString(*parseMac("52:54:00:Aa:bB:0f")),
	          "52:54:00:aa:bb:0f");
	EXPECT_EQ(toString(*parseMac("52-54-00-12-34-56")),
	          "52:54:00:12:34:56");
}

TEST(MacAddress, RefusesTheRest)
{
	for (const char *text :
	     {"", "52:54:00:12:34", "52:54:00:12:34:56:78", "525400123456",
	      "52:54:00:12:34:5g", "52:54-00:12:34:56", "52:54:00:12:34: 6",
	      "52:54:00:12:34:+6", "5:254:00:12:34:56"})
		EXPECT_FALSE(parseMac(text)) << text;
}

TEST(IpAddress, ReadsAndWrites)
{
	for (const char *text : {"0.0.0.0", "10.0.9.5", "255.255.255.255", "::",
	                         "::1", "2001:db8::5", "fe80::1234:5678:9abc"})
		EXPECT_EQ(toString(*parseIp(text)), text);
	EXPECT_EQ(toString(*parseIp("2001:0DB8:0:0::5")), "2001:db8::5");
}

TEST(IpAddress, MappedIsTheSameAsIpv4)
{
	EXPECT_EQ(parseIp("::ffff:10.0.9.5"), parseIp("10.0.9.5"));
	EXPECT_TRUE(parseIp("::ffff:10.0.9.5")->isV4());
	EXPECT_FALSE(parseIp("::10.0.9.5")->isV4());
}

TEST(IpAddress, RefusesTheRest)
{
	for (const char *text :
	     {"", "10.0.9", "10.0.9.256", "10.0.9.5.6", "010.0.9.5 ", "host",
	      "2001:db8::5::", "2001:db8::5%eth0", "1:2:3:4:5:6:7:8:9"})
		EXPECT_FALSE(parseIp(text)) << text;
	EXPECT_FALSE(parseIp(std::string_view("10.0.9.5\0", 9)));
	EXPECT_FALSE(parseIp(std::string(1000, '1')));
}

TEST(IpAddress, KnowsGroups)
{
	EXPECT_TRUE(parseIp("224.0.0.1")->isGroup());
	EXPECT_TRUE(parseIp("239.255.255.250")->isGroup());
	EXPECT_TRUE(parseIp("255.255.255.255")->isGroup());
	EXPECT_TRUE(parseIp("ff02::1")->isGroup());
	EXPECT_FALSE(parseIp("10.0.9.255")->isGroup());
	EXPECT_FALSE(parseIp("2001:db8::ff")->isGroup());
}

TEST(Prefix, ReadsAndWrites)
{
	for (const char *text : {"10.0.9.0/24", "0.0.0.0/0", "10.0.9.5",
	                         "2001:db8::/64", "::/0", "2001:db8::5"})
		EXPECT_EQ(toString(*parsePrefix(text)), text);
	EXPECT_EQ(toString(*parsePrefix("10.0.9.5/32")), "10.0.9.5");
}

TEST(Prefix, RefusesTheRest)
{
	for (const char *text :
	     {"", "/", "10.0.9.0/", "10.0.9.0/33", "/24", "10.0.9.0/-1",
	      "10.0.9.0/24/8", "10.0.9.0/ 24", "2001:db8::/129",
	      "10.0.9.0/255.255.255.0", "10.0.9.0/0x18", "10.0.9.0/256"})
		EXPECT_FALSE(parsePrefix(text)) << text;
}

TEST(Prefix, NetworkHasNoHostBits)
{
	EXPECT_EQ(toString(parsePrefix("10.0.9.5/24")->network()),
	          "10.0.9.0/24");
	EXPECT_EQ(toString(parsePrefix("10.0.9.255/27")->network()),
	          "10.0.9.224/27");
	EXPECT_EQ(toString(parsePrefix("10.0.9.5/0")->network()), "0.0.0.0/0");
	EXPECT_EQ(toString(parsePrefix("2001:db8::5/33")->network()),
	          "2001:db8::/33");
}

TEST(Prefix, ContainsWhatLiesInIt)
{
	const Prefix net = *parsePrefix("10.0.9.0/27");

	EXPECT_TRUE(net.contains(*parseIp("10.0.9.0")));
	EXPECT_TRUE(net.contains(*parseIp("10.0.9.31")));
	EXPECT_FALSE(net.contains(*parseIp("10.0.9.32")));
	EXPECT_FALSE(net.contains(*parseIp("2001:db8::5")));
	EXPECT_TRUE(net.contains(net));
	EXPECT_TRUE(net.contains(*parsePrefix("10.0.9.16/28")));
	EXPECT_FALSE(net.contains(*parsePrefix("10.0.9.0/26")));
}

TEST(Prefix, NeverCrossesFamilies)
{
	EXPECT_FALSE(parsePrefix("::/0")->contains(*parseIp("10.0.9.5")));
	EXPECT_TRUE(parsePrefix("::/0")->contains(*parseIp("2001:db8::5")));
	EXPECT_FALSE(parsePrefix("0.0.0.0/0")->contains(*parseIp("::1")));
	EXPECT_TRUE(parsePrefix("0.0.0.0/0")->contains(*parseIp("10.0.9.5")));
}

TEST(Abi, AddressesSurviveBothWays)
{
	for (const char *text :
	     {"10.0.9.0/24", "0.0.0.0/0", "2001:db8::/64", "::/0", "::1"}) {
		const Prefix prefix = *parsePrefix(text);
		EXPECT_EQ(fromAbi(toAbi(prefix)), prefix);
	}
	EXPECT_EQ(toAbi(*parsePrefix("10.0.9.0/24")).bits, 120U);
	EXPECT_EQ(toAbi(*parseIp("10.0.9.5")).bytes[12], 10U);
	EXPECT_EQ(toAbi(*parseIp("10.0.9.5")).bytes[10], 0xffU);
}

} // namespace
} // namespace cloak
