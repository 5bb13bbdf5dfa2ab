// SPDX-License-Identifier: Apache-2.0
#include "daemon/engine.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "alerts/text.h"
#include "bpf/counters.h"
#include "bpf/programs.h"
#include "bpf/sources.h"
#include "bpf/told.h"
#include "daemon/rule_log.h"
#include "export/syslog.h"
#include "host/remember.h"
#include "policy/host_changes.h"
#include "util/json.h"

namespace cloak
{
namespace
{

/** At interfaces that refuse the programs. */
constexpr std::chrono::seconds kBetweenAttempts(3);

/** Of sources whose events were lost, each time the whole table. */
constexpr std::chrono::seconds kBetweenRecalls(10);

bool isExpired(const Authorisation &granted)
{
	return granted.expires && *granted.expires <= BootClock::now();
}

std::optional<BootTime> firstExpiry(const std::vector<Authorisation> &granted)
{
	std::optional<BootTime> first;

	for (const Authorisation &authorisation : granted) {
		const auto &expires = authorisation.expires;
		if (expires && (!first || *expires < *first))
			first = expires;
	}
	return first;
}

} // namespace

Engine::Engine(Options options)
    : options_(std::move(options)), exporters_(options_.stateFolder),
      tracker_(
	  [this](const cloak_source_key &key) -> std::optional<cloak_source> {
		  if (!enforcer_)
			  return std::nullopt;
		  auto found = readAccount(enforcer_->maps().sources, key);
		  return found ? *found : std::nullopt;
	  },
	  [this](const Alert &alert) { publish(alert); }),
      watch_([this](unsigned index) { return host_.nameOf(index); })
{
	watch_.follow([this](const Flow &flow) { publish(flow); });
	// What cannot be noted the next daemon tells once more.
	tracker_.takeNotes(
	    [this](const cloak_source_key &key, const cloak_told &told) {
		    if (enforcer_)
			    enforcer_->maps().told.put(key, told).ignore();
	    });
}

/** Puts it in force for the host as it is now and those who are let in. */
Outcome Engine::enforce(const Policy &policy, const Rules &rules)
{
	const bool fresh = !enforcer_;

	// Of what is in force host_ stays what it was put in force for.
	if (fresh) {
		auto before = Host::read();
		if (!before)
			return Outcome::failed(before.error());
		host_ = *std::move(before);
	}
	// Opened first, as it knows whom a former daemon has let in, and which
	// interfaces it has cloaked.
	Status opened = open();
	if (!opened)
		return Outcome::failed(opened.error());
	auto host = readHost(policy);
	if (!host)
		return Outcome::failed(host.error());
	// What a former daemon has left on needs this one. And at a start
	// nobody is there to choose: who can be cloaked is.
	const bool waits = !inForce_ || (fresh && isAttached());
	Outcome outcome = enforce(policy, rules, *host, granted(),
	                          waits ? Refusal::Waits : Refusal::Fails);
	if (outcome.failure && fresh && !isAttached())
		lift().ignore();
	return outcome;
}

/** This host as the policy knows it. */
Result<Host> Engine::readHost(const Policy &policy) const
{
	return enforcer_ ? enforcer_->readHost(policy) : Host::read();
}

/** Whether anything carries the cloak, or may do so. */
bool Engine::isAttached() const
{
	auto attached = enforcer_->attachments();

	return !attached || !attached->empty();
}

/** On failure everything is as before. */
Outcome Engine::enforce(const Policy &policy, const Rules &rules,
                        const Host &host,
                        const std::vector<Authorisation> &granted,
                        Refusal refusal)
{
	CompiledPolicy compiled = compilePolicy(policy, host, granted);

	// What hangs on the interfaces is taken for missing without them.
	const Status kept = keepPins();
	if (!kept)
		return Outcome::failed(kept.error());
	auto applied =
	    applyToConnected(*enforcer_, policy, compiled, rules, refusal);
	if (!applied)
		return Outcome::failed(applied.error());
	host_ = host;
	compiled_ = std::move(compiled);
	rules_ = rules;
	nextExpiry_ = firstExpiry(granted);
	granted_ = granted;
	unfollowed_.clear();
	Outcome outcome;
	outcome.warnings = std::move(applied->warnings);
	return outcome;
}

/** Loads the data plane, and reads from it before anything is attached. */
Status Engine::open()
{
	if (enforcer_)
		return {};
	auto enforcer = Enforcer::open(options_.pinRoot);
	if (!enforcer)
		return enforcer.error();
	Status ready = openBuffers();
	if (!ready)
		return ready;
	Status bound = reader_->bind(
	    enforcer->maps(), [this](const cloak_event &event,
	                             std::span<const std::uint8_t> head) {
		    handle(event, head);
	    });
	if (!bound)
		return bound;
	enforcer_.emplace(std::move(*enforcer));
	recallGranted();
	recallSources(true);
	return {};
}

/** Once: off() and on() use them again, without the rights that it takes. */
Status Engine::openBuffers()
{
	if (reader_)
		return {};
	auto reader = PerfReader::open();
	if (!reader)
		return reader.error();
	Status watching = watch_.open();
	if (!watching)
		return watching;
	reader_.emplace(std::move(*reader));
	return {};
}

Status Engine::followCpus()
{
	return reader_ ? reader_->followCpus() : Status();
}

/** Peers that a former daemon, or cloakctl without one, has let in. */
void Engine::recallGranted()
{
	auto pinned = enforcer_->authorised();
	if (!pinned) {
		spdlog::warn("{}", pinned.error().message());
		return;
	}
	for (const Authorisation &authorisation : *pinned)
		if (std::ranges::find(granted_, authorisation.peer,
		                      &Authorisation::peer) == granted_.end())
			granted_.push_back(authorisation);
}

/** Sources that the data plane knows, all or those with something untold. */
void Engine::recallSources(bool all)
{
	auto sources = readSources(enforcer_->maps());
	if (!sources) {
		spdlog::warn("{}", sources.error().message());
		return;
	}
	for (const KnownSource &source : *sources)
		if (all || source.hasNews())
			tracker_.recall(source.key, source.totals, source.told,
			                host_.nameOf(source.totals.ifindex));
}

/**
 * There were more events than the budget allows, or than the buffer holds, as
 * it was not read for a while: the table of sources has what they were about.
 */
void Engine::recallMissed(BootTime now)
{
	if (!enforcer_ || now < nextRecall_)
		return;
	auto stats = readEventStats(enforcer_->maps());
	if (!stats)
		return;
	const std::uint64_t missed =
	    (*stats)[CLOAK_STAT_FAILED] + (*stats)[CLOAK_STAT_RATE_LIMITED];
	if (missed == missed_)
		return;
	missed_ = missed;
	nextRecall_ = now + kBetweenRecalls;
	recallSources(false);
}

Status Engine::lift()
{
	// Without its pins, half of it would stay.
	Status kept = keepPins();
	if (!kept)
		return kept;
	watch_.stop();
	if (reader_)
		reader_->unbind();
	enforcer_.reset();
	return Enforcer::lift(options_.pinRoot);
}

/** The next daemon has to find the pins by their path. */
Status Engine::keepPins()
{
	if (!enforcer_)
		return {};
	auto restored = enforcer_->keepPins();
	if (!restored && restored.error().message() != pinsLost_) {
		spdlog::error(
		    "the BPF file system at {} is gone, and the cloak "
		    "ends with this daemon: {}",
		    options_.pinRoot, restored.error().message());
	} else if (restored && *restored != 0) {
		spdlog::warn("the BPF file system at {} was mounted anew; what "
		             "was pinned is pinned there again",
		             options_.pinRoot);
	}
	pinsLost_ = restored ? "" : restored.error().message();
	return restored ? Status() : restored.error();
}

std::vector<Authorisation> Engine::granted() const
{
	std::vector<Authorisation> granted = granted_;

	std::erase_if(granted, isExpired);
	return granted;
}

/** The group of the policy that lets a peer in, for messages. */
std::string Engine::groupOf(const Prefix &peer) const
{
	const CompiledPolicy own = compilePolicy(inForce_->policy, host_, {});
	const cloak_peer *entry = own.decide(peer);

	if (entry == nullptr || !isPermanent(*entry) || entry->id == 0 ||
	    entry->id > inForce_->policy.peers.size())
		return {};
	return inForce_->policy.peers[entry->id - 1].name.value;
}

/** Fails with the objection of @p guard to those who would be let in. */
Outcome Engine::ask(const Guard &guard, const Host &host,
                    const std::vector<Authorisation> &granted) const
{
	if (!guard)
		return {};
	const auto objection = guard(
	    inForce_->policy, compilePolicy(inForce_->policy, host, granted));
	if (objection)
		return Outcome::failed(Error(*objection), Failure::WouldCut);
	return {};
}

Outcome Engine::authorise(const Authorisation &authorisation,
                          const Guard &guard)
{
	if (!enforcer_ || !inForce_)
		return Outcome::failed(Error("the cloak is off"), Failure::Off);
	const std::string group = groupOf(authorisation.peer);
	if (!group.empty()) {
		return Outcome::failed(Error(fmt::format(
		    "{} is authorised by the policy already, group {}",
		    toString(authorisation.peer), group)));
	}
	std::vector<Authorisation> all = granted();
	std::erase_if(all, [&authorisation](const Authorisation &one) {
		return one.peer == authorisation.peer;
	});
	all.push_back(authorisation);
	auto host = readHost(inForce_->policy);
	if (!host)
		return Outcome::failed(host.error());
	Outcome outcome = ask(guard, *host, all);
	if (outcome.ok())
		outcome = enforce(inForce_->policy, rules_, *host, all);
	if (outcome.ok())
		keepGranted(granted());
	return outcome;
}

Outcome Engine::revoke(const Prefix &peer, const Guard &guard)
{
	if (!enforcer_ || !inForce_)
		return Outcome::failed(Error("the cloak is off"), Failure::Off);
	std::vector<Authorisation> all = granted();
	const auto removed =
	    std::erase_if(all, [&peer](const Authorisation &one) {
		    return one.peer == peer;
	    });
	if (removed != 0) {
		auto host = readHost(inForce_->policy);
		if (!host)
			return Outcome::failed(host.error());
		const Outcome refused = ask(guard, *host, all);
		if (!refused.ok())
			return refused;
		keepGranted(all);
		Outcome outcome = enforce(inForce_->policy, rules_, *host, all);
		if (!outcome.ok())
			keepGranted(granted());
		if (!outcome.ok() || groupOf(peer).empty())
			return outcome;
	}
	const std::string group = groupOf(peer);
	if (group.empty()) {
		return Outcome::failed(
		    Error(fmt::format("{} is not authorised", toString(peer))));
	}
	return Outcome::failed(Error(fmt::format(
	    "{} is authorised by the policy, group {}: change {} and apply it",
	    toString(peer), group, inForce_->source)));
}

/** Interfaces of the policy that were not there, or not meant, before. */
std::vector<CompiledInterface> Engine::newcomers(const Host &host) const
{
	auto interfaces = compileInterfaces(inForce_->policy, host);

	std::erase_if(interfaces, [this](const CompiledInterface &one) {
		return std::ranges::find(compiled_.interfaces, one.index,
		                         &CompiledInterface::index) !=
		       compiled_.interfaces.end();
	});
	return interfaces;
}

void Engine::refreshHost()
{
	if (!enforcer_ || !inForce_)
		return;
	auto host = readHost(inForce_->policy);
	if (!host) {
		noteFollowed(Outcome::failed(host.error()));
		return;
	}
	// Not where what is pinned could not be pinned again.
	if (keepPins())
		enforcer_->cover(newcomers(*host));
	mend();
	const bool follows = unfollowed_.empty();
	if (follows && isSameFor(inForce_->policy, *host, host_))
		return;
	const auto all = granted();
	if (follows &&
	    sameEntries(compilePolicy(inForce_->policy, *host, all), compiled_))
		return;
	const Outcome outcome = enforce(inForce_->policy, rules_, *host, all);
	noteFollowed(outcome);
	for (const std::string &warning : outcome.warnings)
		spdlog::warn("{}", warning);
}

/** What it could not do is tried again, and said once. */
void Engine::noteFollowed(const Outcome &outcome)
{
	const std::string why =
	    outcome.failure ? outcome.failure->message() : "";

	if (why.empty()) {
		spdlog::info("interfaces have changed, the cloak follows");
	} else if (why != unfollowed_) {
		spdlog::error("interfaces have changed, the cloak could not "
		              "follow; it is tried again: {}",
		              why);
	}
	unfollowed_ = why;
}

void Engine::mend()
{
	const Status kept = keepPins();

	if (kept && enforcer_ && inForce_)
		mender_.look(*enforcer_, compiled_, BootClock::now());
}

/** What to call the rule with this counter. */
std::string Engine::loggedBy(std::uint32_t counter) const
{
	const auto index =
	    enforcer_ ? enforcer_->ruleOf(counter) : std::nullopt;

	if (!rules_ || !index)
		return "a former rule";
	return nameOfRule(*rules_, *index);
}

void Engine::handle(const cloak_event &event,
                    std::span<const std::uint8_t> head)
{
	if ((event.flags & CLOAK_EVENT_RULE) != 0) {
		spdlog::info("{}", describeLogged(event, loggedBy(event.rule)));
		return;
	}
	tracker_.probe(Probe(event, head, host_.nameOf(event.ifindex)));
}

void Engine::measure(bool wanted)
{
	if (wanted == static_cast<bool>(measuring_))
		return;
	measuring_.reset();
	if (!wanted)
		return;
	auto measuring = measurePrograms();
	if (measuring)
		measuring_ = std::move(*measuring);
	else
		spdlog::warn("{}; metrics.run_time needs a restart of cloakd, "
		             "or kernel.bpf_stats_enabled",
		             measuring.error().message());
}

void Engine::publish(Alert alert)
{
	alert.shadowedUntil = watch_.shadowedUntil(alert.probe.source());
	const PublishedAlert published = outputs_.publish(alert);

	if (!exporters_.wantsAlerts())
		return;
	exporters_.alert(syslogMessage(
	    alert.kind == AlertClass::Probe ? SyslogSeverity::Notice
					    : SyslogSeverity::Warning,
	    published.time, className(alert.kind), describe(alert)));
}

void Engine::publish(const Flow &flow)
{
	exporters_.flow(flow);
	flowEvents_.tell(flow, BootClock::now());
}

void Engine::consumeEvents()
{
	if (!enforcer_ || !reader_)
		return;
	auto consumed = reader_->consume();
	if (!consumed)
		spdlog::error("{}", consumed.error().message());
}

int Engine::eventsFd() const
{
	return enforcer_ && reader_ ? reader_->pollFd() : -1;
}

void Engine::tick()
{
	mend();
	// What is on its way is no news from the table of sources.
	consumeEvents();
	// Not before: what the events have cost would lie ahead of it.
	const BootTime now = BootClock::now();
	recallMissed(now);
	tracker_.tick(now);
	watch_.tick(now);
	exporters_.tick();
	endTrial(now);
	retryAttaching(now);
	expirePeers(now);
}

/** What is in force means something else now, and @p why. */
void Engine::enforceAgain(std::string_view why)
{
	auto host = readHost(inForce_->policy);
	const Outcome outcome =
	    host ? enforce(inForce_->policy, rules_, *host, granted())
		 : Outcome::failed(host.error());
	if (outcome.failure)
		spdlog::error("{}", outcome.failure->message());
	else
		spdlog::info("{}", why);
}

/**
 * Interfaces that have refused the programs, or that the policy could not be
 * put in force for; what was in the way may go.
 */
void Engine::retryAttaching(BootTime now)
{
	const bool follows = unfollowed_.empty();

	if (!enforcer_ || !inForce_ || now < nextAttempt_ ||
	    (follows && !enforcer_->isWaiting()))
		return;
	nextAttempt_ = now + kBetweenAttempts;
	if (!follows)
		refreshHost();
	if (enforcer_->retry(compiled_))
		enforceAgain("an interface that was refused is cloaked now");
}

void Engine::expirePeers(BootTime now)
{
	if (!enforcer_ || !inForce_ || !nextExpiry_ || *nextExpiry_ > now)
		return;
	enforceAgain("a peer's time is over");
}

} // namespace cloak
