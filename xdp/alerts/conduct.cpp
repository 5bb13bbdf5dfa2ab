// SPDX-License-Identifier: Apache-2.0
#include "alerts/conduct.h"

#include <algorithm>

#include "bpf/counters.h"

namespace cloak
{
namespace
{

/**
 * What no operating system sends when a program connects: SYNs without the
 * options that it would offer, and flags that do not go together. Not ACKs and
 * FINs with ACK, as of a connection that is older than the cloak.
 */
constexpr std::uint32_t kCrafted = 1U << CLOAK_KIND_SYN | 1U << CLOAK_KIND_FIN |
                                   1U << CLOAK_KIND_NULL |
                                   1U << CLOAK_KIND_XMAS | 1U << CLOAK_KIND_OS;

bool isSlow(const cloak_source &totals)
{
	const std::chrono::nanoseconds span(totals.last_ns - totals.first_ns);

	return totals.probes > 1 &&
	       span / (totals.probes - 1) >= Conduct::kSlowFrom;
}

} // namespace

std::uint64_t Conduct::portCount() const
{
	return std::max<std::uint64_t>(estimateDistinct(totals.ports),
	                               seen.portCount());
}

std::uint64_t Conduct::targetCount() const
{
	return std::max<std::uint64_t>(estimateDistinct(totals.targets),
	                               seen.allTargets().size());
}

AlertClass Conduct::kind() const
{
	if (decoy)
		return AlertClass::Decoy;
	if (campaign)
		return campaign->kind;
	const std::uint64_t ports = portCount();
	const std::uint64_t targets = targetCount();
	if (!isScan(ports) && !isScan(targets))
		return AlertClass::Probe;
	if (isSlow(totals))
		return AlertClass::SlowScan;
	return targets > ports ? AlertClass::PortSweep : AlertClass::PortScan;
}

bool Conduct::isScan(std::uint64_t different) const
{
	const bool crafted = (totals.kinds & kCrafted) != 0;

	return different >= kScanFrom ||
	       (crafted && totals.probes >= kScanFrom &&
	        different >= kCraftedFrom);
}

Alert Conduct::alert() const
{
	Alert alert;

	alert.kind = kind();
	alert.seen = seen;
	alert.totals = totals;
	alert.portCount = portCount();
	alert.targetCount = targetCount();
	alert.campaign = campaign;
	return alert;
}

} // namespace cloak
