// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/probes.h"

#include "tests/harness/probe_frames.h"
#include "tests/harness/probe_lists.h"

namespace cloak::test
{

Packet syn(const Host &from)
{
	return toLake(from) / ipv4(from) / Tcp{};
}

Packet arp(const Host &from, const Mac &sha)
{
	return Ethernet{.src = from.mac, .dst = kBroadcast} /
	       Arp{.sha = sha, .spa = from.v4, .tpa = kLake.v4};
}

Packet arp(const Host &from)
{
	return arp(from, from.mac);
}

const std::vector<Probe> &allProbes()
{
	static const std::vector<Probe> probes = [] {
		std::vector<Probe> all;

		for (const auto &some :
		     {arpProbes(), ndProbes(), pingProbes(), tcpProbes(),
		      otherProbes(), moreProbes(), linkLocalProbes(),
		      backgroundProbes()})
			all.insert(all.end(), some.begin(), some.end());
		return all;
	}();

	return probes;
}

} // namespace cloak::test
