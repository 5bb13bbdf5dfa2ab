// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The maps of the data plane as typed handles, and where they are pinned.
 */
#ifndef CLOAKLAKE_BPF_MAPS_H
#define CLOAKLAKE_BPF_MAPS_H

#include <bpf/bpf.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cloak_abi.h"
#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/** Where everything is pinned unless an option says otherwise. */
inline constexpr const char *kDefaultPinRoot = "/sys/fs/bpf/cloaklake";

/**
 * A BPF map with one value for each key. Owns its descriptor.
 *
 * Operations are single bpf(2) calls: each is atomic for the key it touches.
 */
template <typename Key, typename Value> class Map
{
public:
	Map() = default;

	/** @param name is for error messages only. */
	Map(Fd fd, std::string name)
	    : fd_(std::move(fd)), name_(std::move(name))
	{
	}

	[[nodiscard]] int fd() const { return fd_.get(); }
	[[nodiscard]] const Fd &handle() const { return fd_; }
	[[nodiscard]] const std::string &name() const { return name_; }

	/** Writes @p value under @p key, whether the key was there or not. */
	Status put(const Key &key, const Value &value) const
	{
		if (bpf_map_update_elem(fd(), &key, &value, BPF_ANY))
			return Error::fromErrno("cannot write to map " + name_);
		return {};
	}

	/** The same if the key was not there. @returns whether it was not. */
	[[nodiscard]] Result<bool> add(const Key &key, const Value &value) const
	{
		if (!bpf_map_update_elem(fd(), &key, &value, BPF_NOEXIST))
			return true;
		if (errno == EEXIST)
			return false;
		return Error::fromErrno("cannot write to map " + name_);
	}

	/** The value under @p key, nothing if there is none. */
	[[nodiscard]] Result<std::optional<Value>> get(const Key &key) const
	{
		Value value{};

		if (!bpf_map_lookup_elem(fd(), &key, &value))
			return std::optional<Value>(value);
		if (errno == ENOENT)
			return std::optional<Value>();
		return Error::fromErrno("cannot read map " + name_);
	}

	/** Removes @p key. @returns whether it was there. */
	Result<bool> erase(const Key &key) const
	{
		if (!bpf_map_delete_elem(fd(), &key))
			return true;
		if (errno == ENOENT)
			return false;
		return Error::fromErrno("cannot delete from map " + name_);
	}

	/**
	 * All keys now in the map. While programs write to it the list may
	 * lack new keys or have keys that are gone since.
	 */
	[[nodiscard]] Result<std::vector<Key>> keys() const
	{
		std::vector<Key> found;
		Key next{};
		int err = bpf_map_get_next_key(fd(), nullptr, &next);

		while (!err && found.size() < kMostKeys) {
			found.push_back(next);
			err = bpf_map_get_next_key(fd(), &found.back(), &next);
		}
		if (err && errno != ENOENT)
			return Error::fromErrno("cannot list map " + name_);
		return found;
	}

	/** All keys with their values; keys that vanish meanwhile are left out.
	 */
	[[nodiscard]] Result<std::vector<std::pair<Key, Value>>> entries() const
	{
		std::vector<std::pair<Key, Value>> found;
		auto list = keys();

		if (!list)
			return list.error();
		for (const Key &key : *list) {
			auto value = get(key);
			if (!value)
				return value.error();
			if (*value)
				found.emplace_back(key, **value);
		}
		return found;
	}

private:
	// A deleted cursor makes get_next_key start again: a bound, so that a
	// busy map cannot hold the caller for ever.
	static constexpr std::size_t kMostKeys = 1U << 20U;

	Fd fd_;
	std::string name_;
};

using IfaceMap = Map<__u32, cloak_iface>;
using IfaceCacheMap = Map<__u32, cloak_cached_iface>;
using PeerFilterMap = Map<__u32, cloak_peer_filter>;
using AddressMap = Map<cloak_addr, cloak_address>;
using PeerMap = Map<cloak_prefix, cloak_peer>;
using SourceMap = Map<cloak_source_key, cloak_source>;
using ToldMap = Map<cloak_source_key, cloak_told>;
using FlowMap = Map<cloak_flow_key, __u64>;
using ConnectionMap = Map<cloak_flow_key, cloak_connection>;
using NeighbourMap = Map<cloak_neighbour_key, cloak_neighbour>;
using StationFilterMap = Map<__u32, __u64>;
using StationMap = Map<cloak_station_key, cloak_station>;
using DecoyMap = Map<cloak_addr, cloak_decoy>;
using ShadowMap = Map<cloak_addr, cloak_shadow>;
using RecordMap = Map<cloak_record_key, cloak_split_record>;

/** An array of maps; see bpf/inner.h. */
struct OuterMap {
	Fd fd;
	std::string pins; //!< where those in it are pinned, "-INDEX" follows
	Fd model;         //!< what they look like; only with a CloakObject
	Fd types;         //!< BTF that the model's types are in
};

/**
 * All maps of one data plane: opened from their pins (cloakctl), or handed
 * out by the CloakObject that has loaded them (cloakd, tests).
 */
struct CloakMaps {
	/**
	 * Opens the maps pinned under @p pinRoot.
	 * Fails with ENOENT if no cloak is loaded, and with a sentence if the
	 * pins are those of another version (CLOAK_ABI_VERSION).
	 */
	[[nodiscard]] static Result<CloakMaps>
	openPinned(const std::string &pinRoot = kDefaultPinRoot);

	Fd generation;             //!< array, one __u64; see CLOAK_SLOT
	OuterMap ifaceSlots;       //!< array of maps: interfaces of each slot
	IfaceCacheMap ifaceCache;  //!< the same, quicker
	PeerFilterMap peerFilters; //!< of the peers of each slot
	OuterMap
	    addressSlots;    //!< array of maps: cloaked addresses of each slot
	OuterMap peerSlots;  //!< array of maps: peers of each slot
	OuterMap tableSlots; //!< array of maps: tables of rules, see RuleMaps
	OuterMap tupleSlots;
	OuterMap bucketSlots;
	OuterMap entrySlots;
	OuterMap ruleCounters; //!< array of maps, see RuleCounters
	OuterMap counterKeys;
	Map<__u32, cloak_config> config;
	Fd counters;   //!< per CPU, see readCounters()
	Fd eventStats; //!< per CPU, see readEventStats()
	Fd events;     //!< perf buffer, see PerfReader
	SourceMap sources;
	ToldMap told; //!< only with a CloakObject
	FlowMap flows;
	ConnectionMap connections;
	ConnectionMap openings;
	NeighbourMap neighbours;
	StationMap stations;
	StationFilterMap stationFilter; //!< set before "stations"
	OuterMap decoySlots;            //!< array of maps: decoys of each slot
	ShadowMap shadows;
	RecordMap records;
	Map<__u32, __u32> gates; //!< enum cloak_gate
	Map<__u32, cloak_account_config> accountConfig;
	Fd accountStats; //!< per CPU, see readAccountStats()
	Fd evidence;     //!< perf buffer, see EvidenceReader
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_MAPS_H
