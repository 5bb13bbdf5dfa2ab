// SPDX-License-Identifier: Apache-2.0
#include "bpf/pin_folder.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <system_error>

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

Status removePinRoot(const std::string &pinRoot)
{
	std::error_code failure;

	fs::remove_all(pinRoot, failure);
	if (failure)
		return Error(failure.value(), "cannot remove " + pinRoot);
	return {};
}

} // namespace cloak
