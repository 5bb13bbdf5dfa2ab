// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The accounts of sources. A CPU counts in a part of them that is its own (see
 * cloak_source): only what is read here is the whole of it.
 */
#ifndef CLOAKLAKE_BPF_SOURCES_H
#define CLOAKLAKE_BPF_SOURCES_H

#include <optional>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "cloak_abi.h"
#include "util/result.h"

namespace cloak
{

/** All accounts. */
[[nodiscard]] Result<std::vector<std::pair<cloak_source_key, cloak_source>>>
readAccounts(const SourceMap &sources);

/** The account of one source, if it has one. */
[[nodiscard]] Result<std::optional<cloak_source>>
readAccount(const SourceMap &sources, const cloak_source_key &key);

} // namespace cloak

#endif // CLOAKLAKE_BPF_SOURCES_H
