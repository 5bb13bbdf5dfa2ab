// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The Bloom filter that tells most strangers from peers, see cloak_peer_filter.
 */
#ifndef CLOAKLAKE_BPF_PEER_FILTER_H
#define CLOAKLAKE_BPF_PEER_FILTER_H

#include <memory>

#include "cloak_abi.h"

namespace cloak
{

/**
 * The filter of one policy while it is written. Where a family has prefixes of
 * more lengths than CLOAK_FILTER_LENGTHS, nobody of it is filtered.
 */
class PeerFilter
{
public:
	PeerFilter();

	/** Lets pass whoever is in @p prefix, beside others. */
	void add(const cloak_prefix &prefix);

	/** @param generation of the policy, see CLOAK_SLOT. */
	[[nodiscard]] const cloak_peer_filter &image(__u64 generation);

private:
	std::unique_ptr<cloak_peer_filter> image_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_PEER_FILTER_H
