// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * MAC addresses of peers, so that the host need not broadcast to find them.
 */
#ifndef CLOAKLAKE_BPF_NEIGHBOURS_H
#define CLOAKLAKE_BPF_NEIGHBOURS_H

#include "bpf/maps.h"
#include "util/result.h"

namespace cloak
{

/**
 * Copies the kernel's neighbour table of @p ifindex into the map from which
 * the egress half takes the MAC for its unicast ARP and ND requests. Call it
 * after attach(): afterwards the data plane learns by itself from what the
 * host sends. Entries that are there already are kept.
 *
 * @returns how many were added.
 */
[[nodiscard]] Result<unsigned> seedNeighbours(const CloakMaps &maps,
                                              unsigned ifindex);

} // namespace cloak

#endif // CLOAKLAKE_BPF_NEIGHBOURS_H
