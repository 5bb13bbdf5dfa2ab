// SPDX-License-Identifier: Apache-2.0
#include "util/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "util/fd.h"

namespace cloak
{
namespace
{

Result<std::string> readAll(int fd, const std::string &name, std::size_t most)
{
	std::array<char, 65536> buffer{};
	std::string text;

	while (text.size() <= most) {
		const ssize_t size = read(fd, buffer.data(), buffer.size());

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return Error::fromErrno("cannot read " + name);
		if (size == 0)
			return text;
		text.append(buffer.data(), static_cast<std::size_t>(size));
	}
	return Error(EFBIG, "cannot read " + name);
}

Status writeAll(int fd, std::string_view contents)
{
	while (!contents.empty()) {
		const ssize_t size =
		    write(fd, contents.data(), contents.size());

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return Error::fromErrno("cannot write");
		contents.remove_prefix(static_cast<std::size_t>(size));
	}
	if (fsync(fd) != 0)
		return Error::fromErrno("cannot write");
	return {};
}

/** A new name is on the disk when its folder is. */
Status syncFolderOf(const std::string &path)
{
	const auto slash = path.rfind('/');
	const std::string folder =
	    slash == std::string::npos ? "." : path.substr(0, slash + 1);
	const Fd fd(open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));

	if (!fd || fsync(fd.get()) != 0)
		return Error::fromErrno("cannot write to " + folder);
	return {};
}

} // namespace

Result<std::string> readFile(const std::string &path, std::size_t most)
{
	if (path == "-")
		return readAll(STDIN_FILENO, "standard input", most);
	const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
	if (!fd)
		return Error::fromErrno("cannot open " + path);
	return readAll(fd.get(), path, most);
}

Result<std::string> readRegularFile(const std::string &path, std::size_t most)
{
	struct stat status {
	};
	const Fd fd(
	    open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));

	if (!fd || fstat(fd.get(), &status) != 0)
		return Error::fromErrno("cannot open " + path);
	if (!S_ISREG(status.st_mode))
		return Error(path + " is no regular file");
	return readAll(fd.get(), path, most);
}

Status replaceFile(const std::string &path, std::string_view contents)
{
	const std::string fresh = path + ".new";
	const Fd fd(open(fresh.c_str(),
	                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	                 S_IRUSR | S_IWUSR));

	if (!fd)
		return Error::fromErrno("cannot write " + fresh);
	Status written = writeAll(fd.get(), contents);
	if (!written) {
		unlink(fresh.c_str());
		return written.error().in(fresh);
	}
	if (rename(fresh.c_str(), path.c_str()) != 0)
		return Error::fromErrno("cannot write " + path);
	return syncFolderOf(path);
}

Status mayAppend(const std::string &path)
{
	struct stat status {
	};
	const auto slash = path.rfind('/');
	const std::string folder =
	    slash == std::string::npos ? "." : path.substr(0, slash + 1);

	if (stat(path.c_str(), &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return Error(EISDIR, "cannot write to " + path);
		if (access(path.c_str(), W_OK) != 0)
			return Error::fromErrno("cannot write to " + path);
		return {};
	}
	if (errno != ENOENT || access(folder.c_str(), W_OK | X_OK) != 0)
		return Error::fromErrno("cannot write to " + path);
	return {};
}

} // namespace cloak
