// SPDX-License-Identifier: Apache-2.0
#include "export/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "util/digest.h"
#include "util/file.h"

namespace cloak
{
namespace
{

constexpr std::size_t kDigits = 20;
constexpr std::size_t kHeader = kDigits + 1; //!< with its end of line

std::string headerOf(std::uint64_t begin)
{
	return fmt::format("{:0{}}\n", begin, kDigits);
}

/** Where the first line begins; nothing if @p text is no spool. */
std::optional<std::uint64_t> readHeader(std::string_view text)
{
	std::uint64_t begin = 0;

	if (text.size() < kHeader || text[kDigits] != '\n')
		return std::nullopt;
	const char *end = text.data() + kDigits;
	const auto [stop, error] = std::from_chars(text.data(), end, begin);
	if (error != std::errc{} || stop != end || begin < kHeader ||
	    begin > text.size())
		return std::nullopt;
	return begin;
}

std::vector<std::string> splitLines(std::string_view text)
{
	std::vector<std::string> lines;

	while (!text.empty()) {
		const std::size_t end = text.find('\n');
		lines.emplace_back(text.substr(0, end));
		text.remove_prefix(end + 1);
	}
	return lines;
}

std::uint64_t sizeOf(const std::vector<std::string> &lines)
{
	std::uint64_t size = 0;

	for (const std::string &line : lines)
		size += line.size() + 1;
	return size;
}

Status writeAt(int fd, std::string_view text, std::uint64_t offset)
{
	while (!text.empty()) {
		const ssize_t size = pwrite(fd, text.data(), text.size(),
		                            static_cast<off_t>(offset));
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return Error::fromErrno("cannot write");
		text.remove_prefix(static_cast<std::size_t>(size));
		offset += static_cast<std::uint64_t>(size);
	}
	return {};
}

} // namespace

std::string spoolPath(const std::string &folder, std::string_view destination)
{
	return fmt::format("{}/alerts-{:016x}.spool", folder,
	                   digest(destination)[0]);
}

Result<std::vector<std::string>> Spool::recall()
{
	auto text = readRegularFile(path_, kMostBytes);

	if (!text && text.error().code() == ENOENT)
		return std::vector<std::string>();
	if (!text)
		return text.error();
	const auto from = readHeader(*text);
	if (!from)
		return Error(path_ + " is damaged");
	begin_ = *from;
	end_ = std::max<std::uint64_t>(begin_, text->rfind('\n') + 1);
	fd_.reset(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
	if (!fd_ || ftruncate(fd_.get(), static_cast<off_t>(end_)) != 0)
		return Error::fromErrno("cannot write " + path_);
	return splitLines(
	    std::string_view(*text).substr(begin_, end_ - begin_));
}

/** A new file. Its folder is made if only that is missing. */
Status Spool::begin()
{
	const std::string folder = path_.substr(0, path_.rfind('/'));

	if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
		return Error::fromErrno("cannot make " + folder);
	Status made = replaceFile(path_, headerOf(kHeader));
	if (!made)
		return made;
	fd_.reset(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
	if (!fd_)
		return Error::fromErrno("cannot open " + path_);
	begin_ = kHeader;
	end_ = kHeader;
	return {};
}

/** Writes the file anew, without what is delivered. */
Status Spool::compact()
{
	std::string left(end_ - begin_, '\0');

	if (pread(fd_.get(), left.data(), left.size(),
	          static_cast<off_t>(begin_)) !=
	    static_cast<ssize_t>(left.size()))
		return Error::fromErrno("cannot read " + path_);
	Status replaced = replaceFile(path_, headerOf(kHeader) + left);
	if (!replaced)
		return replaced;
	fd_.reset(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
	if (!fd_)
		return Error::fromErrno("cannot open " + path_);
	begin_ = kHeader;
	end_ = kHeader + left.size();
	return {};
}

Status Spool::keep(const std::vector<std::string> &lines)
{
	const std::uint64_t size = sizeOf(lines);
	Status ready = fd_ ? Status() : begin();

	if (ready && end_ + size > kMostBytes)
		ready = compact();
	if (!ready)
		return ready;
	if (end_ + size > kMostBytes)
		return Error(EFBIG, "cannot write " + path_);
	Status written = writeAt(
	    fd_.get(), fmt::format("{}\n", fmt::join(lines, "\n")), end_);
	if (written && fdatasync(fd_.get()) != 0)
		written = Error::fromErrno("cannot write");
	if (!written) {
		// The part that had room must not look like lines later.
		if (ftruncate(fd_.get(), static_cast<off_t>(end_)) != 0)
			return Error::fromErrno("cannot shorten " + path_);
		return written.error().in(path_);
	}
	end_ += size;
	return {};
}

Status Spool::noteBegin() const
{
	Status written = writeAt(fd_.get(), headerOf(begin_), 0);

	return written ? written : written.error().in(path_);
}

Status Spool::drop(const std::vector<std::string> &lines)
{
	begin_ += sizeOf(lines);
	return begin_ >= end_ ? clear() : noteBegin();
}

Status Spool::clear()
{
	fd_.reset();
	if (unlink(path_.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
		return Error::fromErrno("cannot remove " + path_);
	return {};
}

} // namespace cloak
