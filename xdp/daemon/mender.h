// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Puts back what others take off interfaces that are cloaked.
 */
#ifndef CLOAKLAKE_DAEMON_MENDER_H
#define CLOAKLAKE_DAEMON_MENDER_H

#include <array>
#include <cstdint>

#include "bpf/half.h"
#include "policy/enforce.h"
#include "util/clock.h"

namespace cloak
{

/** Looks after what hangs on the interfaces, counts and tells what was gone. */
class Mender
{
public:
	/** How often each part was gone, in the order of kHalves. */
	using Removed = std::array<std::uint64_t, kHalves.size()>;

	/**
	 * Looks, and puts back what is missing. Not for a while after it had
	 * to: who takes it away again at once would keep both busy.
	 */
	void look(Enforcer &enforcer, const CompiledPolicy &policy,
	          BootTime now);

	[[nodiscard]] const Removed &removed() const { return removed_; }

private:
	void note(const Mended &mended);

	Removed removed_{};
	BootTime next_;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_MENDER_H
