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

/** Nothing is wrong with the file then: there may be room later. */
bool isDiskFull(const Error &error)
{
	return error.code() == ENOSPC || error.code() == EDQUOT;
}

} // namespace

Status FileRing::openFolder()
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
	return {};
}

Status FileRing::open()
{
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

/** The file with nothing but @p head, or none. */
Status FileRing::make(std::string_view head)
{
	Status opened = open();

	if (!opened)
		return opened;
	head_ = head.size();
	Status headed = write(head);
	// An empty file would be no capture.
	if (!headed)
		giveUp();
	return headed;
}

Status FileRing::next(std::string_view head)
{
	Status ready = openFolder();

	if (!ready)
		return ready;
	Status made = make(head);
	// The room of the oldest is the next one's by right; if that is not
	// enough, there is one file less, and no other goes for it.
	if (!made && isDiskFull(made.error()) && !files_.empty() &&
	    files_.size() >= options_.files) {
		removeOldest();
		made = make(head);
	}
	if (!made)
		return made;
	while (files_.size() > options_.files)
		removeOldest();
	return {};
}

bool FileRing::fits(std::size_t size) const
{
	return fd_ && written_ + size <= options_.fileSize &&
	       !(full_ && isRemoved());
}

/** Who made room on the disk may have removed the very file. */
bool FileRing::isRemoved() const
{
	struct stat status {
	};

	return fstat(fd_.get(), &status) != 0 || status.st_nlink == 0;
}

/** Ends the file, and removes it if no packet is in it. */
void FileRing::giveUp()
{
	fd_.reset();
	if (written_ > head_)
		return;
	unlink(files_.back().c_str());
	files_.pop_back();
}

Status FileRing::append(std::string_view block)
{
	Status written = write(block);

	full_ = !written && isDiskFull(written.error());
	if (!written && !full_)
		giveUp();
	return written;
}

Status FileRing::write(std::string_view block)
{
	const auto end = static_cast<off_t>(written_);
	const ssize_t done = pwrite(fd_.get(), block.data(), block.size(), end);

	if (done == static_cast<ssize_t>(block.size())) {
		written_ += block.size();
		return {};
	}
	Error error =
	    done < 0
		? Error::fromErrno("cannot write evidence to " +
	                           options_.folder)
		: Error(ENOSPC, "cannot write evidence to " + options_.folder);
	// What came after a part of a block would be unreadable.
	if (done > 0 && ftruncate(fd_.get(), end) != 0)
		return Error(EIO,
		             "cannot write evidence to " + options_.folder);
	return error;
}

} // namespace cloak
