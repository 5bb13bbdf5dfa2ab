// SPDX-License-Identifier: Apache-2.0
// Which policy is in force, and for how long.
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/engine.h"
#include "daemon/kept_policy.h"
#include "daemon/privileges.h"
#include "host/receiver_warnings.h"
#include "policy/render.h"
#include "util/file.h"

namespace cloak
{
namespace
{

/** So many lines, the first ones, say enough of what is wrong. */
constexpr std::size_t kMostMistakes = 10;

void complain(const Status &status)
{
	if (!status)
		spdlog::error("{}", status.error().message());
}

/** Why a former policy could not be put back. */
std::string reasonOf(const Outcome &outcome)
{
	return outcome.failure ? outcome.failure->message() : "it has errors";
}

} // namespace

ParsedPolicy Engine::read(const PolicyTexts &texts) const
{
	ParsedPolicy parsed = readPolicy(texts);

	if (options_.eve)
		parsed.policy.output.eve = *options_.eve;
	return parsed;
}

/** The policy file and those of its folder. */
Result<PolicyTexts> Engine::readFiles() const
{
	return readPolicyTexts(options_.policyPath, PolicyFile::Regular);
}

/** The policy before the one on trial, and no cloak if there was none. */
Outcome Engine::putBack()
{
	ParsedPolicy former = read({{trial_->formerSource, trial_->former}});
	// Its lines are those of no file.
	former.warnings.clear();
	Outcome outcome = put(std::move(former), {});

	if (!outcome.ok() || trial_->formerOn)
		return outcome;
	Status lifted = lift();
	return lifted ? outcome : Outcome::failed(lifted.error());
}

/** Fails with the objection of @p guard, if it has one. */
Outcome Engine::ask(const Guard &guard, const Policy &policy) const
{
	if (!guard)
		return {};
	auto host = readHost(policy);
	if (!host)
		return Outcome::failed(host.error());
	const auto objection =
	    guard(policy, compilePolicy(policy, *host, granted()));
	if (objection)
		return Outcome::failed(Error(*objection), Failure::WouldCut);
	return {};
}

/**
 * Once, before there are threads, each of which has rights of its own: the
 * first policy decides whether the dispatcher of libxdp, which takes
 * CAP_SYS_ADMIN each time, can be had by later ones.
 */
Status Engine::settleRights(const Policy &policy)
{
	if (rightsSettled_)
		return {};
	auto attached = enforcer_->attachments();
	if (!attached)
		return attached.error();
	const bool needed =
	    std::ranges::any_of(policy.interfaces,
	                        &InterfacePolicy::dispatcher) ||
	    std::ranges::any_of(*attached, &Attachment::dispatcher);
	auto settled = needed ? Status() : giveUpAdmin();
	rightsSettled_ = settled.ok();
	return settled;
}

/** What is strange about the policy that has come into force. */
void Engine::tell(Warnings warnings, const FileNames &files, Outcome &outcome)
{
	for (std::string &text : textsOf(warnings, files))
		outcome.warnings.push_back(std::move(text));
	outcome.details.insert(outcome.details.end(), warnings.begin(),
	                       warnings.end());
	outcome.files = files;
}

/** What the policy that has come into force wants, and cannot have here. */
void Engine::lookAround(Outcome &outcome) const
{
	const Policy &policy = inForce_->policy;
	const std::string &eve = policy.output.eve;

	tell(warnOfReceivers(policy, compiled_, host_), policy.files, outcome);
	const Status writable = eve.empty() ? Status() : mayAppend(eve);
	if (!writable) {
		outcome.warnings.push_back(writable.error().message() +
		                           "; JSON events wait for that");
	}
}

Outcome Engine::put(ParsedPolicy parsed, const Guard &guard)
{
	Outcome outcome;

	if (!parsed.errors.empty()) {
		outcome.errors = std::move(parsed.errors);
		outcome.files = std::move(parsed.policy.files);
		return outcome;
	}
	outcome = ask(guard, parsed.policy);
	if (!outcome.ok())
		return outcome;
	outcome = enforce(parsed.policy, parsed.rules);
	if (!outcome.ok())
		return outcome;
	measure(parsed.policy.seeing.metrics.runTime);
	// The policy is in force, whatever rights this daemon keeps.
	const Status settled = settleRights(parsed.policy);
	if (!settled)
		outcome.warnings.push_back(settled.error().message());
	tracker_.configure(parsed.policy.alerts);
	outputs_.configure(parsed.policy.output);
	flowEvents_.configure(parsed.policy.seeing.flows);
	exporters_.configure(parsed.policy.seeing);
	watch_.start(enforcer_->maps(), parsed.policy.seeing);
	tell(std::move(parsed.warnings), parsed.policy.files, outcome);
	std::string source = parsed.policy.files.front();
	inForce_ = PolicyInForce{std::move(parsed.policy), std::move(source),
	                         std::chrono::system_clock::now()};
	// Parsing the largest policy takes hundreds of MiB, once.
	malloc_trim(0);
	return outcome;
}

/** An error if there is another policy whose fate has to be decided first. */
std::optional<Outcome> Engine::refuseDuringTrial() const
{
	if (trial() == nullptr)
		return std::nullopt;
	return Outcome::failed(
	    Error(
		fmt::format("{} awaits confirmation until {}; \"cloakctl "
	                    "confirm\" keeps it, "
	                    "\"cloakctl confirm --undo\" puts {} back in force",
	                    trial_->source, timestamp(toWall(trial_->ends)),
	                    trial_->formerSource)),
	    Failure::OnTrial);
}

/** For the daemon that puts the former policy back if this one cannot. */
void Engine::keepGranted(std::vector<Authorisation> granted)
{
	if (trial() == nullptr)
		return;
	trial_->granted = std::move(granted);
	complain(keepTrial(options_.stateFolder, *trial_));
}

/** What the administrator has decided since is what counts at a start. */
void Engine::forgetRefused()
{
	trial_.reset();
	complain(forgetTrial(options_.stateFolder));
}

Outcome Engine::reload(const Guard &guard)
{
	if (auto refused = refuseDuringTrial())
		return *refused;
	auto texts = readFiles();
	if (!texts)
		return Outcome::failed(texts.error());
	return apply(*texts, guard);
}

Outcome Engine::apply(const PolicyTexts &texts, const Guard &guard)
{
	if (auto refused = refuseDuringTrial())
		return *refused;
	Outcome outcome = put(read(texts), guard);
	if (!outcome.ok())
		return outcome;
	forgetRefused();
	lookAround(outcome);
	const Status kept = keep();
	if (!kept)
		outcome.warnings.push_back(kept.error().message());
	return outcome;
}

/** For a start whose files have errors; what this one's had is history. */
Status Engine::keep()
{
	mistakes_.clear();
	const Status kept = keepPolicy(options_.stateFolder, inForce_->policy,
	                               inForce_->source);

	// As text the largest policy takes tens of MiB, for a moment.
	malloc_trim(0);
	return kept ? kept
	            : kept.error().in("the policy could not be kept for a "
	                              "start whose files have errors");
}

/** The former policy is on the disk before the other one is in force. */
Outcome Engine::applyOnTrial(const PolicyTexts &texts,
                             std::chrono::milliseconds time, const Guard &guard)
{
	if (auto refused = refuseDuringTrial())
		return *refused;
	if (!inForce_) {
		return Outcome::failed(Error("no policy is in force that could "
		                             "be put back"));
	}
	ParsedPolicy parsed = read(texts);
	if (!parsed.errors.empty())
		return put(std::move(parsed), guard);
	std::string former = renderPolicy(inForce_->policy);
	if (former.size() > kLongestPolicy) {
		return Outcome::failed(Error("the policy in force is too long "
		                             "to be kept"));
	}
	Trial trial{std::move(former),
	            inForce_->source,
	            enforcer_.has_value(),
	            texts.front().source,
	            fingerprintOf(texts),
	            BootClock::now() + time,
	            true,
	            granted(),
	            bootId()};
	Status kept = keepTrial(options_.stateFolder, trial);
	if (!kept)
		return Outcome::failed(
		    kept.error().in("the policy in force could not be kept"));
	Outcome outcome = put(std::move(parsed), guard);
	if (!outcome.ok()) {
		complain(trial_ ? keepTrial(options_.stateFolder, *trial_)
		                : forgetTrial(options_.stateFolder));
		return outcome;
	}
	trial_ = std::move(trial);
	rollBackFailed_ = false;
	lookAround(outcome);
	return outcome;
}

Status Engine::confirm()
{
	if (trial() == nullptr)
		return Error("no policy awaits confirmation");
	Status forgotten = forgetTrial(options_.stateFolder);
	if (!forgotten)
		return forgotten;
	trial_.reset();
	complain(keep());
	return {};
}

/** It is remembered as refused, lest a start of the daemon brings it back. */
Outcome Engine::rollBack()
{
	if (trial() == nullptr)
		return Outcome::failed(Error("no policy awaits confirmation"));
	Outcome outcome = putBack();
	if (!outcome.ok())
		return outcome;
	trial_->waiting = false;
	trial_->granted.clear();
	complain(keepTrial(options_.stateFolder, *trial_));
	return outcome;
}

void Engine::endTrial(BootTime now)
{
	if (trial() == nullptr || now < trial_->ends)
		return;
	const Outcome outcome = rollBack();
	if (outcome.ok()) {
		spdlog::warn("nobody has confirmed {}: {} is in force again",
		             trial_->source, trial_->formerSource);
	} else if (!rollBackFailed_) {
		rollBackFailed_ = true;
		spdlog::error("{} is not confirmed and stays in force, {} "
		              "could not be put back: {}",
		              trial_->source, trial_->formerSource,
		              reasonOf(outcome));
	}
}

/** Says so as loudly as it can, for nobody may look at a start. */
void Engine::noteMistakes(const Outcome &refused)
{
	for (const Diagnostic &error : refused.errors) {
		const std::string text = toString(error, refused.files);
		spdlog::error("{}", text);
		if (mistakes_.size() < kMostMistakes)
			mistakes_.push_back(text);
	}
	if (refused.failure) {
		mistakes_.push_back(refused.failure->message());
		spdlog::error("{}", mistakes_.back());
	}
	spdlog::error("{} has errors: in force is what was before, until it is "
	              "corrected and reloaded",
	              options_.policyPath);
}

/** @returns what came of it, or @p refused if there is nothing to put. */
Outcome Engine::putLast(const Outcome &refused)
{
	const auto kept = recallPolicy(options_.stateFolder);

	if (!kept)
		spdlog::error("{}", kept.error().message());
	if (!kept || !*kept)
		return refused;
	ParsedPolicy last = read(**kept);
	// They were told when somebody could hear them.
	last.warnings.clear();
	Outcome outcome = put(std::move(last), {});
	if (!outcome.ok()) {
		spdlog::error("{} could not be put in force: {}",
		              (*kept)->front().source, reasonOf(outcome));
		return refused;
	}
	noteMistakes(refused);
	return outcome;
}

/** What cannot be done with files without errors is no mistake of theirs. */
Outcome Engine::startByFiles()
{
	const auto texts = readFiles();

	if (!texts)
		return putLast(Outcome::failed(texts.error()));
	Outcome outcome = apply(*texts);
	return outcome.errors.empty() ? outcome : putLast(outcome);
}

Outcome Engine::start()
{
	auto left = recallTrial(options_.stateFolder);
	if (!left)
		spdlog::error("{}", left.error().message());
	if (!left || !*left)
		return startByFiles();
	const auto texts = readFiles();
	const bool refused =
	    texts && fingerprintOf(*texts) == (*left)->fingerprint;
	if (!(*left)->waiting && !refused)
		return startByFiles();
	(*left)->formerOn = true;
	(*left)->waiting = true;
	trial_ = std::move(*left);
	granted_ = trial_->granted;
	Outcome outcome = rollBack();
	if (!outcome.ok()) {
		spdlog::error("{} could not be put back: {}",
		              trial_->formerSource, reasonOf(outcome));
		trial_->waiting = false;
		return startByFiles();
	}
	outcome.warnings.push_back(fmt::format(
	    "nobody has confirmed {}: {} as it was before is in force{}",
	    trial_->source, trial_->formerSource,
	    refused ? "; reload or apply puts the new one in force" : ""));
	return outcome;
}

/** The timer ends with the daemon; the next one must find it undecided. */
void Engine::stop()
{
	if (trial() == nullptr)
		return;
	const Outcome outcome = putBack();
	if (outcome.ok())
		spdlog::warn("nobody has confirmed {}: {} is in force again",
		             trial_->source, trial_->formerSource);
	else
		spdlog::error("{} could not be put back: {}",
		              trial_->formerSource, reasonOf(outcome));
}

Status Engine::off()
{
	if (trial() != nullptr) {
		const Outcome outcome = rollBack();
		if (!outcome.ok())
			spdlog::error("{} could not be put back: {}",
			              trial_->formerSource, reasonOf(outcome));
	}
	return lift();
}

Outcome Engine::on(const Guard &guard)
{
	if (!inForce_)
		return reload(guard);
	if (enforcer_)
		return {};
	Outcome outcome = ask(guard, inForce_->policy);
	if (!outcome.ok())
		return outcome;
	outcome = enforce(inForce_->policy, rules_);
	if (outcome.ok())
		watch_.start(enforcer_->maps(), inForce_->policy.seeing);
	return outcome;
}

} // namespace cloak
