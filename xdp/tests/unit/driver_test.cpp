// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <net/if.h>

#include <cerrno>

#include "bpf/driver.h"

namespace cloak
{
namespace
{

TEST(Driver, OfAnInterface)
{
	const auto loopback = driverOf(if_nametoindex("lo"));

	ASSERT_TRUE(loopback.ok()) << loopback.error().message();
	EXPECT_EQ(*loopback, "");
}

TEST(Driver, OfNoInterface)
{
	const auto gone = driverOf(0x7fffffff);

	ASSERT_FALSE(gone.ok());
	EXPECT_EQ(gone.error().code(), ENODEV);
}

TEST(Driver, ThatHandsNativeProgramsOn)
{
	for (const char *name : {"bonding", "hv_netvsc"}) {
		EXPECT_EQ(*choiceWith(name, XdpChoice::Auto),
		          XdpChoice::Generic);
		EXPECT_EQ(*choiceWith(name, XdpChoice::Generic),
		          XdpChoice::Generic);
		const auto refused = choiceWith(name, XdpChoice::Native);
		ASSERT_FALSE(refused.ok());
		EXPECT_NE(refused.error().message().find(name),
		          std::string::npos);
	}
}

TEST(Driver, ThatDoesNot)
{
	for (const char *name : {"", "veth", "bond", "mlx5_core"})
		for (const XdpChoice choice :
		     {XdpChoice::Auto, XdpChoice::Native, XdpChoice::Generic})
			EXPECT_EQ(*choiceWith(name, choice), choice) << name;
}

} // namespace
} // namespace cloak
