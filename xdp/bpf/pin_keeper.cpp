// SPDX-License-Identifier: Apache-2.0
#include "bpf/pin_keeper.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "bpf/pin_folder.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

/** For us alone, as long as the descriptor is open. */
Result<Fd> openFolder(const std::string &path)
{
	Fd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (!folder)
		return Error::fromErrno("cannot open " + path);
	if (flock(folder.get(), LOCK_EX | LOCK_NB) == 0)
		return folder;
	if (errno == EWOULDBLOCK)
		return Error("another cloakd has the pin folder " + path);
	return Error::fromErrno("cannot lock " + path);
}

/** Pins once more what is pinned as @p from. */
Status pinAgain(const fs::path &from, const fs::path &to)
{
	const Fd object(bpf_obj_get(from.c_str()));

	if (!object)
		return Error::fromErrno("cannot open the pin " +
		                        from.filename().string());
	if (bpf_obj_pin(object.get(), to.c_str()))
		return Error::fromErrno("cannot pin " + to.string());
	return {};
}

Status copyEntry(const fs::directory_entry &entry, const fs::path &to,
                 std::size_t &pins)
{
	std::error_code error;

	if (entry.is_symlink(error)) {
		fs::copy_symlink(entry.path(), to, error);
		if (error)
			return Error(error.value(),
			             "cannot make " + to.string());
		return {};
	}
	if (entry.is_directory(error)) {
		fs::create_directory(to, error);
		if (error)
			return Error(error.value(),
			             "cannot make " + to.string());
		return {};
	}
	++pins;
	return pinAgain(entry.path(), to);
}

/** @returns how many pins there were. */
Result<std::size_t> copyPins(const fs::path &from, const fs::path &to)
{
	std::size_t pins = 0;
	std::error_code error;
	fs::recursive_directory_iterator entry(from, error);

	for (; !error && entry != fs::recursive_directory_iterator();
	     entry.increment(error)) {
		Status copied = copyEntry(
		    *entry, to / entry->path().lexically_relative(from), pins);
		if (!copied)
			return copied.error();
	}
	if (error)
		return Error(error.value(), "cannot list the pins");
	return pins;
}

/** They are pinned elsewhere as well, and are to be found there only. */
void removePins(const fs::path &folder)
{
	std::error_code error;

	for (fs::directory_iterator entry(folder, error);
	     !error && entry != fs::directory_iterator();
	     entry.increment(error)) {
		std::error_code failure;
		fs::remove_all(entry->path(), failure);
	}
}

} // namespace

Result<PinKeeper> PinKeeper::hold(const std::string &pinRoot)
{
	auto folder = openFolder(pinRoot);

	if (!folder)
		return folder.error();
	return PinKeeper(pinRoot, *std::move(folder));
}

bool PinKeeper::isThere() const
{
	struct stat held {
	};
	struct stat found {
	};

	return fstat(folder_.get(), &held) == 0 &&
	       stat(pinRoot_.c_str(), &found) == 0 &&
	       held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

Result<std::size_t> PinKeeper::restore()
{
	if (isThere())
		return std::size_t{0};
	std::error_code error;

	Status made = makePinRoot(pinRoot_);
	if (!made)
		return made.error();
	auto folder = openFolder(pinRoot_);
	if (!folder)
		return folder.error();
	if (!fs::is_empty(pinRoot_, error))
		return Error("something else is pinned in " + pinRoot_);
	const std::string former =
	    fmt::format("/proc/self/fd/{}/", folder_.get());
	auto pins = copyPins(former, pinRoot_);
	if (!pins) {
		// It was empty, and has but what was pinned again.
		removePins(pinRoot_);
		return pins;
	}
	removePins(former);
	folder_ = *std::move(folder);
	return pins;
}

} // namespace cloak
