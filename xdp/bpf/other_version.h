// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Pins of a release whose maps are not those of this one.
 *
 * Of these only what cloak_abi.h promises for all versions is read. The
 * programs that work on such maps keep them, pinned or not, until others take
 * their place, so that the cloak is on all that time.
 */
#ifndef CLOAKLAKE_BPF_OTHER_VERSION_H
#define CLOAKLAKE_BPF_OTHER_VERSION_H

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "util/result.h"

namespace cloak
{

/** What a cloak of another version has that goes on. */
struct OtherVersion {
	__u32 version = 0; //!< its CLOAK_ABI_VERSION
	/** The peers in force; nothing if their entries are other ones. */
	std::optional<std::vector<std::pair<cloak_prefix, cloak_peer>>> peers;
};

/**
 * The CLOAK_ABI_VERSION of the pins in @p pinRoot: 0 if who made them has not
 * got so far as to say it, nothing if there are none.
 */
[[nodiscard]] Result<std::optional<__u32>>
pinnedVersion(const std::string &pinRoot);

/** The cloak pinned in @p pinRoot, if it is of another version. */
[[nodiscard]] Result<std::optional<OtherVersion>>
readOtherVersion(const std::string &pinRoot);

} // namespace cloak

#endif // CLOAKLAKE_BPF_OTHER_VERSION_H
