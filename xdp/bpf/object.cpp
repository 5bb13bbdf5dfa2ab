// SPDX-License-Identifier: Apache-2.0
#include "bpf/object.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "bpf/quiet.h"
#include "cloak.skel.h"

namespace cloak
{

namespace fs = std::filesystem;

namespace
{

constexpr const char *kBpfMount = "/sys/fs/bpf";

bool isBpfFs(const std::string &path)
{
	struct statfs info {
	};

	return statfs(path.c_str(), &info) == 0 &&
	       static_cast<unsigned long>(info.f_type) == BPF_FS_MAGIC;
}

/** Whether a mount made here outlives the process, as pins have to. */
bool hasMountsOfTheHost()
{
	struct stat own {
	};
	struct stat first {
	};

	if (stat("/proc/self/ns/mnt", &own) || stat("/proc/1/ns/mnt", &first))
		return true; // cannot be told
	return own.st_dev == first.st_dev && own.st_ino == first.st_ino;
}

/** Mounts the BPF file system where every distribution has it. */
Status mountBpfFs()
{
	if (isBpfFs(kBpfMount))
		return {};
	if (!hasMountsOfTheHost())
		return Error(
		    "/sys/fs/bpf is not mounted in this mount namespace, and "
		    "pins made here would not last: enter the network "
		    "namespace alone (nsenter --net=...), or name a folder of "
		    "a mounted BPF file system as pin folder");
	if (mount("bpf", kBpfMount, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	          "mode=700"))
		return Error::fromErrno(
		    "cannot mount the BPF file system on /sys/fs/bpf");
	return {};
}

Status makePinRoot(const std::string &pinRoot)
{
	std::error_code failure;

	if (pinRoot.starts_with(kBpfMount)) {
		auto mounted = mountBpfFs();
		if (!mounted)
			return mounted.error();
	}
	fs::create_directories(pinRoot, failure);
	if (failure)
		return Error(failure.value(), "cannot create " + pinRoot);
	if (chmod(pinRoot.c_str(), S_IRWXU))
		return Error::fromErrno("cannot restrict " + pinRoot);
	if (!isBpfFs(pinRoot))
		return Error(pinRoot + " is not in a BPF file system");
	return {};
}

Result<Fd> duplicate(const bpf_map *map)
{
	Fd fd(fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0));

	if (!fd)
		return Error::fromErrno("cannot duplicate a map descriptor");
	return fd;
}

/** One map of the ABI: its name in the object and where its handle goes. */
template <typename Visit> Status forEachMap(CloakMaps &maps, Visit visit)
{
	Fd config;
	Fd sources;
	Fd flows;
	Fd neighbours;
	Fd stations;
	Fd shadows;
	Fd records;
	Fd gates;
	Fd accountConfig;
	const std::pair<const char *, Fd *> list[] = {
	    {"generation", &maps.generation},
	    {"iface_slots", &maps.ifaceSlots},
	    {"address_slots", &maps.addressSlots},
	    {"peer_slots", &maps.peerSlots},
	    {"table_slots", &maps.tableSlots},
	    {"tuple_slots", &maps.tupleSlots},
	    {"bucket_slots", &maps.bucketSlots},
	    {"entry_slots", &maps.entrySlots},
	    {"rule_counters", &maps.ruleCounters},
	    {"counter_keys", &maps.counterKeys},
	    {"counters", &maps.counters},
	    {"event_stats", &maps.eventStats},
	    {"events", &maps.events},
	    {"config", &config},
	    {"sources", &sources},
	    {"flows", &flows},
	    {"neighbours", &neighbours},
	    {"stations", &stations},
	    {"decoy_slots", &maps.decoySlots},
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
	maps.config = {std::move(config), "config"};
	maps.sources = {std::move(sources), "sources"};
	maps.flows = {std::move(flows), "flows"};
	maps.neighbours = {std::move(neighbours), "neighbours"};
	maps.stations = {std::move(stations), "stations"};
	maps.shadows = {std::move(shadows), "shadows"};
	maps.records = {std::move(records), "records"};
	maps.gates = {std::move(gates), "gates"};
	maps.accountConfig = {std::move(accountConfig), "account_config"};
	return {};
}

/** Refuses maps that another version of this program has pinned. */
Status checkVersion(const CloakMaps &maps, const std::string &pinRoot)
{
	auto config = maps.config.get(0);

	if (!config)
		return config.error();
	if (*config && (*config)->abi_version == CLOAK_ABI_VERSION)
		return {};
	return Error(EPROTO, "the cloak pinned in " + pinRoot +
	                         " belongs to another version of Cloaklake");
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
	auto opened = forEachMap(maps, [&](const char *name) -> Result<Fd> {
		const std::string path = pinRoot + "/" + name;
		Fd fd(bpf_obj_get(path.c_str()));

		if (!fd)
			return Error::fromErrno("cannot open " + path);
		return fd;
	});

	if (!opened)
		return opened.error();
	auto version = checkVersion(maps, pinRoot);
	if (!version)
		return version.error();
	return maps;
}

void CloakObject::SkeletonDeleter::operator()(cloak_bpf *skeleton) const
{
	cloak_bpf__destroy(skeleton);
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

namespace
{

/** Every pinned map gets its path, or none if nothing is to be pinned. */
Status placePins(bpf_object *object, const std::string &pinRoot)
{
	bpf_map *map = nullptr;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		const bool pinned = bpf_map__pin_path(map) != nullptr;
		const std::string path = pinRoot + "/" + name;

		if (!pinned)
			continue;
		if (bpf_map__set_pin_path(map, pinRoot.empty() ? nullptr
		                                               : path.c_str()))
			return Error::fromErrno("cannot set the pin of " +
			                        path);
	}
	return {};
}

Status prepare(const std::string &pinRoot)
{
	if (pinRoot.empty())
		return {};
	auto made = makePinRoot(pinRoot);
	if (!made)
		return made;
	auto pinned = CloakMaps::openPinned(pinRoot);
	if (!pinned && pinned.error().code() == EPROTO)
		return pinned.error();
	return {};
}

} // namespace

Result<CloakObject> CloakObject::load(const Options &options)
{
	quietLibbpf();
	auto ready = prepare(options.pinRoot);
	if (!ready)
		return ready.error();

	Skeleton skeleton(cloak_bpf__open());
	if (!skeleton)
		return Error::fromErrno("cannot open the BPF object");
	auto placed = placePins(skeleton->obj, options.pinRoot);
	if (!placed)
		return placed.error();
	skeleton->rodata->remember_verdicts = options.rememberVerdicts;
	const int err = cloak_bpf__load(skeleton.get());
	if (err)
		return Error(-err, "the kernel refuses the BPF object");

	CloakMaps maps;
	auto taken = forEachMap(maps, [&](const char *name) -> Result<Fd> {
		return duplicate(
		    bpf_object__find_map_by_name(skeleton->obj, name));
	});
	if (!taken)
		return taken.error();
	auto stamped = stampVersion(maps);
	if (!stamped)
		return stamped.error();
	return CloakObject(std::move(skeleton), std::move(maps));
}

Status CloakObject::unpin(const std::string &pinRoot)
{
	std::error_code failure;

	fs::remove_all(pinRoot, failure);
	if (failure)
		return Error(failure.value(), "cannot remove " + pinRoot);
	return {};
}

} // namespace cloak
