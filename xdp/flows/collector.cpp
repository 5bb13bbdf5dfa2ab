// SPDX-License-Identifier: Apache-2.0
#include "flows/collector.h"

#include <netinet/in.h>

#include <algorithm>

#include "bpf/records.h"

namespace cloak
{
namespace
{

/** A connection that was closed may still have a packet or two to come. */
constexpr std::chrono::seconds kLinger(2);

/** From so many records on room is made, down to the other number. */
constexpr std::size_t kCrowded = CLOAK_MAX_RECORDS / 4 * 3;
constexpr std::size_t kComfortable = CLOAK_MAX_RECORDS / 2;

constexpr std::uint8_t kFin = 1;
constexpr std::uint8_t kRst = 4;

bool isClosed(const cloak_record_key &key, const cloak_record &record)
{
	const auto &flags = record.tcp_flags;

	if (key.protocol != IPPROTO_TCP)
		return false;
	if (((flags[CLOAK_INGRESS] | flags[CLOAK_EGRESS]) & kRst) != 0)
		return true;
	return (flags[CLOAK_INGRESS] & flags[CLOAK_EGRESS] & kFin) != 0;
}

/** Those that are missed least come first. */
bool isLessWanted(const std::pair<cloak_record_key, cloak_record> &one,
                  const std::pair<cloak_record_key, cloak_record> &other)
{
	const auto rank = [](const cloak_record &record) {
		return std::pair(record.flags & CLOAK_RECORD_SHADOWED,
		                 record.last_ns);
	};

	return rank(one.second) < rank(other.second);
}

} // namespace

std::optional<FlowEnd> endOf(const cloak_record_key &key,
                             const cloak_record &record, BootTime now,
                             const FlowPolicy &policy)
{
	const auto silent = now - BootClock::fromNanoseconds(record.last_ns);
	const auto age = now - BootClock::fromNanoseconds(record.first_ns);

	if (isClosed(key, record) && silent >= kLinger)
		return FlowEnd::Ended;
	if (silent >= policy.idle)
		return FlowEnd::Idle;
	if (age >= policy.active)
		return FlowEnd::Active;
	return std::nullopt;
}

Collector::Collector(Sink sink, NameOf nameOf)
    : sink_(std::move(sink)), nameOf_(std::move(nameOf))
{
}

Status Collector::collect(const CloakMaps &maps, BootTime now)
{
	auto entries = readRecords(maps.records);

	if (!entries)
		return entries.error();
	std::vector<Entry> going;
	for (const Entry &entry : *entries) {
		const auto end = endOf(entry.first, entry.second, now, policy_);
		if (end) {
			close(maps, entry, *end);
			continue;
		}
		beginnings_.follow(entry.first, entry.second);
		going.push_back(entry);
	}
	beginnings_.forget(now, policy_.idle);
	stats_.records = going.size();
	if (going.size() >= kCrowded)
		makeRoom(maps, std::move(going));
	return {};
}

void Collector::makeRoom(const CloakMaps &maps, std::vector<Entry> going)
{
	const auto last =
	    going.end() - static_cast<std::ptrdiff_t>(kComfortable);

	std::nth_element(going.begin(), last, going.end(), isLessWanted);
	for (auto entry = going.begin(); entry != last; ++entry)
		close(maps, *entry, FlowEnd::NoRoom);
	stats_.records = kComfortable;
}

/** What the record holds when it is taken out counts, not what it held. */
void Collector::close(const CloakMaps &maps, const Entry &entry, FlowEnd end)
{
	auto record = takeRecord(maps.records, entry.first);

	if (!record || !*record)
		return;
	++stats_.closed.at(static_cast<std::size_t>(end));
	beginnings_.apply(entry.first, **record);
	beginnings_.close(entry.first, **record, end);
	sink_({entry.first, **record, nameOf_(entry.first.ifindex), end});
}

Status Collector::closeAll(const CloakMaps &maps,
                           const std::optional<IpAddress> &source)
{
	auto entries = readRecords(maps.records);

	if (!entries)
		return entries.error();
	for (const Entry &entry : *entries)
		if (!source || fromAbi(entry.first.remote_addr) == *source)
			close(maps, entry, FlowEnd::Forced);
	return {};
}

Result<std::vector<Flow>> Collector::current(const CloakMaps &maps) const
{
	auto entries = readRecords(maps.records);
	std::vector<Flow> flows;

	if (!entries)
		return entries.error();
	flows.reserve(entries->size());
	for (auto &[key, record] : *entries) {
		beginnings_.apply(key, record);
		flows.push_back(
		    {key, record, nameOf_(key.ifindex), FlowEnd::Going});
	}
	return flows;
}

} // namespace cloak
