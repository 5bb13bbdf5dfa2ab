// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_DAEMON_H
#define CLOAKLAKE_DAEMON_DAEMON_H

#include <optional>

#include "daemon/control.h"
#include "daemon/engine.h"
#include "daemon/loop.h"
#include "daemon/metrics_server.h"

namespace cloak
{

/** Ties the engine to its events: signals, time, interfaces, commands. */
class Daemon
{
public:
	/** @param loop must outlive the daemon. */
	Daemon(Loop &loop, Engine::Options options);

	/** Applies the policy file, then listens. Says what went wrong. */
	Status start(const ControlServer::Options &control);

	/** Runs until a signal ends it; the cloak stays on. */
	Status run();

private:
	Status watch();
	void onSignals();
	void onTick();
	void followCpus();
	void onHostChange();
	void onFilterChange();
	void reload();
	ControlServer::Reply onRequest(const Request &request,
	                               const PeerCredentials &peer);
	void followEvents();
	void followPolicy();
	void serveMetrics();
	void tellReady();
	void followStatus();

	Loop &loop_;
	Engine engine_;
	ControlServer control_;
	MetricsServer metrics_;
	Fd signals_;
	Fd ticker_;
	Fd addresses_;
	Fd filters_;
	std::optional<Error> failure_; //!< for which another daemon is wanted
	bool complained_ = false;
	std::string unserved_; //!< why there are no metrics, as was said
	std::string state_;    //!< of the cloak, as systemd was told
	std::string status_;   //!< and all that it was told
	BootTime nextStatus_;  //!< with other numbers in it
	int events_ = -1;      //!< the descriptor of the engine that is watched
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_DAEMON_H
