// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * All receivers of a policy.
 */
#ifndef CLOAKLAKE_EXPORT_EXPORTERS_H
#define CLOAKLAKE_EXPORT_EXPORTERS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "export/receivers.h"
#include "model/flow.h"
#include "policy/seeing.h"

namespace cloak
{

/** Gives flows and alerts to those who receive them elsewhere. */
class Exporters
{
public:
	/** What had to be given up, and who is being given up. */
	struct Losses {
		std::uint64_t flows = 0;
		std::uint64_t alerts = 0;
		std::size_t leaving = 0; //!< receivers that are no more
	};

	/** @param folder where alerts are kept for receivers that are away. */
	explicit Exporters(std::string folder);
	Exporters(const Exporters &) = delete;
	Exporters &operator=(const Exporters &) = delete;

	/** Ends all at the same time, and within seconds. */
	~Exporters();

	/**
	 * Begins with new ones, ends those that the policy no longer has. Waits
	 * for nobody: those end beside.
	 */
	void configure(const SeeingPolicy &policy);

	/** Call it about once a second. */
	void tick();

	/** Never waits. */
	void flow(const Flow &flow);

	/** Never waits. @param message one of syslogMessage(). */
	void alert(const std::string &message) { syslog_.push(message); }

	[[nodiscard]] bool wantsAlerts() const { return !syslog_.empty(); }

	/** Each by its table and endpoint: "ipfix tcp://10.0.0.1:4739". */
	[[nodiscard]] std::vector<std::pair<std::string, CourierStats>>
	stats() const;

	[[nodiscard]] Losses losses() const
	{
		return {ipfix_.lost(), syslog_.lost(),
		        ipfix_.leaving() + syslog_.leaving()};
	}

private:
	void removeStrays(const SeeingPolicy &policy);

	std::string folder_;
	bool configured_ = false;
	Receivers<Flow> ipfix_;
	Receivers<std::string> syslog_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_EXPORTERS_H
