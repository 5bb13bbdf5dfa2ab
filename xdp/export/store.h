// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What waits for a receiver, where the end of the daemon does not reach it.
 */
#ifndef CLOAKLAKE_EXPORT_STORE_H
#define CLOAKLAKE_EXPORT_STORE_H

#include <vector>

#include "util/result.h"

namespace cloak
{

/**
 * Keeps items in their order. Belongs to one thread, which may wait for the
 * disk.
 */
template <typename Item> class Store
{
public:
	Store() = default;
	Store(const Store &) = delete;
	Store &operator=(const Store &) = delete;
	virtual ~Store() = default;

	/** What a former daemon has left, once and before all else. */
	[[nodiscard]] virtual Result<std::vector<Item>> recall() = 0;

	/** Keeps @p items behind what is kept, all of them or none. */
	virtual Status keep(const std::vector<Item> &items) = 0;

	/** The first ones, @p items, have been delivered. */
	virtual Status drop(const std::vector<Item> &items) = 0;

	/** Nothing is kept any more. */
	virtual Status clear() = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_STORE_H
