// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Where lines end up: a file, or a stream such as standard output.
 */
#ifndef CLOAKLAKE_ALERTS_SINK_H
#define CLOAKLAKE_ALERTS_SINK_H

#include <cstddef>
#include <string>
#include <string_view>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/** Takes text a piece at a time. Used by one thread. */
class Sink
{
public:
	Sink() = default;
	Sink(const Sink &) = delete;
	Sink &operator=(const Sink &) = delete;
	virtual ~Sink() = default;

	/**
	 * Writes a part of @p text, maybe nothing, but that not at once: it
	 * waits a while for room first. @returns how much.
	 */
	[[nodiscard]] virtual Result<std::size_t>
	write(std::string_view text) = 0;

	/** Between two lines: may move on to a new file. */
	virtual Status lineBoundary() { return {}; }

	/** For messages. */
	[[nodiscard]] virtual const std::string &name() const = 0;
};

/**
 * A file that grows. One that was moved or removed (log rotation) is noticed
 * and made anew, between two lines.
 */
class FileSink final : public Sink
{
public:
	explicit FileSink(std::string path) : path_(std::move(path)) {}

	[[nodiscard]] Result<std::size_t> write(std::string_view text) override;
	Status lineBoundary() override;
	[[nodiscard]] const std::string &name() const override { return path_; }

private:
	Status open();
	[[nodiscard]] bool endsWithinLine() const;
	[[nodiscard]] bool isSameFile() const;

	std::string path_;
	Fd fd_;
};

/** A descriptor that belongs to somebody else. */
class StreamSink final : public Sink
{
public:
	StreamSink(int fd, std::string name) : fd_(fd), name_(std::move(name))
	{
	}

	[[nodiscard]] Result<std::size_t> write(std::string_view text) override;
	[[nodiscard]] const std::string &name() const override { return name_; }

private:
	int fd_;
	std::string name_;
};

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_SINK_H
