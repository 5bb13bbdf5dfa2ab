// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What cloakd does, without how it is asked: policy in force, events to
 * alerts, peers for a while.
 */
#ifndef CLOAKLAKE_DAEMON_ENGINE_H
#define CLOAKLAKE_DAEMON_ENGINE_H

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/outputs.h"
#include "alerts/tracker.h"
#include "bpf/perf_reader.h"
#include "daemon/flow_events.h"
#include "daemon/mender.h"
#include "daemon/trial.h"
#include "daemon/watch.h"
#include "export/exporters.h"
#include "model/control.h"
#include "policy/enforce.h"
#include "policy/parse.h"

namespace cloak
{

/** What came of putting a policy in force. */
struct Outcome {
	Diagnostics errors;           //!< of the policy; nothing was changed
	FileNames files;              //!< of the policy, for what is wrong
	std::optional<Error> failure; //!< it was right but could not be done
	std::vector<std::string> warnings;
	Warnings details; //!< of those warnings that are about the policy
	Failure kind = Failure::Failed; //!< of that failure

	[[nodiscard]] bool ok() const { return errors.empty() && !failure; }

	[[nodiscard]] static Outcome failed(Error error,
	                                    Failure kind = Failure::Failed)
	{
		return {{}, {}, std::move(error), {}, {}, kind};
	}
};

/** The policy that was last put in force. */
struct PolicyInForce {
	Policy policy;
	std::string source; //!< path of the file, or who has sent it
	WallTime applied;
};

/**
 * The daemon's state. Not for several threads. Destroying it leaves the cloak
 * on, as being killed does.
 */
class Engine
{
public:
	struct Options {
		std::string pinRoot = kDefaultPinRoot;
		std::string policyPath = "/etc/cloaklake/policy.toml";
		/** Where a policy on trial is remembered, and what alerts
		 * could not be delivered. */
		std::string stateFolder = "/var/lib/cloaklake";
		/** Overrides output.eve of every policy. */
		std::optional<std::string> eve;
	};

	/**
	 * Says why a policy must not come into force, or nothing. One that
	 * is empty has no objection.
	 */
	using Guard = std::function<std::optional<std::string>(
	    const Policy &, const CompiledPolicy &)>;

	explicit Engine(Options options);
	Engine(const Engine &) = delete;
	Engine &operator=(const Engine &) = delete;

	/** A policy as this daemon understands it: with its own options. */
	[[nodiscard]] ParsedPolicy read(const PolicyTexts &texts) const;

	/**
	 * Begins with the policy file; or with the policy that was in force
	 * before another one which nobody has confirmed; or, where the file
	 * has errors, with the one that was in force last.
	 */
	[[nodiscard]] Outcome start();

	/** Leaves behind a policy that somebody wants. The cloak stays on. */
	void stop();

	/** Reads the policy file and its folder and puts them in force. */
	[[nodiscard]] Outcome reload(const Guard &guard = {});

	/** Puts the policy that @p texts are in force. */
	[[nodiscard]] Outcome apply(const PolicyTexts &texts,
	                            const Guard &guard = {});

	/** The same for so long, unless confirm() comes in time. */
	[[nodiscard]] Outcome applyOnTrial(const PolicyTexts &texts,
	                                   std::chrono::milliseconds time,
	                                   const Guard &guard = {});

	/** Keeps the policy on trial. */
	Status confirm();

	/** Puts the policy before the one on trial in force again. */
	[[nodiscard]] Outcome rollBack();

	/** Takes the cloak off until on(), reload() or apply(). */
	Status off();

	/** Puts it back on as it was. */
	[[nodiscard]] Outcome on(const Guard &guard = {});

	/** Lets a peer in, or changes for how long, or with which MAC. */
	[[nodiscard]] Outcome authorise(const Authorisation &granted,
	                                const Guard &guard = {});

	/** Takes back authorise(). */
	[[nodiscard]] Outcome revoke(const Prefix &peer,
	                             const Guard &guard = {});

	/** Looks whether interfaces or addresses have changed. */
	void refreshHost();

	/** Looks whether others have removed a part of the cloak. */
	void mend();

	/** Handles the events that are there. */
	void consumeEvents();

	/** Readable when there are events; -1 while the cloak is off. */
	[[nodiscard]] int eventsFd() const;

	/** What time brings: call it each second. */
	void tick();

	/**
	 * Reads events of CPUs that have come, too. Fails if the right to do
	 * so was given up; another process could.
	 */
	[[nodiscard]] Status followCpus();

	// For those who look on:
	[[nodiscard]] const Options &options() const { return options_; }
	/** When this daemon began. */
	[[nodiscard]] BootTime started() const { return started_; }
	[[nodiscard]] const std::optional<PolicyInForce> &inForce() const
	{
		return inForce_;
	}
	[[nodiscard]] const Enforcer *enforcer() const
	{
		return enforcer_ ? &*enforcer_ : nullptr;
	}
	[[nodiscard]] const PerfReader *reader() const
	{
		return reader_ ? &*reader_ : nullptr;
	}
	/** What is in force, as the maps have it. */
	[[nodiscard]] const CompiledPolicy &compiled() const
	{
		return compiled_;
	}
	/** The rules in force; null if there are none. */
	[[nodiscard]] const CompiledRules *rules() const
	{
		return rules_.get();
	}
	[[nodiscard]] const Host &host() const { return host_; }
	[[nodiscard]] const Tracker &tracker() const { return tracker_; }
	[[nodiscard]] const Outputs &outputs() const { return outputs_; }
	[[nodiscard]] Outputs &outputs() { return outputs_; }
	[[nodiscard]] const FlowEvents &flowEvents() const
	{
		return flowEvents_;
	}
	[[nodiscard]] FlowEvents &flowEvents() { return flowEvents_; }
	[[nodiscard]] std::vector<Authorisation> granted() const;
	[[nodiscard]] const Watch &watch() const { return watch_; }
	[[nodiscard]] Watch &watch() { return watch_; }
	[[nodiscard]] const Exporters &exporters() const { return exporters_; }
	[[nodiscard]] const Mender &mender() const { return mender_; }
	/**
	 * What is wrong with the policy files for which this daemon has begun
	 * with what was in force last; nothing once another one came.
	 */
	[[nodiscard]] const std::vector<std::string> &mistakes() const
	{
		return mistakes_;
	}
	/** The policy that awaits confirmation, or null. */
	[[nodiscard]] const Trial *trial() const
	{
		return trial_ && trial_->waiting ? &*trial_ : nullptr;
	}

private:
	using Rules = std::shared_ptr<const CompiledRules>;

	[[nodiscard]] Result<PolicyTexts> readFiles() const;
	Outcome startByFiles();
	Outcome putLast(const Outcome &refused);
	void noteMistakes(const Outcome &refused);
	Status keep();
	Outcome putBack();
	Outcome put(ParsedPolicy parsed, const Guard &guard);
	[[nodiscard]] Outcome ask(const Guard &guard,
	                          const Policy &policy) const;
	[[nodiscard]] Outcome
	ask(const Guard &guard, const Host &host,
	    const std::vector<Authorisation> &granted) const;
	[[nodiscard]] std::optional<Outcome> refuseDuringTrial() const;
	static void tell(Warnings warnings, const FileNames &files,
	                 Outcome &outcome);
	void lookAround(Outcome &outcome) const;
	void keepGranted(std::vector<Authorisation> granted);
	void forgetRefused();
	void endTrial(BootTime now);
	Status lift();
	Outcome enforce(const Policy &policy, const Rules &rules);
	Outcome enforce(const Policy &policy, const Rules &rules,
	                const Host &host,
	                const std::vector<Authorisation> &granted,
	                Refusal refusal = Refusal::Waits);
	[[nodiscard]] Result<Host> readHost(const Policy &policy) const;
	[[nodiscard]] bool isAttached() const;
	[[nodiscard]] std::vector<CompiledInterface>
	newcomers(const Host &host) const;
	void noteFollowed(const Outcome &outcome);
	void enforceAgain(std::string_view why);
	void retryAttaching(BootTime now);
	void expirePeers(BootTime now);
	Status open();
	Status openBuffers();
	Status keepPins();
	Status settleRights(const Policy &policy);
	void recallGranted();
	void recallSources(bool all);
	void recallMissed(BootTime now);
	[[nodiscard]] std::string groupOf(const Prefix &peer) const;
	void measure(bool wanted);
	void publish(const Flow &flow);
	void publish(Alert alert);
	[[nodiscard]] std::string loggedBy(std::uint32_t counter) const;
	void handle(const cloak_event &event,
	            std::span<const std::uint8_t> head);

	Options options_;
	BootTime started_ = BootClock::now();
	Host host_;
	std::optional<PolicyInForce> inForce_;
	CompiledPolicy compiled_;
	Rules rules_;
	std::optional<Enforcer> enforcer_; //!< nothing: the cloak is off
	std::optional<PerfReader> reader_; //!< from the first time on
	/**
	 * Who was let in at run time, also while the policy lets them in
	 * anyway, or the cloak is off.
	 */
	std::vector<Authorisation> granted_;
	std::uint64_t missed_ = 0; //!< events that have not come here
	BootTime nextRecall_;      //!< of the sources that they were about
	BootTime nextAttempt_;     //!< at interfaces that refuse the programs
	std::string pinsLost_;     //!< why, as was said already
	std::string unfollowed_;   //!< why not, how interfaces have changed
	std::optional<BootTime> nextExpiry_;
	Outputs outputs_;
	FlowEvents flowEvents_{outputs_};
	Exporters exporters_;
	Tracker tracker_;
	Watch watch_;
	Mender mender_;
	bool rightsSettled_ = false;
	Fd measuring_;                //!< while the programs are measured
	std::optional<Trial> trial_;  //!< or one that was refused
	bool rollBackFailed_ = false; //!< said once
	std::vector<std::string> mistakes_;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_ENGINE_H
