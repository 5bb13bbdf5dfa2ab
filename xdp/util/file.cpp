// SPDX-License-Identifier: Apache-2.0
#include "util/file.h"

#include <fcntl.h>
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

} // namespace cloak
