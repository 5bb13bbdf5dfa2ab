// SPDX-License-Identifier: Apache-2.0
#include "policy/texts.h"

#include <fmt/format.h>
#include <limits.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "util/file.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char *kSuffix = ".toml";

/** It is the path of a file. */
constexpr std::size_t kLongestSource = PATH_MAX;

bool isDropIn(const fs::path &path)
{
	return path.extension() == kSuffix &&
	       !path.filename().string().starts_with('.');
}

Error cannotList(const fs::path &folder, const std::error_code &error)
{
	return Error(error.value(), "cannot read " + folder.string());
}

/** The files of the folder, in the order of their names. */
Result<std::vector<fs::path>> listDropIns(const fs::path &folder)
{
	std::vector<fs::path> files;
	std::error_code error;
	fs::directory_iterator entry(folder, error);

	if (error == std::errc::no_such_file_or_directory)
		return files;
	while (!error && entry != fs::directory_iterator()) {
		if (isDropIn(entry->path()))
			files.push_back(entry->path());
		if (files.size() >= kMostPolicyFiles) {
			return Error(fmt::format("{} has more than {} files",
			                         folder.string(),
			                         kMostPolicyFiles - 1));
		}
		entry.increment(error);
	}
	if (error)
		return cannotList(folder, error);
	std::ranges::sort(files);
	return files;
}

/** Its source goes to the journal and to terminals, and comes from others. */
std::optional<PolicyText> textIn(const json &object)
{
	PolicyText text;

	for (const auto &[key, member] : {std::pair("source", &text.source),
	                                  std::pair("text", &text.text)}) {
		const auto found = object.find(key);

		if (found == object.end() || !found->is_string())
			return std::nullopt;
		*member = found->get<std::string>();
	}
	if (text.source.size() > kLongestSource)
		return std::nullopt;
	text.source = printable(text.source);
	return text;
}

} // namespace

Result<PolicyTexts> readPolicyTexts(const std::string &path, PolicyFile kind)
{
	PolicyTexts texts;
	std::size_t left = kLongestPolicy;
	std::vector<fs::path> files{path};

	if (fs::path(path).extension() == kSuffix) {
		auto dropIns =
		    listDropIns(fs::path(path).replace_extension(".d"));
		if (!dropIns)
			return dropIns.error();
		files.insert(files.end(), dropIns->begin(), dropIns->end());
	}
	for (const fs::path &file : files) {
		const bool mayWait = texts.empty() && kind == PolicyFile::Any;
		auto text = mayWait ? readFile(file.string(), left)
		                    : readRegularFile(file.string(), left);
		if (!text)
			return text.error();
		left -= text->size();
		texts.push_back({file.string(), std::move(*text)});
	}
	return texts;
}

json toArguments(const PolicyTexts &texts)
{
	json arguments = {{"source", texts.front().source},
	                  {"text", texts.front().text}};

	for (std::size_t i = 1; i < texts.size(); ++i) {
		arguments["drop_ins"].push_back(
		    {{"source", texts[i].source}, {"text", texts[i].text}});
	}
	return arguments;
}

std::optional<PolicyTexts> textsIn(const json &arguments)
{
	auto first = textIn(arguments);

	if (!first)
		return std::nullopt;
	PolicyTexts texts = {std::move(*first)};
	const auto dropIns = arguments.find("drop_ins");
	if (dropIns == arguments.end())
		return texts;
	if (!dropIns->is_array() || dropIns->size() >= kMostPolicyFiles)
		return std::nullopt;
	for (const json &dropIn : *dropIns) {
		auto text = textIn(dropIn);

		if (!text)
			return std::nullopt;
		texts.push_back(std::move(*text));
	}
	return texts;
}

} // namespace cloak
