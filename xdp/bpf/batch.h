// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A whole hash map in few system calls.
 */
#ifndef CLOAKLAKE_BPF_BATCH_H
#define CLOAKLAKE_BPF_BATCH_H

#include <utility>
#include <vector>

#include "bpf/maps.h"

namespace cloak
{

/**
 * All entries of @p map, a hash, at most @p most of them. As with
 * Map::entries() what programs change meanwhile may be seen or not, but no
 * key is seen twice.
 */
template <typename Key, typename Value>
[[nodiscard]] Result<std::vector<std::pair<Key, Value>>>
readBatch(const Map<Key, Value> &map, std::size_t most)
{
	// More than ever share a bucket, else the kernel says ENOSPC.
	constexpr __u32 kChunk = 1024;
	std::vector<std::pair<Key, Value>> found;
	std::vector<Key> keys(kChunk);
	std::vector<Value> values(kChunk);
	__u32 cursor = 0;
	bool first = true;
	bool last = false;

	while (!last && found.size() < most) {
		__u32 count = kChunk;

		if (bpf_map_lookup_batch(map.fd(), first ? nullptr : &cursor,
		                         &cursor, keys.data(), values.data(),
		                         &count, nullptr)) {
			if (errno != ENOENT)
				return Error::fromErrno("cannot list map " +
				                        map.name());
			last = true;
		}
		first = false;
		for (__u32 i = 0; i < count; i++)
			found.emplace_back(keys[i], values[i]);
	}
	return found;
}

} // namespace cloak

#endif // CLOAKLAKE_BPF_BATCH_H
