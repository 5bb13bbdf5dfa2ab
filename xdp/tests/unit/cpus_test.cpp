// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "bpf/cpus.h"

namespace cloak
{
namespace
{

using Cpus = std::vector<unsigned>;

TEST(CpuList, NumbersAndRanges)
{
	EXPECT_EQ(parseCpuList("0\n"), Cpus({0}));
	EXPECT_EQ(parseCpuList("0-3,5,7-8\n"), Cpus({0, 1, 2, 3, 5, 7, 8}));
	EXPECT_EQ(parseCpuList("65535"), Cpus({65535}));
}

TEST(CpuList, WhatIsNone)
{
	for (const char *text :
	     {"", "\n", "a", "0-", "-1", "0,", "3-1", "0 1", "65536",
	      "0-4294967295", "99999999999", "0\n\n"})
		EXPECT_FALSE(parseCpuList(text)) << '"' << text << '"';
}

} // namespace
} // namespace cloak
