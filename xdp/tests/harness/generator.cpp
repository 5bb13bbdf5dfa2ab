// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/generator.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "tests/harness/hosts.h"
#include "tests/harness/probes.h"

namespace cloak::test
{

namespace
{

constexpr std::size_t kHeader = 14;

} // namespace

Generator::Generator(std::uint32_t seed) : rng_(seed)
{
	for (const Probe &probe : allProbes())
		probes_.push_back(probe.make(kScanner).bytes());
}

Bytes Generator::noise()
{
	Bytes frame(kHeader + pick(200));

	std::ranges::generate(
	    frame, [&] { return static_cast<std::uint8_t>(rng_()); });
	if (pick(2) == 0)
		wear(frame);
	return frame;
}

Bytes Generator::damaged()
{
	Bytes frame = probes_.at(pick(probes_.size()));

	for (std::size_t left = pick(4); left > 0; left--)
		frame.at(kHeader + pick(frame.size() - kHeader)) =
		    static_cast<std::uint8_t>(rng_());
	if (pick(4) == 0)
		frame.resize(kHeader + pick(frame.size() - kHeader));
	return frame;
}

void Generator::wear(Bytes &frame)
{
	constexpr std::array<unsigned, 5> kTypes = {0x0800, 0x0806, 0x86dd,
	                                            0x8100, 0x88a8};
	const unsigned type = kTypes.at(pick(kTypes.size()));

	std::ranges::copy(kLake.mac, frame.begin());
	frame[12] = static_cast<std::uint8_t>(type >> 8U);
	frame[13] = static_cast<std::uint8_t>(type);
	if (frame.size() > kHeader)
		frame[14] = type == 0x86dd ? 0x60 : 0x45;
}

bool namesAPeer(const Bytes &frame)
{
	const auto has = [&](const auto &addr) {
		return memmem(frame.data(), frame.size(), addr.data(),
		              addr.size()) != nullptr;
	};
	const std::array<std::uint8_t, 3> routed = {198, 51, 100};

	return has(kPeer.v4) || has(kPeer.v6) || has(kGateway.v4) ||
	       has(kGateway.linkLocal) || has(kOutbound.v4) ||
	       has(kOutbound.v6) || has(routed);
}

} // namespace cloak::test
