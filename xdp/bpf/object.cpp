// SPDX-License-Identifier: Apache-2.0
#include "bpf/object.h"

#include <bpf/libbpf.h>
#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bpf/dispatcher.h"
#include "bpf/inner.h"
#include "bpf/other_version.h"
#include "bpf/pin_folder.h"
#include "bpf/policy_maps.h"
#include "bpf/quiet.h"
#include "bpf/told.h"
#include "called.skel.h"
#include "cloak.skel.h"

namespace cloak
{

namespace
{

Result<Fd> duplicate(int original)
{
	Fd fd(fcntl(original, F_DUPFD_CLOEXEC, 0));

	if (!fd)
		return Error::fromErrno("cannot duplicate a map descriptor");
	return fd;
}

/** An array of maps of the ABI, and the map that those in it are like. */
struct OuterName {
	const char *name;
	const char *model;
	OuterMap CloakMaps::*map;
};

constexpr OuterName kOuterMaps[] = {
    {"iface_slots", "interfaces_0", &CloakMaps::ifaceSlots},
    {"address_slots", "addresses_0", &CloakMaps::addressSlots},
    {"peer_slots", "peers_0", &CloakMaps::peerSlots},
    {"decoy_slots", "decoys_0", &CloakMaps::decoySlots},
    {"table_slots", "tables_0", &CloakMaps::tableSlots},
    {"tuple_slots", "tuples_0", &CloakMaps::tupleSlots},
    {"bucket_slots", "buckets_0", &CloakMaps::bucketSlots},
    {"entry_slots", "entries_0", &CloakMaps::entrySlots},
    {"rule_counters", "chunk_0", &CloakMaps::ruleCounters},
    {"counter_keys", "keys_0", &CloakMaps::counterKeys},
};

/** The arrays of maps, by their names in the object. */
template <typename Visit>
Status forEachOuterMap(CloakMaps &maps, const std::string &pinRoot, Visit visit)
{
	for (const OuterName &outer : kOuterMaps) {
		auto opened = visit(outer.name);
		if (!opened)
			return opened.error();
		(maps.*outer.map).fd = *std::move(opened);
		if (!pinRoot.empty())
			(maps.*outer.map).pins = pinRoot + "/" + outer.name;
	}
	return {};
}

/** One map of the ABI: its name in the object and where its handle goes. */
template <typename Visit> Status forEachMap(CloakMaps &maps, Visit visit)
{
	Fd ifaceCache;
	Fd peerFilters;
	Fd config;
	Fd sources;
	Fd flows;
	Fd connections;
	Fd openings;
	Fd neighbours;
	Fd stations;
	Fd stationFilter;
	Fd shadows;
	Fd records;
	Fd gates;
	Fd accountConfig;
	const std::pair<const char *, Fd *> list[] = {
	    {"generation", &maps.generation},
	    {"counters", &maps.counters},
	    {"event_stats", &maps.eventStats},
	    {"events", &maps.events},
	    {"iface_cache", &ifaceCache},
	    {"peer_filters", &peerFilters},
	    {"config", &config},
	    {"sources", &sources},
	    {"flows", &flows},
	    {"connections", &connections},
	    {"openings", &openings},
	    {"neighbours", &neighbours},
	    {"stations", &stations},
	    {"station_filter", &stationFilter},
	    {"account_stats", &maps.accountStats},
	    {"evidence", &maps.evidence},
	    {"shadows", &shadows},
	    {"records", &records},
	    {"gates", &gates},
	    {"account_config", &accountConfig},
	};

	for (const auto &[name, fd] : list) {
		auto opened = visit(name);
		if (!opened)
			return opened.error();
		*fd = *std::move(opened);
	}
	maps.ifaceCache = {std::move(ifaceCache), "iface_cache"};
	maps.peerFilters = {std::move(peerFilters), "peer_filters"};
	maps.config = {std::move(config), "config"};
	maps.sources = {std::move(sources), "sources"};
	maps.flows = {std::move(flows), "flows"};
	maps.connections = {std::move(connections), "connections"};
	maps.openings = {std::move(openings), "openings"};
	maps.neighbours = {std::move(neighbours), "neighbours"};
	maps.stations = {std::move(stations), "stations"};
	maps.stationFilter = {std::move(stationFilter), "station_filter"};
	maps.shadows = {std::move(shadows), "shadows"};
	maps.records = {std::move(records), "records"};
	maps.gates = {std::move(gates), "gates"};
	maps.accountConfig = {std::move(accountConfig), "account_config"};
	return {};
}

/** The version goes in before anything is attached. */
Status stampVersion(const CloakMaps &maps)
{
	auto config = maps.config.get(0);

	if (!config)
		return config.error();
	if (!*config)
		return Error("the map config has no entry");
	if ((*config)->abi_version != 0)
		return {};
	(*config)->abi_version = CLOAK_ABI_VERSION;
	return maps.config.put(0, **config);
}

} // namespace

Result<CloakMaps> CloakMaps::openPinned(const std::string &pinRoot)
{
	CloakMaps maps;
	const auto open = [&](const char *name) -> Result<Fd> {
		const std::string path = pinRoot + "/" + name;
		Fd fd(bpf_obj_get(path.c_str()));

		if (!fd)
			return Error::fromErrno("cannot open " + path);
		return fd;
	};
	// First: those of another version may be missing, or be other ones.
	auto version = pinnedVersion(pinRoot);
	if (!version)
		return version.error();
	if (version->value_or(CLOAK_ABI_VERSION) != CLOAK_ABI_VERSION)
		return Error(EPROTO,
		             "the cloak pinned in " + pinRoot +
		                 " belongs to another version of Cloaklake");
	auto opened = forEachMap(maps, open);
	if (opened)
		opened = forEachOuterMap(maps, pinRoot, open);
	if (!opened)
		return opened.error();
	return maps;
}

void CloakObject::SkeletonDeleter::operator()(cloak_bpf *skeleton) const
{
	cloak_bpf__destroy(skeleton);
}

void CloakObject::SkeletonDeleter::operator()(called_bpf *skeleton) const
{
	called_bpf__destroy(skeleton);
}

CloakObject::CloakObject(Skeleton skeleton, CloakMaps maps)
    : skeleton_(std::move(skeleton)), maps_(std::move(maps))
{
}

CloakObject::CloakObject(CloakObject &&) noexcept = default;
CloakObject &CloakObject::operator=(CloakObject &&) noexcept = default;
CloakObject::~CloakObject() = default;

int CloakObject::ingressProgram() const
{
	return bpf_program__fd(skeleton_->progs.cloak_ingress);
}

int CloakObject::egressProgram() const
{
	return bpf_program__fd(skeleton_->progs.cloak_egress);
}

int CloakObject::answerProgram() const
{
	return bpf_program__fd(skeleton_->progs.cloak_answer);
}

namespace
{

/** The maps of the object that are to be pinned. */
std::vector<bpf_map *> mapsToPin(const bpf_object *object)
{
	std::vector<bpf_map *> maps;
	bpf_map *map = nullptr;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__pin_path(map) != nullptr)
			maps.push_back(map);
	}
	return maps;
}

/** The pins of maps: of the object, and of user space alone. */
std::set<std::string> pinsOf(const std::vector<bpf_map *> &maps)
{
	std::set<std::string> names{"told"};

	for (const bpf_map *map : maps)
		names.insert(bpf_map__name(map));
	return names;
}

/** Every map gets the path of its pin, or none if there are to be no pins. */
Status placePins(const std::vector<bpf_map *> &maps, const std::string &pinRoot)
{
	for (bpf_map *map : maps) {
		const std::string path = pinRoot + "/" + bpf_map__name(map);

		if (bpf_map__set_pin_path(map, pinRoot.empty() ? nullptr
		                                               : path.c_str()))
			return Error::fromErrno("cannot set the pin of " +
			                        path);
	}
	return {};
}

Status pinAll(const std::vector<bpf_map *> &maps)
{
	for (bpf_map *map : maps) {
		const int err = bpf_map__pin(map, nullptr);

		if (err != 0)
			return Error(-err,
			             "cannot pin " +
			                 std::string(bpf_map__pin_path(map)));
	}
	return {};
}

/** Has the peers of another version in the slot in which nothing is yet. */
bool takePeers(const bpf_object *object, const OtherVersion &other)
{
	const int fd =
	    bpf_map__fd(bpf_object__find_map_by_name(object, "peers_0"));

	if (!other.peers)
		return false;
	return std::ranges::all_of(*other.peers, [fd](const auto &entry) {
		return bpf_map_update_elem(fd, &entry.first, &entry.second,
		                           BPF_ANY) == 0;
	});
}

/**
 * Pins what was loaded in the place of what another version has pinned, whose
 * programs go on with their maps. The version goes last: who is stopped on the
 * way is followed by one who begins again.
 */
Status replacePins(const std::vector<bpf_map *> &maps,
                   const std::string &pinRoot)
{
	const std::set<std::string> names = pinsOf(maps);
	auto removed = removeMapPins(pinRoot, names, {kEntryPin, "config"});

	if (removed)
		removed = removeMapPins(pinRoot, names, {kEntryPin});
	if (removed)
		removed = placePins(maps, pinRoot);
	return removed ? pinAll(maps) : removed;
}

/** What is to be told of it. */
std::string replacementText(const OtherVersion &other, bool hasPeers)
{
	return "version " + std::to_string(other.version) +
	       " of the maps was replaced by version " +
	       std::to_string(CLOAK_ABI_VERSION) +
	       ": counters, sources, flows and shadows begin anew" +
	       (hasPeers ? "" : ", and peers that were authorised are lost");
}

/** Gives each array of maps its model, and before the first policy a map. */
Status takeModels(const bpf_object *object, CloakMaps &maps)
{
	auto generation = PolicyMaps(maps).generation();

	if (!generation)
		return generation.error();
	for (const OuterName &name : kOuterMaps) {
		OuterMap &outer = maps.*name.map;
		auto model = duplicate(bpf_map__fd(
		    bpf_object__find_map_by_name(object, name.model)));
		auto types = duplicate(bpf_object__btf_fd(object));

		if (!model)
			return model.error();
		if (!types)
			return types.error();
		outer.model = *std::move(model);
		outer.types = *std::move(types);
		if (outer.pins.empty() || *generation != 0)
			continue;
		auto hung = hangModel(outer, name.model);
		if (!hung)
			return hung;
	}
	return {};
}

Result<CloakMaps> takeMaps(const bpf_object *object, const std::string &pinRoot)
{
	CloakMaps maps;
	const auto take = [object](const char *name) -> Result<Fd> {
		return duplicate(
		    bpf_map__fd(bpf_object__find_map_by_name(object, name)));
	};
	auto taken = forEachMap(maps, take);

	if (taken)
		taken = forEachOuterMap(maps, pinRoot, take);
	if (taken)
		taken = takeModels(object, maps);
	if (!taken)
		return taken.error();
	return maps;
}

/** The cloak of another version that is pinned there. */
Result<std::optional<OtherVersion>> prepare(const std::string &pinRoot)
{
	if (pinRoot.empty())
		return std::optional<OtherVersion>();
	auto made = makePinRoot(pinRoot);
	if (!made)
		return made.error();
	return readOtherVersion(pinRoot);
}

} // namespace

Result<CloakObject> CloakObject::load(const Options &options)
{
	quietLibbpf();
	auto other = prepare(options.pinRoot);
	if (!other)
		return other.error();

	Skeleton skeleton(cloak_bpf__open());
	if (!skeleton)
		return Error::fromErrno("cannot open the BPF object");
	const auto pinned = mapsToPin(skeleton->obj);
	auto placed = placePins(pinned, *other ? "" : options.pinRoot);
	if (!placed)
		return placed.error();
	skeleton->rodata->remember = options.remember;
	const int err = cloak_bpf__load(skeleton.get());
	if (err)
		return Error(-err, "the kernel refuses the BPF object");
	std::string replacement;
	if (*other) {
		replacement =
		    replacementText(**other, takePeers(skeleton->obj, **other));
		placed = replacePins(pinned, options.pinRoot);
		if (!placed)
			return placed.error();
	}

	auto maps = takeMaps(skeleton->obj, options.pinRoot);
	if (!maps)
		return maps.error();
	auto told = openTold(options.pinRoot, maps->sources);
	if (!told)
		return told.error();
	maps->told = *std::move(told);
	auto stamped = stampVersion(*maps);
	if (!stamped)
		return stamped.error();
	CloakObject object(std::move(skeleton), *std::move(maps));
	object.replacement_ = std::move(replacement);
	return object;
}

namespace
{

/** Has what is loaded next work on the maps of what is loaded. */
Status shareMaps(bpf_object *next, const bpf_object *loaded)
{
	bpf_map *map = nullptr;

	bpf_object__for_each_map(map, next)
	{
		const bpf_map *known =
		    bpf_object__find_map_by_name(loaded, bpf_map__name(map));
		if (bpf_map__is_internal(map))
			continue;
		// Pinned they are already.
		if (known == nullptr ||
		    bpf_map__set_pin_path(map, nullptr) != 0 ||
		    bpf_map__reuse_fd(map, bpf_map__fd(known)) != 0)
			return Error::fromErrno(
			    "cannot share the map " +
			    std::string(bpf_map__name(map)));
	}
	return {};
}

} // namespace

Result<int> CloakObject::calledProgram()
{
	if (called_)
		return bpf_program__fd(called_->progs.cloak_called);
	CalledSkeleton called(called_bpf__open());
	if (!called)
		return Error::fromErrno("cannot open the BPF object");
	auto shared = shareMaps(called->obj, skeleton_->obj);
	if (!shared)
		return shared.error();
	called->rodata->remember = skeleton_->rodata->remember;
	// Both ends of a tail call have to agree on this as well.
	bpf_program__set_expected_attach_type(called->progs.cloak_called,
	                                      static_cast<bpf_attach_type>(0));
	const int err = called_bpf__load(called.get());
	if (err)
		return Error(-err, "the kernel refuses the BPF object");
	called_ = std::move(called);
	return bpf_program__fd(called_->progs.cloak_called);
}

Status CloakObject::unpin(const std::string &pinRoot)
{
	quietLibbpf();
	const Skeleton skeleton(cloak_bpf__open());
	if (!skeleton)
		return Error::fromErrno("cannot open the BPF object");
	std::set<std::string> names = pinsOf(mapsToPin(skeleton->obj));
	names.insert(kEntryPin);
	return removePinRoot(pinRoot, names);
}

} // namespace cloak
