// SPDX-License-Identifier: Apache-2.0
#include "alerts/campaign.h"

namespace cloak
{
namespace
{

bool isCampaign(const Campaign &campaign, std::size_t least)
{
	return campaign.sources.size() >= least &&
	       campaign.sources.size() <= Campaigns::kMostSources;
}

} // namespace

Campaigns::Target &Campaigns::remember(const IpAddress &address)
{
	auto known = byAddress_.find(address);

	if (known != byAddress_.end()) {
		targets_.splice(targets_.begin(), targets_, known->second);
		return targets_.front();
	}
	if (targets_.size() >= kMostTargets) {
		byAddress_.erase(targets_.back().address);
		targets_.pop_back();
	}
	targets_.push_front({address, {}});
	byAddress_[address] = targets_.begin();
	return targets_.front();
}

std::optional<Campaign> Campaigns::add(const Probe &probe)
{
	const auto source = probe.source();
	const auto address = probe.target();
	const auto port = probe.port();

	if (!source || !address || !port)
		return std::nullopt;
	auto &sightings = remember(*address).sightings;
	while (!sightings.empty() &&
	       (sightings.size() >= kMostProbes ||
	        probe.time() - sightings.front().time > kWindow))
		sightings.pop_front();
	sightings.push_back({probe.time(), *source, *port});

	Campaign decoys{AlertClass::DecoyScan, {}};
	Campaign all{AlertClass::DistributedScan, {}};
	for (const Sighting &one : sightings) {
		all.sources.insert(one.source);
		if (one.port == *port &&
		    probe.time() - one.time <= kDecoyWindow)
			decoys.sources.insert(one.source);
	}
	if (isCampaign(decoys, kDecoySources))
		return decoys;
	if (isCampaign(all, kSources))
		return all;
	return std::nullopt;
}

} // namespace cloak
