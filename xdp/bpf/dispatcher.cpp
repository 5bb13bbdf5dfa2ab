// SPDX-License-Identifier: Apache-2.0
#include "bpf/dispatcher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>

#include <array>
#include <memory>
#include <string_view>

#include "bpf/quiet.h"
#include "entry.skel.h"

namespace cloak
{

namespace
{

/** As kern/entry.bpf.c calls it. */
constexpr const char *kEntryProgram = "cloak_entry";

struct EntryDeleter {
	void operator()(entry_bpf *entry) const { entry_bpf__destroy(entry); }
};

struct XdpProgramDeleter {
	void operator()(xdp_program *program) const
	{
		xdp_program__close(program);
	}
};

using EntryObject = std::unique_ptr<entry_bpf, EntryDeleter>;
using XdpProgram = std::unique_ptr<xdp_program, XdpProgramDeleter>;

/** libxdp has errors in place of pointers. */
Result<XdpProgram> take(xdp_program *program)
{
	const long err = libxdp_get_error(program);

	if (err != 0)
		return Error(static_cast<int>(-err),
		             "libxdp does not take the program");
	return XdpProgram(program);
}

xdp_attach_mode forLibxdp(XdpMode mode)
{
	return mode == XdpMode::Native ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

Status mayUseLibxdp()
{
	if (capng_get_caps_process() == 0 &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) != 0)
		return {};
	return Error(EPERM, "the dispatcher of libxdp takes CAP_SYS_ADMIN, "
	                    "which is given up until cloakd is restarted");
}

/** What the verifier said last, without its figures. */
std::string lastLine(std::string_view log)
{
	std::string_view last;

	while (!log.empty()) {
		const auto end = log.find('\n');
		const std::string_view line = log.substr(0, end);

		if (!line.empty() && !line.starts_with("processed "))
			last = line;
		log.remove_prefix(end == log.npos ? log.size() : end + 1);
	}
	return std::string(last);
}

Error refusal(int err, const char *log, const std::string &complaint)
{
	const std::string said = lastLine(log);

	if (!said.empty())
		return Error("the kernel says \"" + said + "\"");
	if (!complaint.empty())
		return Error("libxdp says \"" + complaint + "\"");
	return Error(-err, "libxdp fails");
}

/** The modes to try. Native and generic programs do not go together. */
Result<std::vector<XdpMode>> modesFor(XdpChoice choice,
                                      const AttachedXdp &attached)
{
	const bool native = choice != XdpChoice::Generic;
	const bool generic = choice != XdpChoice::Native;
	std::vector<XdpMode> modes;

	if (native &&
	    (attached.program == 0 || attached.mode == XdpMode::Native))
		modes.push_back(XdpMode::Native);
	if (generic &&
	    (attached.program == 0 || attached.mode == XdpMode::Generic))
		modes.push_back(XdpMode::Generic);
	if (modes.empty())
		return Error(EBUSY,
		             "programs of others are there in the other mode");
	return modes;
}

/** The map with the program, made if it is missing. */
Result<Fd> makeEntryMap(const std::string &path)
{
	Fd map(bpf_obj_get(path.c_str()));

	if (map)
		return map;
	map.reset(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, kEntryPin,
	                         sizeof(__u32), sizeof(__u32), 1, nullptr));
	if (!map || bpf_obj_pin(map.get(), path.c_str()))
		return Error::fromErrno("cannot pin " + path);
	return map;
}

/**
 * Takes a dispatcher away that libxdp does not know, as its pins are lost, and
 * with them the programs of others. Ours is held by our pins alone.
 */
Status removeDispatcher(XdpMode mode, unsigned ifindex)
{
	const __u32 flags =
	    mode == XdpMode::Native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	const int err =
	    bpf_xdp_detach(static_cast<int>(ifindex), flags, nullptr);

	if (err)
		return Error(-err, "cannot take the dispatcher off " +
		                       interfaceText(ifindex));
	return {};
}

} // namespace

Dispatcher::Dispatcher(std::string pinRoot)
    : pinRoot_(std::move(pinRoot)), pins_(pinRoot_)
{
	quietLibbpf();
	quietLibxdp();
}

std::string Dispatcher::entryPath() const
{
	return pinRoot_ + "/" + kEntryPin;
}

Status Dispatcher::replace(int program) const
{
	const __u32 first = 0;
	auto map = makeEntryMap(entryPath());

	if (!map)
		return map.error();
	if (bpf_map_update_elem(map->get(), &first, &program, BPF_ANY))
		return Error::fromErrno("cannot put the program behind the "
		                        "dispatcher of libxdp");
	return {};
}

Status Dispatcher::joinAs(XdpMode mode, unsigned ifindex) const
{
	std::array<char, 4096> log{};
	const int index = static_cast<int>(ifindex);
	const EntryObject entry(entry_bpf__open());

	if (!entry)
		return Error::fromErrno("cannot open the BPF object");
	bpf_program__set_log_buf(entry->progs.cloak_entry, log.data(),
	                         log.size());
	if (bpf_map__set_pin_path(entry->maps.ingress_entry,
	                          entryPath().c_str()))
		return Error::fromErrno("cannot set the pin of " + entryPath());
	auto program = take(xdp_program__from_bpf_obj(entry->obj, "xdp.frags"));
	if (!program)
		return program.error();
	// Else the dispatcher cannot be where packets of many buffers are.
	xdp_program__set_xdp_frags_support(program->get(), true);
	const LibxdpComplaint complaint;
	const int err =
	    xdp_program__attach(program->get(), index, forLibxdp(mode), 0);
	if (err)
		return refusal(err, log.data(), complaint.text());
	auto kept = pins_.keep(ifindex, xdp_program__fd(program->get()));
	if (kept)
		return {};
	// Where it finds that the kernel has not what dispatchers take, it
	// attaches the program alone.
	xdp_program__detach(program->get(), index, forLibxdp(mode), 0);
	pins_.forget(ifindex).ignore();
	if (kept.error().code() == ENOENT)
		return refusal(-ENOENT, log.data(), complaint.text());
	return kept;
}

Result<std::optional<XdpMode>> Dispatcher::recall(unsigned ifindex) const
{
	bpf_map_info info{};
	__u32 size = sizeof(info);

	auto known = find(ifindex);
	if (!known || *known)
		return known;
	const Fd map(bpf_obj_get(entryPath().c_str()));
	if (!map && errno == ENOENT)
		return std::optional<XdpMode>();
	if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
		return Error::fromErrno("cannot read " + entryPath());
	return pins_.adopt(ifindex, kEntryProgram, info.id);
}

Result<XdpMode> Dispatcher::join(int program, unsigned ifindex,
                                 XdpChoice choice) const
{
	auto allowed = mayUseLibxdp();
	if (!allowed)
		return allowed.error();
	auto attached = queryXdp(ifindex);
	if (!attached)
		return attached.error();
	auto modes = modesFor(choice, *attached);
	if (!modes)
		return modes.error();
	// First: an entry that leads nowhere lets nothing pass.
	auto ready = replace(program);
	if (!ready)
		return ready.error();
	std::optional<Error> failure;
	for (const XdpMode mode : *modes) {
		auto joined = joinAs(mode, ifindex);
		if (joined)
			return mode;
		// What it finds out about the kernel libxdp says once.
		if (!failure)
			failure = joined.error();
	}
	return *failure;
}

/** Takes our program alone out of the dispatcher. */
Status Dispatcher::leaveAs(XdpMode mode, unsigned ifindex) const
{
	auto allowed = mayUseLibxdp();
	if (!allowed)
		return allowed;
	const Fd pinned = pins_.program(ifindex);
	auto program = take(xdp_program__from_fd(pinned.get()));
	if (!program)
		return program.error();
	const LibxdpComplaint complaint;
	const int err = xdp_program__detach(
	    program->get(), static_cast<int>(ifindex), forLibxdp(mode), 0);
	if (!err)
		return {};
	if (!pins_.isHeldByLibxdp(ifindex))
		return removeDispatcher(mode, ifindex);
	return refusal(err, "", complaint.text())
	    .in("cannot take the ingress half out of the dispatcher of " +
	        interfaceText(ifindex));
}

Status Dispatcher::leave(unsigned ifindex) const
{
	auto mode = recall(ifindex);

	if (!mode)
		return mode.error();
	if (*mode) {
		auto left = leaveAs(**mode, ifindex);
		if (!left)
			return left;
	}
	return pins_.forget(ifindex);
}

} // namespace cloak
