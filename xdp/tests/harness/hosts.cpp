// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/hosts.h"

namespace cloak::test
{

namespace
{

Host hostOf(std::uint8_t number)
{
	Host host;

	host.mac = {0x02, 0, 0, 0, 0, number};
	host.v4 = {192, 0, 2, number};
	// 10 is written ::10, as a person would
	const auto digits =
	    static_cast<std::uint8_t>(number / 10 * 16 + number % 10);
	host.v6 = v6("2001:db8::");
	host.v6.back() = digits;
	host.linkLocal = v6("fe80::");
	host.linkLocal.back() = digits;
	return host;
}

} // namespace

const Host kLake = hostOf(5);
const Host kPeer = hostOf(10);
const Host kScanner = hostOf(66);
const Host kGateway = hostOf(1);
const Host kOutbound = hostOf(53);

} // namespace cloak::test
