// SPDX-License-Identifier: Apache-2.0
#include "flows/shadows.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>

#include "bpf/batch.h"

namespace cloak
{
namespace
{

constexpr std::uint32_t kManual = 1U << CLOAK_SHADOW_MANUAL;
constexpr std::uint32_t kDecoy = 1U << CLOAK_SHADOW_DECOY;

constexpr std::size_t kCrowdedShadows = CLOAK_MAX_SHADOWS / 4 * 3;
constexpr std::size_t kComfortableShadows = CLOAK_MAX_SHADOWS / 2;

using ShadowEntry = std::pair<cloak_addr, cloak_shadow>;

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

/**
 * Prolongs a shadow that is there, by what @p shadow says, and puts into that
 * what is there then. @returns false if it has come and gone meanwhile. The
 * kernel has no call that changes a part of an entry whose other parts it
 * counts in, so nothing is written where nothing has to change. Else what is
 * counted between reading and writing, in some microseconds, is missing in this
 * account; the records of its flows have it.
 */
Result<bool> renewShadow(const CloakMaps &maps, const IpAddress &source,
                         cloak_shadow &shadow)
{
	const cloak_addr key = cloak::toAbi(source);
	auto known = maps.shadows.get(key);

	if (!known)
		return known.error();
	// Its time was over a moment ago.
	if (!*known)
		return maps.shadows.add(key, shadow);
	cloak_shadow fresh = **known;
	fresh.until_ns = std::max(fresh.until_ns, shadow.until_ns);
	fresh.causes |= shadow.causes;
	shadow = fresh;
	if (fresh.until_ns == (*known)->until_ns &&
	    fresh.causes == (*known)->causes)
		return true;
	auto written = maps.shadows.put(key, fresh);
	if (!written)
		return written.error();
	return true;
}

/**
 * Puts it back if the data plane has renewed it since it was read.
 * @returns whether it is out.
 */
Result<bool> takeOut(const CloakMaps &maps, const cloak_addr &address,
                     std::uint64_t until)
{
	const int fd = maps.shadows.fd();
	cloak_shadow last{};

	if (bpf_map_lookup_and_delete_elem(fd, &address, &last) != 0)
		return errno == ENOENT ? Result<bool>(false)
		                       : Error::fromErrno("cannot take from "
		                                          "map shadows");
	if (last.until_ns <= until)
		return true;
	auto renewed = maps.shadows.add(address, last);
	return renewed ? Result<bool>(false) : renewed.error();
}

/** Those who have touched a decoy last, and each longest silent first. */
bool isLessWantedShadow(const ShadowEntry &one, const ShadowEntry &other)
{
	const auto rank = [](const cloak_shadow &account) {
		return std::pair(account.causes & kDecoy, account.until_ns);
	};

	return rank(one.second) < rank(other.second);
}

/** Who may go for another; at most @p count. */
std::vector<ShadowEntry> leastWanted(std::vector<ShadowEntry> going,
                                     std::size_t count)
{
	std::erase_if(going, [](const ShadowEntry &entry) {
		return (entry.second.causes & kManual) != 0;
	});
	const auto most = std::min(count, going.size());
	const auto end = going.begin() + static_cast<std::ptrdiff_t>(most);
	std::partial_sort(going.begin(), end, going.end(), isLessWantedShadow);
	going.erase(end, going.end());
	return going;
}

/** @returns how many are taken out. */
Result<std::size_t> makeRoom(const CloakMaps &maps,
                             std::vector<ShadowEntry> going)
{
	std::size_t out = 0;

	if (going.size() < kCrowdedShadows)
		return out;
	const std::size_t count = going.size() - kComfortableShadows;
	for (const auto &[address, account] :
	     leastWanted(std::move(going), count)) {
		auto taken = takeOut(maps, address, account.until_ns);
		if (!taken)
			return taken.error();
		out += *taken ? 1U : 0U;
	}
	return out;
}

} // namespace

Result<std::vector<Shadow>> listShadows(const CloakMaps &maps, BootTime now)
{
	auto entries = readBatch(maps.shadows, CLOAK_MAX_SHADOWS);
	std::vector<Shadow> found;

	if (!entries)
		return entries.error();
	for (auto &[address, account] : *entries) {
		if (account.until_ns <= toAbi(now))
			continue;
		cloak_shadow_sum(&account);
		found.push_back({fromAbi(address), account});
	}
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
	cloak_shadow_sum(&**account);
	return std::optional(Shadow{source, **account});
}

Result<BootTime> addShadow(const CloakMaps &maps, const IpAddress &source,
                           BootTime now, std::chrono::nanoseconds time)
{
	cloak_shadow shadow{};

	shadow.since_ns = toAbi(now);
	shadow.until_ns = toAbi(now + time);
	shadow.causes = kManual;
	auto added = maps.shadows.add(cloak::toAbi(source), shadow);
	while (added && !*added)
		added = renewShadow(maps, source, shadow);
	if (!added)
		return added.error();
	if (auto opened = openGate(maps); !opened)
		return opened.error();
	return BootClock::fromNanoseconds(shadow.until_ns);
}

Result<bool> dropShadow(const CloakMaps &maps, const IpAddress &source)
{
	return maps.shadows.erase(cloak::toAbi(source));
}

Result<ShadowCount> expireShadows(const CloakMaps &maps, BootTime now)
{
	auto gate = maps.gates.get(CLOAK_GATE_SHADOWS);

	if (!gate)
		return gate.error();
	if (gate->value_or(0) == 0)
		return ShadowCount();
	auto entries = readBatch(maps.shadows, CLOAK_MAX_SHADOWS);
	if (!entries)
		return entries.error();
	std::vector<ShadowEntry> going;
	for (const ShadowEntry &entry : *entries) {
		if (entry.second.until_ns > toAbi(now)) {
			going.push_back(entry);
			continue;
		}
		auto taken = takeOut(maps, entry.first, toAbi(now));
		if (!taken)
			return taken.error();
	}
	const std::size_t left = going.size();
	auto out = makeRoom(maps, std::move(going));
	if (!out)
		return out.error();
	if (left == 0) {
		auto shut = shutGate(maps);
		if (!shut)
			return shut.error();
	}
	return ShadowCount{left - *out, *out};
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
