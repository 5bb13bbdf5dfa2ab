// SPDX-License-Identifier: Apache-2.0
#include "daemon/trial.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "policy/parse.h"
#include "util/digest.h"
#include "util/file.h"
#include "util/json.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** A policy in JSON is longer than in TOML by what has to be escaped. */
constexpr std::size_t kLongestRecord = 2 * kLongestPolicy;

std::string pathIn(const std::string &folder)
{
	return folder + "/trial.json";
}

} // namespace

std::string toLine(const Trial &trial)
{
	const json line = {{"former", trial.former},
	                   {"former_source", trial.formerSource},
	                   {"former_on", trial.formerOn},
	                   {"source", trial.source},
	                   {"fingerprint", trial.fingerprint},
	                   {"waiting", trial.waiting}};

	return toLine(line);
}

std::optional<Trial> parseTrial(std::string_view text)
{
	const json object = json::parse(text, nullptr, false);
	Trial trial;

	if (!object.is_object())
		return std::nullopt;
	for (const auto &[key, member] :
	     {std::pair("former", &trial.former),
	      std::pair("former_source", &trial.formerSource),
	      std::pair("source", &trial.source),
	      std::pair("fingerprint", &trial.fingerprint)}) {
		auto found = object.find(key);
		if (found == object.end() || !found->is_string())
			return std::nullopt;
		*member = found->get<std::string>();
	}
	trial.formerOn = object.value("former_on", json(true)) != json(false);
	trial.waiting = object.value("waiting", json(true)) != json(false);
	return trial;
}

std::string fingerprintOf(const PolicyTexts &texts)
{
	std::string all = texts.front().text;

	for (std::size_t i = 1; i < texts.size(); ++i)
		all += '\0' + texts[i].text;
	const auto parts = digest(all);

	return fmt::format("{:016x}{:016x}", parts[0], parts[1]);
}

Status keepTrial(const std::string &folder, const Trial &trial)
{
	if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
		return Error::fromErrno("cannot make " + folder);
	return replaceFile(pathIn(folder), toLine(trial) + "\n");
}

Result<std::optional<Trial>> recallTrial(const std::string &folder)
{
	const std::string path = pathIn(folder);

	auto text = readFile(path, kLongestRecord);
	if (!text && (text.error().code() == ENOENT))
		return std::optional<Trial>();
	if (!text)
		return text.error();
	auto trial = parseTrial(*text);
	if (!trial)
		return Error(path + " is damaged");
	return trial;
}

Status forgetTrial(const std::string &folder)
{
	const std::string path = pathIn(folder);

	if (unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
		return Error::fromErrno("cannot remove " + path);
	return {};
}

} // namespace cloak
