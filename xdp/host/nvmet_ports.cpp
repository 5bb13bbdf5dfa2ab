// SPDX-License-Identifier: Apache-2.0
#include "host/nvmet_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "util/file.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

namespace fs = std::filesystem;

/** No attribute of configfs is longer. */
constexpr std::size_t kLongestAttribute = 4096;

/** An attribute without the end of its line; empty if it cannot be read. */
std::string attribute(const fs::path &port, const char *name)
{
	auto text = readFile(port / name, kLongestAttribute);

	if (!text)
		return {};
	text->erase(text->find_last_not_of(" \n") + 1);
	return *text;
}

std::optional<std::uint16_t> parseService(const std::string &text)
{
	std::uint16_t service = 0;
	const char *end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data(), end, service);

	if (error != std::errc() || at != end || service == 0)
		return std::nullopt;
	return service;
}

/** The names of what is in a folder, sorted; none if there is no folder. */
Result<std::vector<std::string>> namesIn(const fs::path &folder)
{
	std::vector<std::string> names;
	std::error_code error;

	for (fs::directory_iterator at(folder, error), end; !error && at != end;
	     at.increment(error))
		names.push_back(at->path().filename());
	if (error && error != std::errc::no_such_file_or_directory)
		return Error(error.value(), "cannot read " + folder.string());
	std::ranges::sort(names);
	return names;
}

void addPort(const fs::path &folder, NvmetPorts &found)
{
	const std::string traddr = attribute(folder, "addr_traddr");
	const std::string trsvcid = attribute(folder, "addr_trsvcid");
	const auto address = parseIp(traddr);
	const auto service = parseService(trsvcid);
	NvmetPort port;

	port.id = folder.filename();
	if (!address || !service) {
		found.warnings.push_back(fmt::format(
		    "port {} is left out: {} is no address with a service",
		    port.id, quote(traddr + " " + trsvcid)));
		return;
	}
	port.address = *address;
	port.service = *service;
	auto subsystems = namesIn(folder / "subsystems");
	if (subsystems)
		port.subsystems = std::move(*subsystems);
	if (port.subsystems.empty()) {
		found.warnings.push_back(
		    fmt::format("port {} offers no subsystem now", port.id));
	}
	found.ports.push_back(std::move(port));
}

} // namespace

bool NvmetPort::isAny() const
{
	return address.isUnspecified() || address == parseIp("0.0.0.0");
}

Result<NvmetPorts> readNvmetPorts(const std::string &configfs)
{
	const fs::path folder = fs::path(configfs) / "nvmet" / "ports";
	NvmetPorts found;

	auto ids = namesIn(folder);
	if (!ids)
		return ids.error();
	for (const std::string &id : *ids)
		if (attribute(folder / id, "addr_trtype") == "tcp")
			addPort(folder / id, found);
	return found;
}

} // namespace cloak
