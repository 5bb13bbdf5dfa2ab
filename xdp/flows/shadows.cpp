// SPDX-License-Identifier: Apache-2.0
#include "flows/shadows.h"

#include <algorithm>
#include <array>

#include "bpf/batch.h"

namespace cloak
{
namespace
{

std::uint64_t toAbi(BootTime time)
{
	return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

/** The data plane opens the gate behind each new entry; so do we. */
Status openGate(const CloakMaps &maps)
{
	return maps.gates.put(CLOAK_GATE_SHADOWS, 1);
}

/** An entry made meanwhile opens it again, at the latest here. */
Status shutGate(const CloakMaps &maps)
{
	auto shut = maps.gates.put(CLOAK_GATE_SHADOWS, 0);

	if (!shut)
		return shut;
	auto left = readBatch(maps.shadows, 1);
	if (!left)
		return left.error();
	return left->empty() ? Status() : openGate(maps);
}

} // namespace

Result<std::vector<Shadow>> listShadows(const CloakMaps &maps, BootTime now)
{
	auto entries = readBatch(maps.shadows, CLOAK_MAX_SHADOWS);
	std::vector<Shadow> found;

	if (!entries)
		return entries.error();
	for (const auto &[address, account] : *entries)
		if (account.until_ns > toAbi(now))
			found.push_back({fromAbi(address), account});
	std::ranges::sort(found, [](const Shadow &one, const Shadow &other) {
		return std::pair(one.account.since_ns, one.source) <
		       std::pair(other.account.since_ns, other.source);
	});
	return found;
}

Result<std::optional<Shadow>> findShadow(const CloakMaps &maps,
                                         const IpAddress &source, BootTime now)
{
	auto account = maps.shadows.get(cloak::toAbi(source));

	if (!account)
		return account.error();
	if (!*account || (*account)->until_ns <= toAbi(now))
		return std::optional<Shadow>();
	return std::optional(Shadow{source, **account});
}

Result<BootTime> addShadow(const CloakMaps &maps, const IpAddress &source,
                           BootTime now, std::chrono::nanoseconds time)
{
	const cloak_addr key = cloak::toAbi(source);
	auto known = maps.shadows.get(key);

	if (!known)
		return known.error();
	cloak_shadow shadow = known->value_or(cloak_shadow{});
	if (!*known)
		shadow.since_ns = toAbi(now);
	shadow.until_ns = std::max<__u64>(shadow.until_ns, toAbi(now + time));
	shadow.causes |= 1U << CLOAK_SHADOW_MANUAL;
	if (auto added = maps.shadows.put(key, shadow); !added)
		return added.error();
	if (auto opened = openGate(maps); !opened)
		return opened.error();
	return BootClock::fromNanoseconds(shadow.until_ns);
}

Result<bool> dropShadow(const CloakMaps &maps, const IpAddress &source)
{
	return maps.shadows.erase(cloak::toAbi(source));
}

Result<std::size_t> expireShadows(const CloakMaps &maps, BootTime now)
{
	auto gate = maps.gates.get(CLOAK_GATE_SHADOWS);

	if (!gate)
		return gate.error();
	if (gate->value_or(0) == 0)
		return std::size_t{0};
	auto entries = readBatch(maps.shadows, CLOAK_MAX_SHADOWS);
	if (!entries)
		return entries.error();
	std::size_t left = 0;
	for (const auto &[address, account] : *entries) {
		if (account.until_ns > toAbi(now)) {
			++left;
			continue;
		}
		auto erased = maps.shadows.erase(address);
		if (!erased)
			return erased.error();
	}
	if (left == 0) {
		auto shut = shutGate(maps);
		if (!shut)
			return shut.error();
	}
	return left;
}

std::vector<std::string> causeNames(std::uint32_t causes)
{
	constexpr std::array<const char *, 4> names = {"probe", "decoy", "rule",
	                                               "manual"};
	std::vector<std::string> found;

	for (unsigned bit = 0; bit < names.size(); ++bit)
		if ((causes >> bit & 1U) != 0)
			found.emplace_back(names.at(bit));
	return found;
}

} // namespace cloak
