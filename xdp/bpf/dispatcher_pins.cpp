// SPDX-License-Identifier: Apache-2.0
#include "bpf/dispatcher_pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

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

/** Where libxdp pins what it puts behind a dispatcher. */
fs::path libxdpFolder(unsigned ifindex, __u32 dispatcher)
{
	const char *elsewhere = secure_getenv("LIBXDP_BPFFS");

	return fmt::format("{}/xdp/dispatch-{}-{}",
	                   elsewhere != nullptr ? elsewhere : "/sys/fs/bpf",
	                   ifindex, dispatcher);
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

/** The place of a program behind the dispatcher, by the pins of libxdp. */
Fd findPlace(unsigned ifindex, __u32 dispatcher, __u32 program)
{
	const fs::path folder = libxdpFolder(ifindex, dispatcher);

	for (unsigned place = 0; place < kPlaces; ++place) {
		const std::string name =
		    (folder / fmt::format("prog{}-", place)).string();
		const Fd found(bpf_obj_get((name + "prog").c_str()));

		if (!found)
			return Fd();
		if (programId(found.get()) == program)
			return Fd(bpf_obj_get((name + "link").c_str()));
	}
	return Fd();
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
	    findPlace(ifindex, attached->program, programId(copy.get()));
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
		const Fd place = findPlace(ifindex, seen, ours);
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

bool DispatcherPins::isHeldByLibxdp(unsigned ifindex) const
{
	auto attached = queryXdp(ifindex);

	return attached && findPlace(ifindex, attached->program,
	                             programId(program(ifindex).get()));
}

std::vector<unsigned> DispatcherPins::interfaces() const
{
	return pinnedInterfaces(folder_, kProgramPrefix)
	    .valueOr(std::vector<unsigned>());
}

} // namespace cloak
