// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From probes to alerts: what is told at once, what is gathered first, and
 * what is not told.
 */
#ifndef CLOAKLAKE_ALERTS_TRACKER_H
#define CLOAKLAKE_ALERTS_TRACKER_H

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "alerts/campaign.h"
#include "alerts/conduct.h"
#include "alerts/limit.h"
#include "model/alert.h"
#include "policy/policy.h"

namespace cloak
{

/**
 * Remembers sources and decides when to speak.
 *
 * The first probe of a source and the first of each kind are told at once, and
 * so is what makes a scan of it. What follows is gathered: told when the source
 * has paused, or after AlertPolicy::repeat while it goes on. The data plane
 * reports few of many packets, so the tracker asks it for the totals of the
 * sources it knows.
 *
 * Nothing here waits, and no source can make it remember more than one
 * record. Not for several threads.
 */
class Tracker
{
public:
	/** The data plane's account of a source, if it still has one. */
	using Totals = std::function<std::optional<cloak_source>(
	    const cloak_source_key &)>;
	using Publish = std::function<void(const Alert &)>;

	/** Takes down what has been told of a source. */
	using Note =
	    std::function<void(const cloak_source_key &, const cloak_told &)>;

	struct Stats {
		std::uint64_t raised = 0; //!< alerts given to Publish
		/** Alerts above AlertPolicy::perSecond; each once, however
		 * often it was tried again. */
		std::uint64_t suppressed = 0;
		std::uint64_t background = 0; //!< probes not worth an alert
		std::uint64_t evicted = 0;    //!< sources forgotten for room
		std::size_t sources = 0;      //!< sources now remembered
		/** Of those raised, by enum AlertClass. */
		std::array<std::uint64_t, kAlertClasses> byClass{};
	};

	Tracker(Totals totals, Publish publish);

	/** Called behind each alert about a source with an account. */
	void takeNotes(Note note) { note_ = std::move(note); }

	/** Takes new limits; what is remembered stays. */
	void configure(const AlertPolicy &policy);

	void probe(const Probe &probe);

	/**
	 * Takes over a source of which no event has come here, from a former
	 * daemon or as events were lost. What is not in @p told is told with
	 * the next tick(). One that is known already stays as it is.
	 */
	void recall(const cloak_source_key &key, const cloak_source &totals,
	            const std::optional<cloak_told> &told,
	            std::string interface);

	/** Does what is due at @p now: call it about once a second. */
	void tick(BootTime now);

	[[nodiscard]] Stats stats() const;

private:
	struct Record : Conduct {
		cloak_source_key key{};
		Probe last;
		std::bitset<kAlertClasses> classes; //!< it was called so
		std::uint64_t told = 0; //!< probes that alerts have told of
		BootTime toldAt;        //!< of the first alert or last summary
		bool summarised = false;
		bool withheld = false; //!< counted as suppressed, not told yet
		BootTime due;
		BootClock::duration interval{};
	};
	using Records = std::list<Record>;
	struct KeyLess {
		bool operator()(const cloak_source_key &one,
		                const cloak_source_key &other) const;
	};

	Record &remember(const Probe &probe);
	Record &insert(const cloak_source_key &key);
	static void account(Record &record, const cloak_source &totals);
	void forget(Records::iterator record);
	void schedule(Records::iterator record, BootTime due);
	void review(Records::iterator record, BootTime now);
	[[nodiscard]] static bool isNews(const Record &record);
	[[nodiscard]] bool shouldSummarise(const Record &record,
	                                   BootTime now) const;
	bool afford(const Record &record, BootTime now);
	bool publish(Record &record, bool summary, BootTime now);
	void note(const Record &record) const;

	Totals totals_;
	Publish publish_;
	Note note_;
	AlertPolicy policy_;
	Campaigns campaigns_;
	RateLimit limit_;
	RateLimit others_; //!< of those without an account, beside limit_
	Records records_;  //!< the one seen last in front
	std::map<cloak_source_key, Records::iterator, KeyLess> byKey_;
	/** When to look at whom again. */
	struct DueLess {
		bool operator()(const Records::iterator &one,
		                const Records::iterator &other) const;
	};
	std::set<Records::iterator, DueLess> due_;
	Stats stats_;
};

/** What can be said of the last probe of a source by its account alone. */
[[nodiscard]] Probe probeOf(const cloak_source_key &key,
                            const cloak_source &totals, std::string interface);

/** The account of a single probe whose source the data plane does not keep. */
[[nodiscard]] cloak_source accountOf(const Probe &probe);

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_TRACKER_H
