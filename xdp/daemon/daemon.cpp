// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <csignal>

#include "daemon/commands.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/report.h"
#include "daemon/session_guard.h"
#include "daemon/wakeups.h"
#include "util/json.h"

namespace cloak
{
namespace
{

constexpr std::chrono::milliseconds kTick(1000);

/** systemd is told of numbers that have changed no more often than that. */
constexpr std::chrono::seconds kBetweenStatus(5);

void logWarnings(const Outcome &outcome)
{
	for (const std::string &warning : outcome.warnings)
		spdlog::warn("{}", warning);
}

/** Says what is wrong, each error of a policy in a line of its own. */
void logFailure(const Outcome &outcome)
{
	for (const Diagnostic &error : outcome.errors)
		spdlog::error("{}", toString(error, outcome.files));
	if (outcome.failure)
		spdlog::error("{}", outcome.failure->message());
}

} // namespace

Daemon::Daemon(Loop &loop, Engine::Options options)
    : loop_(loop), engine_(std::move(options)),
      control_(loop,
               [this](const Request &request, const PeerCredentials &peer) {
		       return onRequest(request, peer);
	       }),
      metrics_(loop,
               [this] { return renderMetrics(engine_, control_.stats()); })
{
	engine_.outputs().follow([this](const PublishedAlert &alert) {
		control_.broadcast(
		    ControlServer::Topic::Alerts,
		    "{\"text\":" + toLine(nlohmann::json(alert.text)) +
			",\"eve\":" + alert.eve + "}");
	});
	engine_.flowEvents().follow(
	    [this] { return control_.isFollowed(ControlServer::Topic::Flows); },
	    [this](const std::string &eve) {
		    control_.broadcast(ControlServer::Topic::Flows, eve);
	    });
}

Status Daemon::start(const ControlServer::Options &control)
{
	Status watching = watch();
	if (!watching)
		return watching;
	Status listening = control_.listen(control);
	if (!listening)
		return listening;
	const Outcome outcome = engine_.start();
	logWarnings(outcome);
	if (!outcome.ok()) {
		logFailure(outcome);
		return Error("the policy could not be put in force: " +
		             engine_.options().policyPath);
	}
	followPolicy();
	spdlog::info("{}", summarise(engine_));
	tellReady();
	return {};
}

Status Daemon::watch()
{
	auto signals = openSignals({SIGTERM, SIGINT, SIGHUP});
	if (!signals)
		return signals.error();
	auto ticker = openTicker(kTick);
	if (!ticker)
		return ticker.error();
	auto addresses = openAddressWatch();
	if (!addresses)
		return addresses.error();
	auto filters = openFilterWatch();
	if (!filters)
		return filters.error();
	signals_ = std::move(*signals);
	ticker_ = std::move(*ticker);
	addresses_ = std::move(*addresses);
	filters_ = std::move(*filters);
	Status added = loop_.add(signals_.get(), EPOLLIN,
	                         [this](std::uint32_t) { onSignals(); });
	if (added) {
		added = loop_.add(
		    ticker_.get(), EPOLLIN,
		    [this](std::uint32_t) { onTick(); });
	}
	if (added) {
		added = loop_.add(
		    addresses_.get(), EPOLLIN,
		    [this](std::uint32_t) { onHostChange(); });
	}
	if (added) {
		added = loop_.add(
		    filters_.get(), EPOLLIN,
		    [this](std::uint32_t) { onFilterChange(); });
	}
	return added;
}

Status Daemon::run()
{
	Status ended = loop_.run();

	notifyStopping();
	engine_.stop();
	spdlog::info("stopped; {}", engine_.enforcer() != nullptr
	                                ? "what is cloaked stays cloaked"
	                                : "the cloak is off");
	if (failure_)
		return *failure_;
	return ended;
}

void Daemon::onSignals()
{
	for (const int signal : readSignals(signals_.get()))
		if (signal == SIGHUP)
			reload();
		else
			loop_.stop();
}

void Daemon::reload()
{
	notifyReloading();
	const Outcome outcome = engine_.reload(guardLogins(engine_));
	logWarnings(outcome);
	logFailure(outcome);
	if (outcome.ok())
		spdlog::info("reloaded; {}", summarise(engine_));
	else
		spdlog::error("not reloaded; nothing was changed");
	followPolicy();
	tellReady();
}

void Daemon::onTick()
{
	drain(ticker_.get());
	engine_.tick();
	control_.tick();
	serveMetrics();
	followCpus();
	followStatus();
	notifyAlive();
}

/**
 * A CPU whose events cannot be read, as the right to do so is given up, is for
 * the next daemon, if somebody starts one.
 */
void Daemon::followCpus()
{
	Status followed = engine_.followCpus();

	if (!followed && isSupervised()) {
		failure_ = followed.error();
		loop_.stop();
	} else if (!followed && !complained_) {
		spdlog::error("{}: what it drops is not told of until cloakd "
		              "is started again",
		              followed.error().message());
	}
	complained_ = !followed;
}

/** At once, as the interface that has come may be one to cloak. */
void Daemon::onHostChange()
{
	drain(addresses_.get());
	engine_.refreshHost();
}

/** At once, as nothing is hidden of what the host says meanwhile. */
void Daemon::onFilterChange()
{
	drain(filters_.get());
	engine_.mend();
}

ControlServer::Reply Daemon::onRequest(const Request &request,
                                       const PeerCredentials &peer)
{
	spdlog::debug("control: user {} asks for {}", peer.uid,
	              request.command);
	ControlServer::Reply reply = execute(engine_, request);
	if (request.command == "status" && reply.response.ok)
		reply.response.result["control"] =
		    reportControl(control_.stats());
	followPolicy();
	followStatus();
	auto &result = reply.response.result;
	if (!unserved_.empty() && reply.response.ok &&
	    result.contains("warnings"))
		result["warnings"].push_back(unserved_);
	return reply;
}

void Daemon::tellReady()
{
	state_ = stateOf(engine_);
	status_ = summarise(engine_);
	nextStatus_ = BootClock::now() + kBetweenStatus;
	notifyReady(status_);
}

/** What "systemctl status" shows: the state at once, numbers now and then. */
void Daemon::followStatus()
{
	const BootTime now = BootClock::now();
	const std::string state = stateOf(engine_);

	if (state == state_ && now < nextStatus_)
		return;
	const std::string status = summarise(engine_);
	if (status == status_)
		return;
	notifyStatus(status);
	state_ = state;
	status_ = status;
	nextStatus_ = now + kBetweenStatus;
}

/** What the policy says of the daemon itself. */
void Daemon::followPolicy()
{
	followEvents();
	serveMetrics();
}

/** Where that is impossible, it may be possible later; it is said once. */
void Daemon::serveMetrics()
{
	if (!engine_.inForce())
		return;
	const LocalEndpoint &listen =
	    engine_.inForce()->policy.seeing.metrics.listen;
	const Status served = metrics_.configure(listen);
	const std::string failure = served ? "" : served.error().message();

	if (failure == unserved_)
		return;
	if (!served)
		spdlog::error("{}; it is tried again", failure);
	else if (!listen.isNone())
		spdlog::info("metrics are served at {}", toString(listen));
	unserved_ = failure;
}

/** The descriptor of events comes and goes with the cloak. */
void Daemon::followEvents()
{
	const int now = engine_.eventsFd();

	if (now == events_)
		return;
	if (events_ >= 0)
		loop_.remove(events_);
	events_ = now;
	if (now < 0)
		return;
	auto added = loop_.add(
	    now, EPOLLIN, [this](std::uint32_t) { engine_.consumeEvents(); });
	if (!added)
		spdlog::error("{}", added.error().message());
}

} // namespace cloak
