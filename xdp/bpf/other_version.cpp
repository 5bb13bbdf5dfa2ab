// SPDX-License-Identifier: Apache-2.0
#include "bpf/other_version.h"

#include <bpf/bpf.h>

#include <cstring>

#include "bpf/inner.h"

namespace cloak
{
namespace
{

/** A pinned map and what it is like. */
struct PinnedMap {
	Fd fd;
	bpf_map_info info{};
};

Result<PinnedMap> openMap(const std::string &pinRoot, const char *name)
{
	const std::string path = pinRoot + "/" + name;
	PinnedMap map;

	map.fd = Fd(bpf_obj_get(path.c_str()));
	if (!map.fd)
		return Error::fromErrno("cannot open " + path);
	auto info = describeMap(map.fd, name);
	if (!info)
		return info.error();
	map.info = *info;
	return map;
}

/** The first number of the first value in an array, whatever follows it. */
template <typename Number>
Result<Number> firstNumber(const PinnedMap &map, const char *name)
{
	const __u32 zero = 0;
	std::vector<char> value(map.info.value_size);
	Number number = 0;

	if (map.info.key_size != sizeof(zero) || value.size() < sizeof(number))
		return Error(EPROTO, std::string("the pinned map ") + name +
		                         " is no map of Cloaklake");
	if (bpf_map_lookup_elem(map.fd.get(), &zero, value.data()))
		return Error::fromErrno(std::string("cannot read map ") + name);
	std::memcpy(&number, value.data(), sizeof(number));
	return number;
}

/** Of the policy in force. */
Result<PeerMap> openPeers(const std::string &pinRoot)
{
	auto counter = openMap(pinRoot, "generation");
	if (!counter)
		return counter.error();
	auto generation = firstNumber<__u64>(*counter, "generation");
	if (!generation)
		return generation.error();
	auto slots = openMap(pinRoot, "peer_slots");
	if (!slots)
		return slots.error();
	OuterMap outer;
	outer.fd = std::move(slots->fd);
	outer.pins = pinRoot + "/peer_slots";
	auto peers = innerMap(outer, CLOAK_SLOT(*generation), "peers");
	if (!peers)
		return peers.error();
	return PeerMap(*std::move(peers), "peers");
}

bool hasOurEntries(const PeerMap &peers)
{
	auto info = describeMap(peers.handle(), peers.name());

	return info && info->type == BPF_MAP_TYPE_LPM_TRIE &&
	       info->key_size == sizeof(cloak_prefix) &&
	       info->value_size == sizeof(cloak_peer);
}

} // namespace

Result<std::optional<__u32>> pinnedVersion(const std::string &pinRoot)
{
	auto config = openMap(pinRoot, "config");

	if (!config && config.error().code() == ENOENT)
		return std::optional<__u32>();
	if (!config)
		return config.error();
	auto version = firstNumber<__u32>(*config, "config");
	if (!version)
		return version.error();
	return std::optional<__u32>(*version);
}

Result<std::optional<OtherVersion>> readOtherVersion(const std::string &pinRoot)
{
	auto version = pinnedVersion(pinRoot);

	if (!version)
		return version.error();
	if (version->value_or(0) == 0 || **version == CLOAK_ABI_VERSION)
		return std::optional<OtherVersion>();
	OtherVersion other;
	other.version = **version;
	// What cannot be read does not keep the cloak from being renewed.
	auto peers = openPeers(pinRoot);
	if (peers && hasOurEntries(*peers)) {
		auto entries = peers->entries();
		if (entries)
			other.peers = *std::move(entries);
	}
	return std::optional(std::move(other));
}

} // namespace cloak
