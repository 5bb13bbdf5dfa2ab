// SPDX-License-Identifier: Apache-2.0
#include "bpf/pin_folder.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <system_error>

#include "util/fd.h"

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

/** Pins in a folder of their own: what stands before their numbers. */
struct Numbered {
	const char *folder;
	std::string_view prefix;
};

constexpr Numbered kNumbered[] = {
    {"links", "xdp-"},
    {"dispatched", "link-"},
    {"dispatched", "program-"},
    {"names", ""},
};

bool isNumber(std::string_view text)
{
	return !text.empty() &&
	       text.find_first_not_of("0123456789") == text.npos;
}

/** The map that another one hangs in, for the pin of that: see inner.cpp. */
std::string_view withoutIndex(std::string_view name)
{
	constexpr std::string_view next = "-next";
	std::string_view base = name;

	if (base.ends_with(next))
		base.remove_suffix(next.size());
	const auto dash = base.rfind('-');
	if (dash == base.npos || !isNumber(base.substr(dash + 1)))
		return name;
	return base.substr(0, dash);
}

/** The names of the entries of a folder, if there is one. */
std::vector<std::string> entriesOf(const fs::path &folder)
{
	std::vector<std::string> names;
	std::error_code failure;
	fs::directory_iterator entry(folder, failure);

	for (; !failure && entry != fs::directory_iterator();
	     entry.increment(failure))
		names.push_back(entry->path().filename());
	return names;
}

/** Removes the files for which @p isOurs holds. */
template <typename IsOurs>
Status removeEntries(const fs::path &folder, IsOurs isOurs)
{
	for (const std::string &name : entriesOf(folder)) {
		const std::string path = (folder / name).string();

		if (isOurs(std::string_view(name)) &&
		    unlink(path.c_str()) != 0 && errno != ENOENT &&
		    errno != EISDIR)
			return Error::fromErrno("cannot remove " + path);
	}
	return {};
}

/** Whether it is a mount, where programs of others have their pins. */
bool isMount(const fs::path &folder)
{
	struct stat own {
	};
	struct stat above {
	};

	return stat(folder.c_str(), &own) != 0 ||
	       stat((folder / "..").c_str(), &above) != 0 ||
	       own.st_dev != above.st_dev;
}

/** Whether a map is pinned there under its own name, as libbpf does it. */
bool isNamedMap(const fs::path &pin)
{
	const Fd fd(bpf_obj_get(pin.c_str()));
	std::error_code failure;
	bpf_map_info info{};
	__u32 size = sizeof(info);

	if (!fd)
		return false;
	const std::string descriptor =
	    "/proc/self/fd/" + std::to_string(fd.get());
	if (fs::read_symlink(descriptor, failure) != "anon_inode:bpf-map" ||
	    bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
		return false;
	const std::string name = pin.filename();
	return name.substr(0, sizeof(info.name) - 1) == info.name;
}

/** Others may have something in it, or it is a mount of its own. */
Status removeFolder(const fs::path &folder)
{
	if (rmdir(folder.c_str()) == 0 || errno == ENOENT ||
	    errno == ENOTEMPTY || errno == EBUSY || errno == ENOTDIR)
		return {};
	return Error::fromErrno("cannot remove " + folder.string());
}

} // namespace

Status makePinRoot(const std::string &pinRoot)
{
	std::error_code failure;

	if (pinRoot.starts_with(kBpfMount)) {
		auto mounted = mountBpfFs();
		if (!mounted)
			return mounted.error();
	}
	const bool fresh = fs::create_directories(pinRoot, failure);
	if (failure)
		return Error(failure.value(), "cannot create " + pinRoot);
	if (chmod(pinRoot.c_str(), S_IRWXU))
		return Error::fromErrno("cannot restrict " + pinRoot);
	if (!isBpfFs(pinRoot)) {
		if (fresh)
			fs::remove(pinRoot, failure);
		return Error(pinRoot + " is not in a BPF file system");
	}
	return {};
}

Status checkPinRoot(const std::string &pinRoot)
{
	struct stat status {
	};

	if (stat(pinRoot.c_str(), &status) != 0) {
		return errno == ENOENT
		           ? Status()
		           : Error::fromErrno("cannot look at " + pinRoot);
	}
	if (isBpfFs(pinRoot))
		return {};
	return Error(pinRoot + " is not in a BPF file system");
}

Status removeMapPins(const std::string &pinRoot, std::set<std::string> maps,
                     const std::set<std::string> &kept)
{
	const fs::path root(pinRoot);

	if (!isMount(root)) {
		for (const std::string &name : entriesOf(root))
			if (isNamedMap(root / name))
				maps.insert(name);
	}
	return removeEntries(root, [&](auto name) {
		return maps.contains(std::string(withoutIndex(name))) &&
		       !kept.contains(std::string(name));
	});
}

Status removePinRoot(const std::string &pinRoot,
                     const std::set<std::string> &maps)
{
	const fs::path root(pinRoot);

	auto checked = checkPinRoot(pinRoot);
	if (!checked)
		return checked;
	for (const auto &numbered : kNumbered) {
		const fs::path folder = root / numbered.folder;
		auto removed = removeEntries(folder, [&](auto entry) {
			return entry.starts_with(numbered.prefix) &&
			       isNumber(entry.substr(numbered.prefix.size()));
		});
		if (removed)
			removed = removeFolder(folder);
		if (!removed)
			return removed;
	}
	auto removed = removeEntries(
	    root, [](auto entry) { return entry == kNamespacePin; });
	if (removed)
		removed = removeMapPins(pinRoot, maps);
	return removed ? removeFolder(root) : removed;
}

Result<std::vector<unsigned>> pinnedInterfaces(const fs::path &folder,
                                               std::string_view prefix)
{
	std::vector<unsigned> found;
	std::error_code failure;
	fs::directory_iterator entry(folder, failure);

	for (; !failure && entry != fs::directory_iterator();
	     entry.increment(failure)) {
		const std::string name = entry->path().filename();
		unsigned ifindex = 0;

		if (!name.starts_with(prefix))
			continue;
		std::from_chars(name.data() + prefix.size(),
		                name.data() + name.size(), ifindex);
		if (ifindex != 0)
			found.push_back(ifindex);
	}
	// Only what is not there holds nothing.
	if (failure && failure != std::errc::no_such_file_or_directory)
		return Error(failure.value(),
		             "cannot look into " + folder.string());
	return found;
}

} // namespace cloak
