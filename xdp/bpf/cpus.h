// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_BPF_CPUS_H
#define CLOAKLAKE_BPF_CPUS_H

#include <optional>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace cloak
{

/** Reads a list of numbers and ranges: "0-3,5", nothing if it is none. */
[[nodiscard]] std::optional<std::vector<unsigned>>
parseCpuList(std::string_view text);

/** The CPUs that run now, in ascending order. */
[[nodiscard]] Result<std::vector<unsigned>> onlineCpus();

} // namespace cloak

#endif // CLOAKLAKE_BPF_CPUS_H
