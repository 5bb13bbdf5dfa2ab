// SPDX-License-Identifier: Apache-2.0
#include "policy/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cloak
{
namespace
{

std::string subject(const Diagnostic &diagnostic)
{
	if (diagnostic.key.empty())
		return "syntax";
	if (diagnostic.value.empty())
		return diagnostic.key;
	return fmt::format("{} = {}", diagnostic.key, diagnostic.value);
}

} // namespace

std::string fileOf(const Position &at, const FileNames &files)
{
	return at.file < files.size() ? files[at.file] : "policy";
}

std::string placeOf(const Position &at, const FileNames &files)
{
	if (at.line == 0)
		return fileOf(at, files);
	return fmt::format("{}:{}:{}", fileOf(at, files), at.line, at.column);
}

std::string toString(const Diagnostic &diagnostic, const FileNames &files)
{
	return fmt::format("{}: {}: expected {}", placeOf(diagnostic.at, files),
	                   subject(diagnostic), diagnostic.expected);
}

void sortByPosition(Diagnostics &diagnostics)
{
	std::ranges::stable_sort(diagnostics, {}, &Diagnostic::at);
}

std::string lineOf(const Position &place, const Position &here,
                   const FileNames &files)
{
	if (place.file == here.file)
		return fmt::format("line {}", place.line);
	return fmt::format("line {} of {}", place.line, fileOf(place, files));
}

nlohmann::json toJson(const Diagnostics &errors, const FileNames &files)
{
	nlohmann::json list = nlohmann::json::array();

	for (const Diagnostic &error : errors) {
		list.push_back({
		    {"file", fileOf(error.at, files)},
		    {"line", error.at.line},
		    {"column", error.at.column},
		    {"key", error.key},
		    {"value", error.value},
		    {"expected", error.expected},
		    {"text", toString(error, files)},
		});
	}
	return list;
}

} // namespace cloak
