// SPDX-License-Identifier: Apache-2.0
#include "daemon/mender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace cloak
{
namespace
{

/** Less than a tick of the daemon, which looks each time. */
constexpr std::chrono::milliseconds kBetweenLooks(500);

} // namespace

void Mender::look(Enforcer &enforcer, const CompiledPolicy &policy,
                  BootTime now)
{
	if (now < next_)
		return;
	const auto mended = enforcer.mend(policy);
	for (const Mended &one : mended)
		note(one);
	if (!mended.empty())
		next_ = now + kBetweenLooks;
}

void Mender::note(const Mended &mended)
{
	std::string parts;

	for (std::size_t i = 0; i < kHalves.size(); ++i) {
		const HalfName &name = kHalves.at(i);
		if (std::ranges::find(mended.removed, name.half) ==
		    mended.removed.end())
			continue;
		removed_.at(i)++;
		parts += parts.empty() ? "" : " and ";
		parts += name.text;
	}
	if (mended.failure) {
		spdlog::error("others have removed {} of {}, it is tried "
		              "again: {}",
		              parts, mended.interface,
		              mended.failure->message());
	} else {
		spdlog::warn("others have removed {} of {}; put back", parts,
		             mended.interface);
	}
}

} // namespace cloak
