// SPDX-License-Identifier: Apache-2.0
#include "util/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string_view>

#include "util/log_sink.h"

namespace cloak
{
namespace
{

/** Formats "%*" as the priority that journald takes from a line's start. */
class PriorityFlag final : public spdlog::custom_flag_formatter
{
public:
	void format(const spdlog::details::log_msg &message, const std::tm &,
	            spdlog::memory_buf_t &into) override
	{
		const std::string_view text = priority(message.level);

		into.append(text.data(), text.data() + text.size());
	}

	[[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter>
	clone() const override
	{
		return std::make_unique<PriorityFlag>();
	}

private:
	static std::string_view priority(spdlog::level::level_enum level)
	{
		switch (level) {
		case spdlog::level::err:
		case spdlog::level::critical:
			return "<3>";
		case spdlog::level::warn:
			return "<4>";
		case spdlog::level::info:
			return "<6>";
		default:
			return "<7>";
		}
	}
};

/** The one of this process. */
const std::shared_ptr<LogSink> &standardError()
{
	static const auto sink = std::make_shared<LogSink>(STDERR_FILENO);

	return sink;
}

} // namespace

bool isJournal(int fd)
{
	const char *stream = std::getenv("JOURNAL_STREAM");
	struct stat status {
	};

	if (stream == nullptr || fstat(fd, &status) != 0)
		return false;
	return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

Status setUpLog(const std::string &level)
{
	const auto known = spdlog::level::from_str(level);

	if (known == spdlog::level::off)
		return Error("there is no log level " + level);
	auto logger =
	    std::make_shared<spdlog::logger>("cloak", standardError());
	auto formatter = std::make_unique<spdlog::pattern_formatter>();
	if (isJournal(STDERR_FILENO))
		formatter->add_flag<PriorityFlag>('*').set_pattern("%*%v");
	else
		formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
	logger->set_formatter(std::move(formatter));
	logger->set_level(known);
	spdlog::set_default_logger(std::move(logger));
	return {};
}

std::uint64_t lostLogLines()
{
	return standardError()->lost();
}

} // namespace cloak
