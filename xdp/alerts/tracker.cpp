// SPDX-License-Identifier: Apache-2.0
#include "alerts/tracker.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cloak
{
namespace
{

using std::chrono::seconds;

/** A source that sent nothing for so long has paused. */
constexpr seconds kPause(1);
/** A source that has changed is looked at again after so long ... */
constexpr seconds kFirstLook(1);
/** ... and one that does not, ever more seldom, up to this. */
constexpr seconds kLastLook(60);

/** Alerts about sources without an account get half the budget. */
constexpr seconds kOthersPeriod(2);

/** Routers' queries and answers to forged packets. */
constexpr std::uint32_t kStray =
    1U << CLOAK_KIND_BACKSCATTER | 1U << CLOAK_KIND_MLD | 1U << CLOAK_KIND_RS;

/** What neighbours send all day without meaning this host: strays, and bridges'
 * and switches' own frames. */
bool isBackground(const Probe &probe)
{
	const bool toGroup = (probe.event.dmac[0] & 1U) != 0;

	return (kStray >> (probe.event.kind % CLOAK_KINDS) & 1U) != 0 ||
	       (probe.kind() == CLOAK_KIND_ETHERTYPE && toGroup);
}

bool opensSomething(const Probe &probe)
{
	return probe.has(CLOAK_EVENT_FIRST) || probe.has(CLOAK_EVENT_NEW_KIND);
}

} // namespace

cloak_source accountOf(const Probe &probe)
{
	cloak_source account{};

	account.first_ns = probe.event.time_ns;
	account.last_ns = probe.event.time_ns;
	account.probes = 1;
	account.bytes = probe.event.packet_len;
	account.events = 1;
	account.kinds = 1U << (probe.event.kind % CLOAK_KINDS);
	account.ifindex = probe.event.ifindex;
	return account;
}

Probe probeOf(const cloak_source_key &key, const cloak_source &totals,
              std::string interface)
{
	const IpAddress source = fromAbi(key.addr);
	Probe probe;

	probe.interface = std::move(interface);
	probe.event.source = key;
	probe.event.totals = totals;
	probe.event.time_ns = totals.last_ns;
	probe.event.ifindex = totals.ifindex;
	if (totals.kinds != 0) {
		probe.event.kind =
		    static_cast<std::uint8_t>(std::bit_width(totals.kinds) - 1);
	}
	if (source.isV4())
		probe.event.flags = CLOAK_EVENT_V4;
	else if (!source.isUnspecified())
		probe.event.flags = CLOAK_EVENT_V6;
	return probe;
}

bool Tracker::KeyLess::operator()(const cloak_source_key &one,
                                  const cloak_source_key &other) const
{
	return std::memcmp(&one, &other, sizeof(one)) < 0;
}

bool Tracker::DueLess::operator()(const Records::iterator &one,
                                  const Records::iterator &other) const
{
	if (one->due != other->due)
		return one->due < other->due;
	return KeyLess()(one->key, other->key);
}

Tracker::Tracker(Totals totals, Publish publish)
    : totals_(std::move(totals)), publish_(std::move(publish)),
      limit_(policy_.perSecond), others_(policy_.perSecond, kOthersPeriod)
{
}

void Tracker::configure(const AlertPolicy &policy)
{
	policy_ = policy;
	limit_ = RateLimit(policy.perSecond);
	others_ = RateLimit(policy.perSecond, kOthersPeriod);
	while (records_.size() > policy_.sources) {
		forget(std::prev(records_.end()));
		++stats_.evicted;
	}
}

void Tracker::probe(const Probe &probe)
{
	if (isBackground(probe)) {
		++stats_.background;
		return;
	}
	const auto campaign = campaigns_.add(probe);
	if (probe.has(CLOAK_EVENT_NO_SOURCE)) {
		Record once;
		once.campaign = campaign;
		once.decoy = probe.has(CLOAK_EVENT_DECOY);
		once.last = probe;
		once.totals = accountOf(probe);
		publish(once, false, probe.time());
		return;
	}
	Record &record = remember(probe);
	record.decoy = record.decoy || probe.has(CLOAK_EVENT_DECOY);
	if (campaign)
		record.campaign = campaign;
	const bool news = record.told > 0 && isNews(record);
	if (opensSomething(probe))
		record.withheld = false;
	if (news || opensSomething(probe) || record.told == 0) {
		const bool told = publish(record, news, probe.time());
		if (told && (news || record.totals.probes == record.told + 1))
			record.told = record.totals.probes;
		if (told)
			note(record);
	}
	record.interval = kFirstLook;
	schedule(records_.begin(), probe.time() + kFirstLook);
}

void Tracker::recall(const cloak_source_key &key, const cloak_source &totals,
                     const std::optional<cloak_told> &told,
                     std::string interface)
{
	if (byKey_.contains(key) || (totals.kinds & ~kStray) == 0)
		return;
	const BootTime last = BootClock::fromNanoseconds(totals.last_ns);
	Record &record = insert(key);
	record.last = probeOf(key, totals, std::move(interface));
	record.totals = totals;
	record.toldAt = last;
	if (told) {
		record.told = told->probes;
		record.toldAt = BootClock::fromNanoseconds(told->time_ns);
		record.classes = told->classes;
		record.summarised = told->summarised != 0;
	}
	record.interval = kFirstLook;
	schedule(records_.begin(), last + kFirstLook);
}

/** The record of the probe's source, brought up to date and to the front. */
Tracker::Record &Tracker::remember(const Probe &probe)
{
	auto known = byKey_.find(probe.event.source);

	if (known == byKey_.end())
		insert(probe.event.source);
	else
		records_.splice(records_.begin(), records_, known->second);
	Record &record = records_.front();
	record.seen.add(probe);
	record.last = probe;
	account(record, probe.event.totals);
	return record;
}

/** The data plane may have forgotten the source, and count from one again. */
void Tracker::account(Record &record, const cloak_source &totals)
{
	if (record.totals.first_ns < totals.first_ns) {
		record.told = 0;
		record.toldAt = BootClock::fromNanoseconds(totals.first_ns);
		record.summarised = false;
	}
	record.totals = totals;
}

/** A new record in front, for which an old one goes if need be. */
Tracker::Record &Tracker::insert(const cloak_source_key &key)
{
	while (records_.size() >= policy_.sources) {
		forget(std::prev(records_.end()));
		++stats_.evicted;
	}
	records_.emplace_front();
	records_.front().key = key;
	byKey_.emplace(key, records_.begin());
	return records_.front();
}

void Tracker::forget(Records::iterator record)
{
	due_.erase(record);
	byKey_.erase(record->key);
	records_.erase(record);
}

void Tracker::schedule(Records::iterator record, BootTime due)
{
	due_.erase(record);
	record->due = due;
	due_.insert(record);
}

void Tracker::tick(BootTime now)
{
	while (!due_.empty() && (*due_.begin())->due <= now)
		review(*due_.begin(), now);
}

/** Looks after one source; always moves it in due_, or forgets it. */
void Tracker::review(Records::iterator record, BootTime now)
{
	auto totals = totals_(record->key);

	if (totals)
		account(*record, *totals);
	const auto silent =
	    now - BootClock::fromNanoseconds(record->totals.last_ns);
	if (record->totals.probes <= record->told) {
		if (silent >= policy_.forget) {
			forget(record);
			return;
		}
		record->interval = std::min<BootClock::duration>(
		    record->interval * 2, kLastLook);
		schedule(record, now + record->interval);
		return;
	}
	if (shouldSummarise(*record, now) && publish(*record, true, now)) {
		record->told = record->totals.probes;
		record->toldAt = now;
		record->summarised = true;
		note(*record);
	}
	record->interval = kFirstLook;
	schedule(record, now + record->interval);
}

bool Tracker::shouldSummarise(const Record &record, BootTime now) const
{
	const auto silent =
	    now - BootClock::fromNanoseconds(record.totals.last_ns);

	if (isNews(record) || (!record.summarised && silent >= kPause))
		return true;
	return now - record.toldAt >= policy_.repeat;
}

/** Whether it does now what no alert has called it yet. */
bool Tracker::isNews(const Record &record)
{
	const AlertClass kind = record.kind();

	return kind != AlertClass::Probe &&
	       !record.classes.test(static_cast<std::size_t>(kind));
}

/**
 * Takes what an alert costs, if it is there. Sources that have an account get
 * what no flood of others can use up.
 */
bool Tracker::afford(const Record &record, BootTime now)
{
	if (record.last.has(CLOAK_EVENT_NO_SOURCE) &&
	    (!limit_.has(now) || !others_.take(now)))
		return false;
	return limit_.take(now);
}

/** @returns whether it was published and not suppressed. */
bool Tracker::publish(Record &record, bool summary, BootTime now)
{
	if (!afford(record, now)) {
		stats_.suppressed += record.withheld ? 0 : 1;
		record.withheld = true;
		return false;
	}
	record.withheld = false;
	Alert alert = record.alert();
	const auto kind = static_cast<std::size_t>(alert.kind);

	alert.summary = summary;
	alert.probe = record.last;
	record.classes.set(kind);
	++stats_.raised;
	++stats_.byClass.at(kind);
	publish_(alert);
	return true;
}

/**
 * Behind the alert, not before: who dies in between has told something twice,
 * not something never.
 */
void Tracker::note(const Record &record) const
{
	cloak_told told{};

	if (!note_)
		return;
	told.first_ns = record.totals.first_ns;
	told.probes = record.told;
	told.time_ns = static_cast<std::uint64_t>(
	    record.toldAt.time_since_epoch().count());
	told.classes = static_cast<std::uint32_t>(record.classes.to_ulong());
	told.summarised = record.summarised ? 1 : 0;
	note_(record.key, told);
}

Tracker::Stats Tracker::stats() const
{
	Stats stats = stats_;

	stats.sources = records_.size();
	return stats;
}

} // namespace cloak
