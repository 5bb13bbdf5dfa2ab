// SPDX-License-Identifier: Apache-2.0
#include "host/nvmet_proposal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "policy/parse.h"
#include "tests/unit/ip.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

/** A folder that looks as configfs does. */
class NvmetPortsTest : public testing::Test
{
protected:
	void SetUp() override
	{
		root_ = testing::TempDir() + "cloak-configfs-" +
		        std::to_string(getpid());
		fs::create_directories(root_);
	}
	void TearDown() override { fs::remove_all(root_); }

	void addPort(const std::string &id, const std::string &type,
	             const std::string &address, const std::string &service,
	             const std::string &subsystem = "nqn.test")
	{
		const fs::path port = root_ / "nvmet" / "ports" / id;

		fs::create_directories(port / "subsystems" / subsystem);
		std::ofstream(port / "addr_trtype") << type << "\n";
		std::ofstream(port / "addr_traddr") << address << "\n";
		std::ofstream(port / "addr_trsvcid") << service << "\n";
	}

	fs::path root_;
};

TEST_F(NvmetPortsTest, ReadsThoseServedByTcp)
{
	addPort("2", "tcp", "2001:db8::5", "8009");
	addPort("1", "tcp", "10.0.9.5", "4420");
	addPort("3", "rdma", "10.0.9.5", "4420");

	auto found = readNvmetPorts(root_);
	ASSERT_TRUE(found);
	ASSERT_EQ(found->ports.size(), 2U);
	EXPECT_EQ(found->ports[0].id, "1");
	EXPECT_EQ(found->ports[0].address, ip("10.0.9.5"));
	EXPECT_EQ(found->ports[0].service, 4420);
	EXPECT_EQ(found->ports[0].subsystems, Lines{"nqn.test"});
	EXPECT_FALSE(found->ports[0].isAny());
	EXPECT_EQ(found->ports[1].address, ip("2001:db8::5"));
	EXPECT_EQ(found->warnings, Lines{});
}

TEST_F(NvmetPortsTest, LeavesOutWhatIsNotSetUp)
{
	addPort("1", "tcp", "", "");
	addPort("2", "tcp", "10.0.9.5", "70000");

	auto found = readNvmetPorts(root_);
	ASSERT_TRUE(found);
	EXPECT_TRUE(found->ports.empty());
	EXPECT_EQ(found->warnings.size(), 2U);
}

TEST_F(NvmetPortsTest, NeedsNoTarget)
{
	auto found = readNvmetPorts(root_);

	ASSERT_TRUE(found);
	EXPECT_TRUE(found->ports.empty());
}

/** Two interfaces with a wire, and the loopback. */
Host hostOfTest()
{
	return {{{"lo", 1, {}, {*parsePrefix("127.0.0.1/8")}},
	         {"eth0",
	          2,
	          {},
	          {*parsePrefix("10.0.9.5/24"), *parsePrefix("fe80::5/64")}},
	         {"eth1", 3, {}, {*parsePrefix("2001:db8::5/64")}}}};
}

NvmetPorts portsOf(const char *address, std::uint16_t service)
{
	return {{{"1", ip(address), service, {"nqn.test"}}}, {}};
}

std::optional<IpAddress> sameWire(const IpAddress &, const IpAddress &)
{
	return std::nullopt;
}

std::string proposed(const NvmetPorts &ports,
                     const std::vector<Connection> &connections = {})
{
	return renderProposal(
	    proposeFor(ports, hostOfTest(), connections, sameWire), true);
}

TEST(NvmetProposal, LeavesOutWhatCannotBeCloaked)
{
	Host host = hostOfTest();

	host.interfaces[1].ethernet = false;
	const auto proposal =
	    proposeFor(portsOf("10.0.9.5", 4420), host, {}, sameWire);
	EXPECT_TRUE(proposal.services.empty());
	EXPECT_TRUE(proposal.interfaces.empty());
}

TEST(NvmetProposal, NamesWhatThePortsAre)
{
	const auto parsed = readPolicy(proposed(portsOf("10.0.9.5", 4420)));

	ASSERT_TRUE(parsed.errors.empty());
	const Policy &policy = parsed.policy;
	ASSERT_EQ(policy.interfaces.size(), 1U);
	EXPECT_EQ(policy.interfaces[0].name.value, "eth0");
	EXPECT_EQ(policy.interfaces[0].scope.value, CLOAK_SCOPE_ADDRESSES);
	EXPECT_EQ(policy.interfaces[0].action, CLOAK_MODE_ENFORCE);
	ASSERT_EQ(policy.addresses.size(), 1U);
	EXPECT_EQ(policy.addresses[0].value, ip("10.0.9.5"));
	EXPECT_TRUE(policy.peers.empty());
	ASSERT_EQ(policy.tables.size(), 1U);
	EXPECT_EQ(policy.tables[0].verdict, CLOAK_RULE_DROP);
	EXPECT_EQ(policy.tables[0].rules[0].destinationPorts,
	          (std::vector<PortRange>{{4420, 4420}}));
}

TEST(NvmetProposal, WatchesUnlessToldToEnforce)
{
	const auto text = renderProposal(
	    proposeFor(portsOf("10.0.9.5", 4420), hostOfTest(), {}, sameWire),
	    false);

	EXPECT_EQ(readPolicy(text).policy.interfaces[0].action,
	          CLOAK_MODE_MONITOR);
	EXPECT_EQ(readPolicy(text).policy.tables[0].action, CLOAK_MODE_MONITOR);
}

TEST(NvmetProposal, ExpandsAnyAddress)
{
	using Addresses = std::map<IpAddress, std::set<std::uint16_t>>;
	const auto servicesOf = [](const NvmetPorts &ports) {
		return proposeFor(ports, hostOfTest(), {}, sameWire).services;
	};

	EXPECT_EQ(servicesOf(portsOf("0.0.0.0", 4420)),
	          (Addresses{{ip("10.0.9.5"), {4420}}}));
	EXPECT_EQ(
	    servicesOf(portsOf("::", 4420)),
	    (Addresses{{ip("10.0.9.5"), {4420}}, {ip("2001:db8::5"), {4420}}}));
}

TEST(NvmetProposal, NamesWhoIsConnected)
{
	const auto proposal =
	    proposeFor(portsOf("10.0.9.5", 4420), hostOfTest(),
	               {{ip("10.0.9.5"), 4420, ip("10.0.9.10"), 50000, 0},
	                {ip("10.0.9.5"), 4420, ip("10.0.9.10"), 50001, 0},
	                {ip("10.0.9.5"), 4420, ip("10.0.7.7"), 50000, 0},
	                {ip("10.0.9.5"), 22, ip("10.0.9.66"), 50000, 0},
	                {ip("2001:db8::5"), 4420, ip("2001:db8::66"), 50000, 0},
	                {ip("10.0.9.5"), 4420, ip("10.0.9.5"), 50000, 0}},
	               [](const IpAddress &, const IpAddress &remote) {
			       return remote == ip("10.0.7.7")
		                          ? std::optional(ip("10.0.9.1"))
		                          : std::nullopt;
		       });

	EXPECT_EQ(proposal.initiators,
	          (std::set{ip("10.0.9.10"), ip("10.0.7.7")}));
	EXPECT_EQ(proposal.gateways, std::set{ip("10.0.9.1")});
	const auto parsed = readPolicy(renderProposal(proposal, true));
	ASSERT_TRUE(parsed.errors.empty());
	EXPECT_EQ(parsed.policy.peers[0].prefixes.size(), 2U);
	EXPECT_EQ(parsed.policy.gateways.size(), 1U);
}

TEST(NvmetProposal, LeavesOutWhatIsNotHere)
{
	for (const char *address : {"10.9.9.9", "127.0.0.1"}) {
		const auto proposal = proposeFor(portsOf(address, 4420),
		                                 hostOfTest(), {}, sameWire);

		EXPECT_TRUE(proposal.services.empty()) << address;
		EXPECT_EQ(proposal.warnings.size(), 1U) << address;
	}
}

TEST(NvmetProposal, QuotesWhatCouldBreakOut)
{
	NvmetPorts ports = portsOf("10.0.9.5", 4420);

	ports.ports[0].subsystems = {"nqn\n[output]\ntext = 7"};
	EXPECT_TRUE(readPolicy(proposed(ports)).errors.empty());
}

} // namespace
} // namespace cloak
