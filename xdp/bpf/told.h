// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What alerts have told of sources, where the end of the daemon does not reach
 * it: beside the accounts of the sources, in a map of user space alone.
 */
#ifndef CLOAKLAKE_BPF_TOLD_H
#define CLOAKLAKE_BPF_TOLD_H

#include <optional>
#include <string>
#include <vector>

#include "bpf/maps.h"

namespace cloak
{

/** A source that the data plane has an account of. */
struct KnownSource {
	cloak_source_key key{};
	cloak_source totals{};
	std::optional<cloak_told> told; //!< of this account, not a former one

	/** Whether it has done something that nobody was told of. */
	[[nodiscard]] bool hasNews() const
	{
		return !told || told->probes < totals.probes;
	}
};

/**
 * Opens the map "told" of @p pinRoot, or makes it; with an empty one it is not
 * pinned. A new one counts as told what was in the perf buffer of a daemon that
 * did not keep account, lest all of it be told again, and it is pinned when
 * that stands in it.
 */
[[nodiscard]] Result<ToldMap> openTold(const std::string &pinRoot,
                                       const SourceMap &sources);

/**
 * All sources: first those of whom everything is told, those seen last at the
 * end; then the others in the same order.
 */
[[nodiscard]] Result<std::vector<KnownSource>>
readSources(const CloakMaps &maps);

} // namespace cloak

#endif // CLOAKLAKE_BPF_TOLD_H
