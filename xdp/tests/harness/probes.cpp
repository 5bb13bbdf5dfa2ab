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
