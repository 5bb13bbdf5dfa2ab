// SPDX-License-Identifier: Apache-2.0
#include "bpf/link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "bpf/quiet.h"

namespace cloak
{

namespace fs = std::filesystem;

namespace
{

constexpr std::string_view kLinkPrefix = "xdp-";

// Where our filters of tc sit: first, under a handle that is ours.
constexpr __u32 kFilterPriority = 1;
constexpr __u32 kFilterHandle = 0xc10a;

std::string nameOf(unsigned ifindex)
{
	return "interface " + std::to_string(ifindex);
}

std::string_view nameOf(bpf_tc_attach_point where)
{
	return where == BPF_TC_EGRESS ? "the egress half"
	                              : "the filter for answers";
}

bpf_tc_hook hookOf(unsigned ifindex, bpf_tc_attach_point where)
{
	bpf_tc_hook hook{};

	hook.sz = sizeof(hook);
	hook.ifindex = static_cast<int>(ifindex);
	hook.attach_point = where;
	return hook;
}

bpf_tc_opts ourFilter()
{
	bpf_tc_opts filter{};

	filter.sz = sizeof(filter);
	filter.handle = kFilterHandle;
	filter.priority = kFilterPriority;
	return filter;
}

Status attachFilter(int program, unsigned ifindex, bpf_tc_attach_point where)
{
	bpf_tc_hook hook = hookOf(ifindex, where);
	bpf_tc_opts filter = ourFilter();

	int err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return Error(-err, "cannot add clsact to " + nameOf(ifindex));
	filter.prog_fd = program;
	filter.flags = BPF_TC_F_REPLACE;
	err = bpf_tc_attach(&hook, &filter);
	if (err)
		return Error(-err, fmt::format("cannot attach {} to {}",
		                               nameOf(where), nameOf(ifindex)));
	return {};
}

bool hasFilter(unsigned ifindex, bpf_tc_attach_point where)
{
	const bpf_tc_hook hook = hookOf(ifindex, where);
	bpf_tc_opts filter = ourFilter();

	return bpf_tc_query(&hook, &filter) == 0;
}

Status detachFilter(unsigned ifindex, bpf_tc_attach_point where)
{
	const bpf_tc_hook hook = hookOf(ifindex, where);
	const bpf_tc_opts filter = ourFilter();

	if (!hasFilter(ifindex, where))
		return {};
	const int err = bpf_tc_detach(&hook, &filter);
	if (err && err != -ENOENT && err != -ENODEV)
		return Error(-err, fmt::format("cannot take {} off {}",
		                               nameOf(where), nameOf(ifindex)));
	return {};
}

/** Where no answers are wanted no packet pays for the filter. */
Status placeAnswers(const CloakObject &object, unsigned ifindex, bool wanted)
{
	return wanted ? attachFilter(object.answerProgram(), ifindex,
	                             BPF_TC_INGRESS)
	              : detachFilter(ifindex, BPF_TC_INGRESS);
}

Status detachFilters(unsigned ifindex)
{
	auto answers = detachFilter(ifindex, BPF_TC_INGRESS);
	auto egress = detachFilter(ifindex, BPF_TC_EGRESS);

	return egress ? answers : egress;
}

/** A link that is pinned, and the interface it is still attached to. */
struct PinnedLink {
	Fd fd;
	unsigned ifindex = 0; //!< 0 once the interface is gone
};

Result<std::optional<PinnedLink>> openLink(const std::string &path)
{
	PinnedLink link;
	bpf_link_info info{};
	__u32 size = sizeof(info);

	link.fd.reset(bpf_obj_get(path.c_str()));
	if (!link.fd && errno == ENOENT)
		return std::optional<PinnedLink>();
	if (!link.fd)
		return Error::fromErrno("cannot open " + path);
	if (bpf_obj_get_info_by_fd(link.fd.get(), &info, &size))
		return Error::fromErrno("cannot read " + path);
	link.ifindex = info.xdp.ifindex;
	return std::optional<PinnedLink>(std::move(link));
}

Result<XdpMode> modeOf(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	const int err = bpf_xdp_query(static_cast<int>(ifindex), 0, &query);

	if (err)
		return Error(-err, "cannot ask for the XDP mode of " +
		                       nameOf(ifindex));
	return query.attach_mode == XDP_ATTACHED_SKB ? XdpMode::Generic
	                                             : XdpMode::Native;
}

Result<Fd> createLink(int program, unsigned ifindex, XdpMode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	options.flags =
	    mode == XdpMode::Native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	Fd fd(bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP,
	                      &options));

	if (!fd && errno == EBUSY)
		return Error::fromErrno("another XDP program is attached to " +
		                        nameOf(ifindex));
	if (!fd)
		return Error::fromErrno("cannot attach the ingress half to " +
		                        nameOf(ifindex));
	return fd;
}

/** A refusal that generic mode may not share. */
bool isDriversRefusal(const Error &error)
{
	return error.code() != EBUSY && error.code() != ENODEV &&
	       error.code() != EPERM;
}

Result<std::pair<Fd, XdpMode>> createChosen(int program, unsigned ifindex,
                                            XdpChoice choice)
{
	if (choice != XdpChoice::Generic) {
		auto native = createLink(program, ifindex, XdpMode::Native);
		if (native)
			return std::pair(*std::move(native), XdpMode::Native);
		if (choice == XdpChoice::Native ||
		    !isDriversRefusal(native.error()))
			return native.error();
	}
	auto generic = createLink(program, ifindex, XdpMode::Generic);
	if (!generic)
		return generic.error();
	return std::pair(*std::move(generic), XdpMode::Generic);
}

Result<XdpMode> attachIngress(int program, unsigned ifindex, XdpChoice choice,
                              const std::string &path)
{
	std::error_code failure;
	auto created = createChosen(program, ifindex, choice);

	if (!created)
		return created.error();
	fs::create_directories(fs::path(path).parent_path(), failure);
	if (bpf_obj_pin(created->first.get(), path.c_str()))
		return Error::fromErrno("cannot pin " + path);
	return created->second;
}

} // namespace

Links::Links(std::string pinRoot) : pinRoot_(std::move(pinRoot))
{
	quietLibbpf();
}

std::string Links::linkPath(unsigned ifindex) const
{
	return pinRoot_ + "/links/" + std::string(kLinkPrefix) +
	       std::to_string(ifindex);
}

Result<XdpMode> Links::attach(const CloakObject &object, unsigned ifindex,
                              XdpChoice choice, bool answers) const
{
	const std::string path = linkPath(ifindex);
	auto existing = openLink(path);

	if (!existing)
		return existing.error();
	auto filters =
	    attachFilter(object.egressProgram(), ifindex, BPF_TC_EGRESS);
	if (filters)
		filters = placeAnswers(object, ifindex, answers);
	if (!filters)
		return filters.error();
	if (*existing && (*existing)->ifindex == ifindex) {
		if (bpf_link_update((*existing)->fd.get(),
		                    object.ingressProgram(), nullptr))
			return Error::fromErrno(
			    "cannot replace the program on " + nameOf(ifindex));
		return modeOf(ifindex);
	}
	if (*existing)
		unlink(path.c_str()); // of an interface that is gone
	auto mode =
	    attachIngress(object.ingressProgram(), ifindex, choice, path);
	if (!mode)
		detachFilters(ifindex).ignore();
	return mode;
}

Status Links::detach(unsigned ifindex) const
{
	const std::string path = linkPath(ifindex);
	auto link = openLink(path);

	if (!link)
		return link.error();
	if (*link) {
		if (bpf_link_detach((*link)->fd.get()) && errno != ENOLINK)
			return Error::fromErrno(
			    "cannot take the ingress half off " +
			    nameOf(ifindex));
		if (unlink(path.c_str()))
			return Error::fromErrno("cannot remove " + path);
	}
	return detachFilters(ifindex);
}

Result<std::vector<Attachment>> Links::list() const
{
	std::vector<Attachment> found;
	std::error_code failure;

	for (fs::directory_iterator
	         entry(fs::path(pinRoot_) / "links", failure),
	     end;
	     !failure && entry != end; entry.increment(failure)) {
		auto link = openLink(entry->path());

		if (!link)
			return link.error();
		if (!*link || (*link)->ifindex == 0)
			continue;
		auto mode = modeOf((*link)->ifindex);
		if (!mode)
			return mode.error();
		found.push_back({(*link)->ifindex, *mode,
		                 hasFilter((*link)->ifindex, BPF_TC_EGRESS)});
	}
	return found;
}

} // namespace cloak
