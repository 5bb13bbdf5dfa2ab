// SPDX-License-Identifier: Apache-2.0
#include "daemon/trial.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
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

/** What is written; the first one had nobody who was let in. */
constexpr unsigned kTrialVersion = 2;

/** As many as the data plane has room for. */
constexpr std::size_t kMostGranted = CLOAK_MAX_PEERS;

constexpr std::size_t kLongestBootId = 64;

std::string pathIn(const std::string &folder)
{
	return folder + "/trial.json";
}

json toJson(const std::vector<Authorisation> &granted)
{
	json list = json::array();

	for (const Authorisation &one : granted) {
		if (list.size() == kMostGranted)
			break;
		json object = {{"peer", toString(one.peer)}};
		if (one.mac)
			object["mac"] = toString(*one.mac);
		if (one.expires)
			object["expires"] =
			    one.expires->time_since_epoch().count();
		list.push_back(std::move(object));
	}
	return list;
}

std::optional<std::string> textIn(const json &object, const char *key)
{
	const auto found = object.find(key);

	if (found == object.end() || !found->is_string())
		return std::nullopt;
	return found->get<std::string>();
}

std::optional<Authorisation> authorisationIn(const json &object)
{
	Authorisation granted;

	if (!object.is_object())
		return std::nullopt;
	const auto peer = parsePrefix(textIn(object, "peer").value_or(""));
	if (!peer || *peer != peer->network())
		return std::nullopt;
	granted.peer = *peer;
	if (object.contains("mac")) {
		granted.mac = parseMac(textIn(object, "mac").value_or(""));
		if (!granted.mac)
			return std::nullopt;
	}
	if (object.contains("expires")) {
		const json &expires = object["expires"];
		if (!expires.is_number_integer())
			return std::nullopt;
		granted.expires =
		    BootTime(BootTime::duration(expires.get<BootTime::rep>()));
	}
	return granted;
}

/** @returns false if it is no list of those who were let in. */
bool readGranted(const json &object, Trial &trial)
{
	const json list = object.value("granted", json::array());
	const json boot = object.value("boot", json(""));

	if (!list.is_array() || list.size() > kMostGranted || !boot.is_string())
		return false;
	trial.boot = boot.get<std::string>();
	for (const json &member : list) {
		auto granted = authorisationIn(member);
		if (!granted)
			return false;
		trial.granted.push_back(*granted);
	}
	return true;
}

bool isKnown(const json &version)
{
	return version.is_number_unsigned() && version >= 1U &&
	       version <= kTrialVersion;
}

} // namespace

std::string toLine(const Trial &trial)
{
	const json line = {{"former", trial.former},
	                   {"former_source", trial.formerSource},
	                   {"former_on", trial.formerOn},
	                   {"source", trial.source},
	                   {"fingerprint", trial.fingerprint},
	                   {"waiting", trial.waiting},
	                   {"version", kTrialVersion},
	                   {"granted", toJson(trial.granted)},
	                   {"boot", trial.boot}};

	return toLine(line);
}

std::optional<Trial> parseTrial(std::string_view text)
{
	const json object = json::parse(text, nullptr, false);
	Trial trial;

	if (!object.is_object() || !isKnown(object.value("version", json(1U))))
		return std::nullopt;
	for (const auto &[key, member] :
	     {std::pair("former", &trial.former),
	      std::pair("former_source", &trial.formerSource),
	      std::pair("source", &trial.source),
	      std::pair("fingerprint", &trial.fingerprint)}) {
		auto value = textIn(object, key);
		if (!value)
			return std::nullopt;
		*member = std::move(*value);
	}
	if (!readGranted(object, trial))
		return std::nullopt;
	trial.formerOn = object.value("former_on", json(true)) != json(false);
	trial.waiting = object.value("waiting", json(true)) != json(false);
	return trial;
}

std::string bootId()
{
	const char *known = std::getenv("CLOAKD_BOOT_ID");
	const std::string text =
	    readFile("/proc/sys/kernel/random/boot_id", kLongestBootId)
		.valueOr(known != nullptr ? known : "");
	std::string id;

	// The one has dashes and a line feed, the other has neither.
	std::ranges::copy_if(text, std::back_inserter(id), [](char digit) {
		return std::isxdigit(static_cast<unsigned char>(digit)) != 0;
	});
	return id;
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

	auto text = readRegularFile(path, kLongestRecord);
	if (!text && (text.error().code() == ENOENT))
		return std::optional<Trial>();
	if (!text)
		return text.error();
	auto trial = parseTrial(*text);
	if (!trial)
		return Error(path + " is damaged");
	if (trial->boot.empty() || trial->boot != bootId())
		trial->granted.clear();
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
