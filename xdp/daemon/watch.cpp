// SPDX-License-Identifier: Apache-2.0
#include "daemon/watch.h"

#include <spdlog/spdlog.h>

namespace cloak
{

Watch::Watch(Collector::NameOf nameOf)
    : collector_(
	  [this](const Flow &flow) {
		  if (follower_)
			  follower_(flow);
	  },
	  std::move(nameOf))
{
}

Status Watch::open()
{
	if (buffer_)
		return {};
	auto buffer = Recorder::openBuffer();
	if (!buffer)
		return buffer.error();
	buffer_.emplace(std::move(*buffer));
	return {};
}

void Watch::start(const CloakMaps &maps, const SeeingPolicy &policy)
{
	const bool same = maps_ == &maps && recording_ == policy.evidence;

	maps_ = &maps;
	collector_.configure(policy.flows);
	if (!same)
		record(policy.evidence);
}

void Watch::record(const EvidencePolicy &policy)
{
	recording_ = policy;
	recorder_.reset();
	if (policy.folder.empty() || !buffer_)
		return;
	auto recorder = Recorder::open(*maps_, policy, *buffer_);
	if (recorder)
		recorder_ = std::move(*recorder);
	else
		spdlog::error("{}", recorder.error().message());
}

void Watch::stop()
{
	if (maps_ == nullptr)
		return;
	recorder_.reset();
	complain(collector_.closeAll(*maps_, std::nullopt));
	maps_ = nullptr;
	shadows_ = 0;
}

void Watch::tick(BootTime now)
{
	if (maps_ == nullptr)
		return;
	complain(collector_.collect(*maps_, now));
	auto shadows = expireShadows(*maps_, now);
	if (!shadows) {
		complain(shadows.error());
		return;
	}
	shadows_ = shadows->going;
	crowdedOut_ += shadows->crowdedOut;
}

/** Once, until it works again. */
void Watch::complain(const Status &status)
{
	if (!status && !complained_)
		spdlog::error("{}", status.error().message());
	complained_ = !status;
}

Result<bool> Watch::drop(const IpAddress &source)
{
	if (maps_ == nullptr)
		return Error("the cloak is off");
	auto dropped = dropShadow(*maps_, source);
	if (dropped && *dropped)
		complain(collector_.closeAll(*maps_, source));
	return dropped;
}

std::optional<WallTime>
Watch::shadowedUntil(const std::optional<IpAddress> &source) const
{
	if (maps_ == nullptr || !source)
		return std::nullopt;
	auto shadow = findShadow(*maps_, *source, BootClock::now());
	if (!shadow || !*shadow)
		return std::nullopt;
	return toWall((*shadow)->until());
}

std::optional<Recorder::Stats> Watch::evidence() const
{
	if (!recorder_)
		return std::nullopt;
	return recorder_->stats();
}

} // namespace cloak
