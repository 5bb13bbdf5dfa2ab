// SPDX-License-Identifier: Apache-2.0
#include "policy/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cloak
{
namespace
{

std::string place(const Position &at, std::string_view file)
{
	if (at.line == 0)
		return std::string(file);
	return fmt::format("{}:{}:{}", file, at.line, at.column);
}

std::string subject(const Diagnostic &diagnostic)
{
	if (diagnostic.key.empty())
		return "syntax";
	if (diagnostic.value.empty())
		return diagnostic.key;
	return fmt::format("{} = {}", diagnostic.key, diagnostic.value);
}

} // namespace

std::string toString(const Diagnostic &diagnostic, std::string_view file)
{
	return fmt::format("{}: {}: expected {}", place(diagnostic.at, file),
	                   subject(diagnostic), diagnostic.expected);
}

void sortByPosition(Diagnostics &diagnostics)
{
	std::ranges::stable_sort(diagnostics, {}, &Diagnostic::at);
}

nlohmann::json toJson(const Diagnostics &errors, std::string_view file)
{
	nlohmann::json list = nlohmann::json::array();

	for (const Diagnostic &error : errors) {
		list.push_back({
		    {"file", file},
		    {"line", error.at.line},
		    {"column", error.at.column},
		    {"key", error.key},
		    {"value", error.value},
		    {"expected", error.expected},
		    {"text", toString(error, file)},
		});
	}
	return list;
}

} // namespace cloak
