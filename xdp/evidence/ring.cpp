// SPDX-License-Identifier: Apache-2.0
#include "evidence/ring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;
constexpr std::string_view kPrefix = "evidence-";
constexpr std::string_view kSuffix = ".pcapng";

/** The number in a name of ours. */
std::optional<std::uint64_t> numberOf(std::string_view name)
{
	std::uint64_t number = 0;

	if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix))
		return std::nullopt;
	name.remove_prefix(kPrefix.size());
	name.remove_suffix(kSuffix.size());
	const char *end = name.data() + name.size();
	const auto [stop, failure] = std::from_chars(name.data(), end, number);
	if (failure != std::errc() || stop != end)
		return std::nullopt;
	return number;
}

/** The files that are there, by number. */
std::map<std::uint64_t, std::string> filesIn(const std::string &folder)
{
	std::map<std::uint64_t, std::string> found;
	std::error_code failure;

	for (fs::directory_iterator entry(folder, failure), end;
	     !failure && entry != end; entry.increment(failure)) {
		const auto number = numberOf(entry->path().filename().string());
		if (number)
			found[*number] = entry->path().string();
	}
	return found;
}

} // namespace

Status FileRing::open()
{
	std::error_code failure;

	fs::create_directories(fs::path(options_.folder).parent_path(),
	                       failure);
	if (mkdir(options_.folder.c_str(), kFolderMode) != 0 && errno != EEXIST)
		return Error::fromErrno("cannot create " + options_.folder);
	if (!listed_) {
		for (const auto &[number, path] : filesIn(options_.folder)) {
			files_.push_back(path);
			number_ = number;
		}
		listed_ = true;
	}
	while (files_.size() >= options_.files)
		removeOldest();
	const std::string path = fmt::format("{}/{}{:08}{}", options_.folder,
	                                     kPrefix, ++number_, kSuffix);
	fd_.reset(::open(path.c_str(),
	                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	                 kFileMode));
	if (!fd_)
		return Error::fromErrno("cannot create " + path);
	files_.push_back(path);
	written_ = 0;
	return {};
}

void FileRing::removeOldest()
{
	unlink(files_.front().c_str());
	files_.pop_front();
}

Status FileRing::next(std::string_view head)
{
	Status opened = open();

	if (!opened)
		return opened;
	Status headed = append(head);
	// An empty file would be no capture.
	if (!headed) {
		unlink(files_.back().c_str());
		files_.pop_back();
	}
	return headed;
}

bool FileRing::fits(std::size_t size) const
{
	return fd_ && written_ + size <= options_.fileSize;
}

Status FileRing::append(std::string_view block)
{
	const ssize_t done = ::write(fd_.get(), block.data(), block.size());

	if (done == static_cast<ssize_t>(block.size())) {
		written_ += block.size();
		return {};
	}
	// A part of a block would make the file unreadable.
	Error error =
	    done < 0
		? Error::fromErrno("cannot write evidence to " +
	                           options_.folder)
		: Error(ENOSPC, "cannot write evidence to " + options_.folder);
	if (done > 0 && ftruncate(fd_.get(), static_cast<off_t>(written_)) != 0)
		unlink(files_.back().c_str());
	fd_.reset();
	return error;
}

} // namespace cloak
