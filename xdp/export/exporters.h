// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * All receivers of a policy.
 */
#ifndef CLOAKLAKE_EXPORT_EXPORTERS_H
#define CLOAKLAKE_EXPORT_EXPORTERS_H

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "export/courier.h"
#include "model/flow.h"
#include "policy/seeing.h"

namespace cloak
{

/** Gives flows and alerts to those who receive them elsewhere. */
class Exporters
{
public:
	Exporters() = default;
	Exporters(const Exporters &) = delete;
	Exporters &operator=(const Exporters &) = delete;

	/** Ends all at the same time. */
	~Exporters();

	/** Begins with new ones, ends those that the policy no longer has. */
	void configure(const SeeingPolicy &policy);

	/** Never waits. */
	void flow(const Flow &flow);

	/** Never waits. @param message one of syslogMessage(). */
	void alert(const std::string &message);

	[[nodiscard]] bool wantsAlerts() const { return !syslog_.empty(); }

	/** Each by its table and endpoint: "ipfix tcp://10.0.0.1:4739". */
	[[nodiscard]] std::vector<std::pair<std::string, CourierStats>>
	stats() const;

private:
	template <typename Item>
	using Couriers = std::vector<std::unique_ptr<Courier<Item>>>;

	Couriers<Flow> ipfix_;
	Couriers<std::string> syslog_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_EXPORTERS_H
