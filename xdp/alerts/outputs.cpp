// SPDX-License-Identifier: Apache-2.0
#include "alerts/outputs.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "alerts/eve.h"
#include "alerts/text.h"
#include "util/json.h"
#include "util/log.h"

namespace cloak
{
namespace
{

/** sd-daemon(3): journald takes this for the priority "warning". */
constexpr std::string_view kJournalWarning = "<4>";

/** A summary tells of the time up to now, a probe has its own. */
WallTime timeOf(const Alert &alert)
{
	return toWall(alert.summary ? BootClock::now() : alert.probe.time());
}

} // namespace

void Outputs::configure(const OutputPolicy &policy)
{
	textPrefix_ = isJournal(STDOUT_FILENO) ? kJournalWarning : "";
	if (!policy.text) {
		text_.reset();
	} else if (!text_) {
		text_ = std::make_unique<LineQueue>(
		    std::make_unique<StreamSink>(STDOUT_FILENO, "stdout"));
	}
	if (policy.eve.empty()) {
		eve_.reset();
	} else if (!eve_ || evePath_ != policy.eve) {
		eve_ = std::make_unique<LineQueue>(
		    std::make_unique<FileSink>(policy.eve));
	}
	evePath_ = policy.eve;
}

PublishedAlert Outputs::publish(const Alert &alert)
{
	PublishedAlert published{};
	const std::string text = describe(alert);

	published.number = ++published_;
	published.time = timeOf(alert);
	published.text =
	    fmt::format("{} {}", localTime(published.time, "%FT%T%z"), text);
	published.eve = toLine(toEve(alert, published.time));
	if (text_)
		text_->push(textPrefix_ + text);
	if (eve_)
		eve_->push(published.eve);
	if (follower_)
		follower_(published);
	recent_.push_back(published);
	if (recent_.size() > kKept)
		recent_.pop_front();
	return published;
}

void Outputs::publishEvent(const std::string &eve)
{
	if (eve_)
		eve_->pushMinor(eve);
}

std::vector<PublishedAlert> Outputs::recent(WallTime since,
                                            std::uint64_t after) const
{
	std::vector<PublishedAlert> found;

	for (const PublishedAlert &alert : recent_)
		if (alert.time >= since && alert.number > after)
			found.push_back(alert);
	return found;
}

std::map<std::string, LineQueue::Stats> Outputs::stats() const
{
	std::map<std::string, LineQueue::Stats> all;

	if (text_)
		all["stdout"] = text_->stats();
	if (eve_)
		all[evePath_] = eve_->stats();
	return all;
}

} // namespace cloak
