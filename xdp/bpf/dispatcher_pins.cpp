// SPDX-License-Identifier: Apache-2.0
#include "bpf/dispatcher_pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "bpf/pin_folder.h"
#include "bpf/programs.h"

namespace cloak
{

namespace
{

namespace fs = std::filesystem;

constexpr std::string_view kProgramPrefix = "program-";

// As many as a dispatcher has places for.
constexpr unsigned kPlaces = 10;

// More than the entry uses.
constexpr __u32 kMostMaps = 8;

/** Where libxdp has its pins. */
fs::path libxdpRoot()
{
	const char *elsewhere = secure_getenv("LIBXDP_BPFFS");

	return fs::path(elsewhere != nullptr ? elsewhere : "/sys/fs/bpf") /
	       "xdp";
}

/** Where it pins what it puts behind a dispatcher. */
fs::path usualFolder(unsigned ifindex, __u32 dispatcher)
{
	return libxdpRoot() /
	       fmt::format("dispatch-{}-{}", ifindex, dispatcher);
}

/** The same, also under another number that the interface had before. */
fs::path libxdpFolder(unsigned ifindex, __u32 dispatcher)
{
	const fs::path usual = usualFolder(ifindex, dispatcher);
	const std::string end = fmt::format("-{}", dispatcher);
	std::error_code failure;

	if (fs::exists(usual, failure))
		return usual;
	for (fs::directory_iterator entry(libxdpRoot(), failure);
	     !failure && entry != fs::directory_iterator();
	     entry.increment(failure)) {
		const std::string name = entry->path().filename().string();

		if (name.starts_with("dispatch-") && name.ends_with(end))
			return entry->path();
	}
	return usual;
}

/** The program that is called from this place; 0 if there is none. */
__u32 callerOf(const Fd &link)
{
	bpf_link_info info{};
	__u32 size = sizeof(info);

	if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
		return 0;
	return info.tracing.target_obj_id;
}

/** A program behind a dispatcher, and its place there. */
struct Place {
	Fd program;
	Fd link;
};

/** The first behind the dispatcher that @p isIt, by the pins of libxdp. */
template <typename IsIt>
Place findPlace(unsigned ifindex, __u32 dispatcher, IsIt isIt)
{
	const fs::path folder = libxdpFolder(ifindex, dispatcher);

	for (unsigned place = 0; place < kPlaces; ++place) {
		const std::string name =
		    (folder / fmt::format("prog{}-", place)).string();
		Fd found(bpf_obj_get((name + "prog").c_str()));

		if (!found)
			break;
		if (isIt(found)) {
			return {std::move(found),
			        Fd(bpf_obj_get((name + "link").c_str()))};
		}
	}
	return {};
}

/** The place of the program with that number. */
Fd findPlaceOf(unsigned ifindex, __u32 dispatcher, __u32 program)
{
	return findPlace(
		   ifindex, dispatcher,
		   [program](const Fd &found) {
			   return programId(found.get()) == program;
		   })
	    .link;
}

/** Whether it has that name, and uses that map. */
bool isNamedAndUses(const Fd &program, std::string_view name, __u32 map)
{
	std::array<__u32, kMostMaps> maps{};
	bpf_prog_info info{};
	__u32 size = sizeof(info);

	info.nr_map_ids = kMostMaps;
	info.map_ids = reinterpret_cast<__u64>(maps.data());
	if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0 ||
	    name != info.name)
		return false;
	const auto end = maps.begin() + std::min(info.nr_map_ids, kMostMaps);
	return std::find(maps.begin(), end, map) != end;
}

Status remove(const std::string &path)
{
	if (unlink(path.c_str()) != 0 && errno != ENOENT)
		return Error::fromErrno("cannot remove " + path);
	return {};
}

} // namespace

std::string DispatcherPins::path(const char *what, unsigned ifindex) const
{
	return fmt::format("{}/{}-{}", folder_, what, ifindex);
}

Status DispatcherPins::keepPlace(unsigned ifindex, const Fd &link) const
{
	const std::string pin = path("link", ifindex);
	auto removed = remove(pin);

	if (!removed)
		return removed;
	if (bpf_obj_pin(link.get(), pin.c_str()))
		return Error::fromErrno("cannot pin " + pin);
	return {};
}

Status DispatcherPins::keep(unsigned ifindex, int program) const
{
	const std::string pin = path("program", ifindex);
	const Fd copy(dup(program));
	std::error_code failure;

	auto attached = queryXdp(ifindex);
	if (!attached)
		return attached.error();
	const Fd place =
	    findPlaceOf(ifindex, attached->program, programId(copy.get()));
	if (!place)
		return Error(ENOENT, "libxdp has made no dispatcher");
	fs::create_directories(folder_, failure);
	auto forgotten = forget(ifindex);
	if (!forgotten)
		return forgotten;
	if (bpf_obj_pin(program, pin.c_str()))
		return Error::fromErrno("cannot pin " + pin);
	return keepPlace(ifindex, place);
}

Result<std::optional<XdpMode>>
DispatcherPins::adopt(unsigned ifindex, std::string_view name, __u32 id) const
{
	auto attached = queryXdp(ifindex);

	if (!attached)
		return attached.error();
	if (attached->program == 0)
		return std::optional<XdpMode>();
	const Place place =
	    findPlace(ifindex, attached->program, [&](const Fd &found) {
		    return isNamedAndUses(found, name, id);
	    });
	if (!place.link)
		return std::optional<XdpMode>();
	auto kept = keep(ifindex, place.program.get());
	if (!kept)
		return kept.error();
	return std::optional(attached->mode);
}

Status DispatcherPins::forget(unsigned ifindex) const
{
	// The program last: by it the rest is found.
	auto removed = remove(path("link", ifindex));

	return removed ? remove(path("program", ifindex)) : removed;
}

Fd DispatcherPins::program(unsigned ifindex) const
{
	return Fd(bpf_obj_get(path("program", ifindex).c_str()));
}

Result<std::optional<XdpMode>> DispatcherPins::find(unsigned ifindex) const
{
	const __u32 ours = programId(program(ifindex).get());

	if (ours == 0)
		return std::optional<XdpMode>();
	auto attached = queryXdp(ifindex);
	if (!attached)
		return attached.error();
	// libxdp pins the next dispatcher before it attaches that, so a second
	// look finds what the first has missed.
	for (__u32 seen = 0;
	     attached->program != 0 && attached->program != seen;) {
		seen = attached->program;
		if (callerOf(Fd(bpf_obj_get(path("link", ifindex).c_str()))) ==
		    seen)
			return std::optional(attached->mode);
		const Fd place = findPlaceOf(ifindex, seen, ours);
		if (place) {
			keepPlace(ifindex, place).ignore();
			return std::optional(attached->mode);
		}
		attached = queryXdp(ifindex);
		if (!attached)
			return attached.error();
	}
	return std::optional<XdpMode>();
}

/** Under another number libxdp does not look. */
bool DispatcherPins::isHeldByLibxdp(unsigned ifindex) const
{
	auto attached = queryXdp(ifindex);
	std::error_code failure;

	return attached &&
	       fs::exists(usualFolder(ifindex, attached->program), failure) &&
	       findPlaceOf(ifindex, attached->program,
	                   programId(program(ifindex).get()));
}

std::vector<unsigned> DispatcherPins::interfaces() const
{
	return pinnedInterfaces(folder_, kProgramPrefix)
	    .valueOr(std::vector<unsigned>());
}

} // namespace cloak
