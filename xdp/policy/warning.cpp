// SPDX-License-Identifier: Apache-2.0
#include "policy/warning.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cloak
{

std::string toString(const Warning &warning, const FileNames &files)
{
	return fmt::format("{}: {} = {}: {}", placeOf(warning.at, files),
	                   warning.key, warning.value, warning.reason);
}

std::vector<std::string> textsOf(const Warnings &warnings,
                                 const FileNames &files)
{
	std::vector<std::string> texts;

	for (const Warning &warning : warnings)
		texts.push_back(toString(warning, files));
	return texts;
}

nlohmann::json toJson(const Warnings &warnings, const FileNames &files)
{
	nlohmann::json list = nlohmann::json::array();

	for (const Warning &warning : warnings) {
		list.push_back({
		    {"code", warning.code},
		    {"file", fileOf(warning.at, files)},
		    {"line", warning.at.line},
		    {"column", warning.at.column},
		    {"key", warning.key},
		    {"value", warning.value},
		    {"reason", warning.reason},
		    {"text", toString(warning, files)},
		});
	}
	return list;
}

} // namespace cloak
