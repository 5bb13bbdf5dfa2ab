// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_BPF_PROGRAMS_H
#define CLOAKLAKE_BPF_PROGRAMS_H

#include <cstdint>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/** How often a program ran and how long, while that was measured. */
struct ProgramStats {
	std::uint64_t runs = 0;
	std::uint64_t nanoseconds = 0;
};

[[nodiscard]] Result<ProgramStats> readProgramStats(int program);

/** By which the kernel tells of a program; 0 if there is none. */
[[nodiscard]] std::uint32_t programId(int program);

/**
 * Has the kernel measure all BPF programs until the descriptor is closed,
 * which costs each run some 20 ns.
 */
[[nodiscard]] Result<Fd> measurePrograms();

} // namespace cloak

#endif // CLOAKLAKE_BPF_PROGRAMS_H
