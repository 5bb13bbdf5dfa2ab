// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Maps within arrays of maps.
 */
#ifndef CLOAKLAKE_BPF_INNER_H
#define CLOAKLAKE_BPF_INNER_H

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "cloak_abi.h"
#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/**
 * The map that hangs in @p outer under @p index; ENOENT if there is none.
 * It is opened by its pin: by its number only CAP_SYS_ADMIN may do that.
 */
[[nodiscard]] Result<Fd> innerMap(const OuterMap &outer, __u32 index,
                                  const std::string &name);

/**
 * An empty map like those in @p outer, with the BTF types of its keys and
 * values: an array of maps takes only such as agree in having them (Linux 6.1).
 * @param entries how many it may hold; 0: as many as the model.
 */
[[nodiscard]] Result<Fd> emptyCopy(const OuterMap &outer,
                                   const std::string &name, __u32 entries = 0);

/** What the kernel knows of a map. */
[[nodiscard]] Result<bpf_map_info> describeMap(const Fd &map,
                                               const std::string &name);

/** How many entries a map may hold. */
[[nodiscard]] Result<__u32> sizeOfMap(const Fd &map, const std::string &name);

/** Puts a map into an array of maps, and pins it if that one is pinned. */
Status hangMap(const OuterMap &outer, __u32 index, const Fd &inner,
               const std::string &name);

/**
 * The same for many in one call: the kernel waits each time, until no program
 * can have the former one in its hands, and newer ones only at the end of it.
 */
Status hangMaps(const OuterMap &outer,
                std::span<const std::pair<__u32, Fd>> inner,
                const std::string &name);

/**
 * The same for the model, under index 0, where a new object has it already. One
 * that was left there before the first policy stays, with what is in it.
 */
Status hangModel(const OuterMap &outer, const std::string &name);

/** Writes values to an array from @p first on, in one call. */
Status writeArray(const Fd &map, __u32 first, const void *values, __u32 count,
                  const std::string &name);

/** Reads values of an array from @p first on, in one call. */
Status readArray(const Fd &map, __u32 first, void *values, __u32 count,
                 const std::string &name);

} // namespace cloak

#endif // CLOAKLAKE_BPF_INNER_H
