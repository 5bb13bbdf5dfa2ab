// SPDX-License-Identifier: Apache-2.0
#include "bpf/link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "bpf/driver.h"
#include "bpf/filters.h"
#include "bpf/pin_folder.h"
#include "bpf/programs.h"
#include "bpf/quiet.h"

namespace cloak
{

namespace fs = std::filesystem;

namespace
{

constexpr std::string_view kLinkPrefix = "xdp-";

// Why an interface that has the cloak has it in another place.
constexpr const char *kKeepsLink =
    "it keeps the link it has; the dispatcher is tried when the cloak is put "
    "on anew, by \"cloakctl off\" and \"cloakctl on\"";
constexpr const char *kKeepsPlace =
    "it stays behind the dispatcher of libxdp until the cloak is put on anew, "
    "by \"cloakctl off\" and \"cloakctl on\"";

/** Where no answers are wanted no packet pays for the filter. */
Status placeAnswers(const CloakObject &object, unsigned ifindex, bool wanted)
{
	return wanted ? attachFilter(object.answerProgram(), ifindex,
	                             BPF_TC_INGRESS)
	              : detachFilter(ifindex, BPF_TC_INGRESS);
}

/** A link that is pinned, and the interface it is still attached to. */
struct PinnedLink {
	Fd fd;
	__u32 id = 0;
	unsigned ifindex = 0; //!< 0 once the interface is gone
	__u32 program = 0;
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
	link.id = info.id;
	link.ifindex = info.xdp.ifindex;
	link.program = info.prog_id;
	return std::optional<PinnedLink>(std::move(link));
}

/**
 * Whether the link, if there is one, is on that interface, where @p attached
 * is. The number alone says nothing: an interface of another network namespace
 * may have the same.
 */
bool isOn(const std::optional<PinnedLink> &link, unsigned ifindex,
          const AttachedXdp &attached)
{
	return link && link->ifindex == ifindex &&
	       link->program == attached.program;
}

/** The mode in which the link is on that interface; nothing if it is not. */
Result<std::optional<XdpMode>> modeOf(const std::optional<PinnedLink> &link,
                                      unsigned ifindex)
{
	if (!link || link->ifindex != ifindex)
		return std::optional<XdpMode>();
	auto attached = queryXdp(ifindex);
	if (!attached)
		return attached.error();
	if (!isOn(link, ifindex, *attached))
		return std::optional<XdpMode>();
	return std::optional(attached->mode);
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
		                        interfaceText(ifindex));
	if (!fd)
		return Error::fromErrno("cannot attach the ingress half to " +
		                        interfaceText(ifindex));
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

Links::Links(std::string pinRoot)
    : pinRoot_(std::move(pinRoot)), dispatcher_(pinRoot_)
{
	quietLibbpf();
}

std::string Links::linkPath(unsigned ifindex) const
{
	return pinRoot_ + "/links/" + std::string(kLinkPrefix) +
	       std::to_string(ifindex);
}

std::string Links::namePath(unsigned ifindex) const
{
	return pinRoot_ + "/names/" + std::to_string(ifindex);
}

/** A BPF file system has no files but pins, but it has symbolic links. */
Status Links::keepName(unsigned ifindex, const std::string &name) const
{
	const fs::path path = namePath(ifindex);
	std::error_code failure;

	if (fs::read_symlink(path, failure) == name)
		return {};
	fs::remove(path, failure);
	fs::create_directories(path.parent_path(), failure);
	fs::create_symlink(name, path, failure);
	if (failure)
		return Error(failure.value(), "cannot make " + path.string());
	return {};
}

bool Links::noteName(unsigned ifindex, const std::string &name) const
{
	std::error_code failure;

	if (fs::is_symlink(namePath(ifindex), failure))
		return false;
	return keepName(ifindex, name).ok();
}

void Links::forgetName(unsigned ifindex) const
{
	unlink(namePath(ifindex).c_str());
}

/** Where the cloak is on already; nothing if it is not. */
Result<std::optional<Placed>> Links::replace(CloakObject &object,
                                             unsigned ifindex,
                                             const Placement &placement) const
{
	auto existing = openLink(linkPath(ifindex));
	if (!existing)
		return existing.error();
	auto mode = modeOf(*existing, ifindex);
	if (!mode)
		return mode.error();
	if (*mode) {
		if (bpf_link_update((*existing)->fd.get(),
		                    object.ingressProgram(), nullptr))
			return Error::fromErrno(
			    "cannot replace the program on " +
			    interfaceText(ifindex));
		return std::optional(
		    Placed{**mode, placement.dispatcher ? kKeepsLink : ""});
	}
	auto joined = dispatcher_.recall(ifindex);
	if (!joined)
		return joined.error();
	if (!*joined)
		return std::optional<Placed>();
	auto program = object.calledProgram();
	if (!program)
		return program.error();
	auto replaced = dispatcher_.replace(*program);
	if (!replaced)
		return replaced.error();
	return std::optional(
	    Placed{**joined, placement.dispatcher ? "" : kKeepsPlace});
}

Result<XdpMode> Links::join(CloakObject &object, unsigned ifindex,
                            XdpChoice choice) const
{
	auto program = object.calledProgram();

	if (!program)
		return program.error();
	return dispatcher_.join(*program, ifindex, choice);
}

Result<Placed> Links::attachNew(CloakObject &object, unsigned ifindex,
                                const Placement &placement) const
{
	const std::string path = linkPath(ifindex);
	std::string reason;

	if (placement.dispatcher) {
		auto joined = join(object, ifindex, placement.choice);
		if (joined)
			return Placed{*joined};
		reason = "it has a link, not the dispatcher of libxdp: " +
		         joined.error().message();
	}
	// Of an interface that is gone, or in another network namespace.
	dispatcher_.leave(ifindex).ignore();
	if (unlink(path.c_str()) && errno != ENOENT)
		return Error::fromErrno("cannot remove " + path);
	auto mode = attachIngress(object.ingressProgram(), ifindex,
	                          placement.choice, path);
	if (!mode)
		return reason.empty()
		           ? mode.error()
		           : Error(mode.error().code(),
		                   mode.error().message() + "; " + reason);
	return Placed{*mode, reason};
}

/** No error if it is generic, somebody else's, or not there. */
Status Links::detachNative(unsigned ifindex) const
{
	const auto attached = queryXdp(ifindex);

	if (!attached)
		return attached.error();
	if (attached->program == 0 || attached->mode != XdpMode::Native)
		return {};
	return detachIngress(ifindex);
}

/**
 * What of @p wanted works there. Where native programs are handed to ports a
 * former release may have left ours so. That goes first, whatever comes of the
 * rest: it hides nothing, and nothing that does can be put beside it.
 */
Result<Placement> Links::fitting(unsigned ifindex, Placement wanted) const
{
	auto driver = driverOf(ifindex);
	if (!driver)
		return driver.error();
	if (handsNativeOn(*driver)) {
		auto detached = detachNative(ifindex);
		if (!detached)
			return detached.error();
	}
	auto choice = choiceWith(*driver, wanted.choice);
	if (!choice)
		return choice.error();
	wanted.choice = *choice;
	return wanted;
}

Result<Placed> Links::attach(CloakObject &object, unsigned ifindex,
                             const Placement &wanted) const
{
	auto placement = fitting(ifindex, wanted);
	if (!placement)
		return placement.error();
	return attachFitting(object, ifindex, *placement);
}

Result<Placed> Links::attachFitting(CloakObject &object, unsigned ifindex,
                                    const Placement &placement) const
{
	const bool survives = hasFilter(ifindex, BPF_TC_EGRESS);
	auto filters =
	    attachFilter(object.egressProgram(), ifindex, BPF_TC_EGRESS);
	if (filters)
		filters = placeAnswers(object, ifindex, placement.answers);
	if (!filters)
		return filters.error();
	auto replaced = replace(object, ifindex, placement);
	if (!replaced)
		return replaced.error();
	if (*replaced)
		return **replaced;
	auto placed = attachNew(object, ifindex, placement);
	if (!placed && !survives)
		detachFilters(ifindex).ignore();
	return placed;
}

/** By a link or behind the dispatcher, whichever it is. */
Status Links::detachIngress(unsigned ifindex) const
{
	const std::string path = linkPath(ifindex);
	auto link = openLink(path);

	if (!link)
		return link.error();
	if (*link) {
		if (bpf_link_detach((*link)->fd.get()) && errno != ENOLINK)
			return Error::fromErrno(
			    "cannot take the ingress half off " +
			    interfaceText(ifindex));
		if (unlink(path.c_str()))
			return Error::fromErrno("cannot remove " + path);
	}
	return dispatcher_.leave(ifindex);
}

Status Links::detach(unsigned ifindex) const
{
	auto left = detachIngress(ifindex);

	if (!left)
		return left;
	forgetName(ifindex);
	return detachFilters(ifindex);
}

/** A link whose pin is lost for a while is there as well. */
Result<bool> Links::hasIngress(const CloakObject &object,
                               unsigned ifindex) const
{
	auto link = openLink(linkPath(ifindex));
	if (!link)
		return link.error();
	auto attached = queryXdp(ifindex);
	if (!attached)
		return attached.error();
	if (isOn(*link, ifindex, *attached))
		return true;
	auto joined = dispatcher_.find(ifindex);
	if (!joined || *joined)
		return joined ? Result<bool>(true) : joined.error();
	return attached->program != 0 &&
	       attached->program == programId(object.ingressProgram());
}

Result<std::vector<Half>> Links::missing(const CloakObject &object,
                                         unsigned ifindex, bool answers) const
{
	std::array<char, IF_NAMESIZE> name{};
	std::vector<Half> gone;

	auto ingress = hasIngress(object, ifindex);
	if (!ingress)
		return ingress.error();
	if (!*ingress)
		gone.push_back(Half::Ingress);
	if (!hasFilter(ifindex, BPF_TC_EGRESS, object.egressProgram()))
		gone.push_back(Half::Egress);
	if (answers &&
	    !hasFilter(ifindex, BPF_TC_INGRESS, object.answerProgram()))
		gone.push_back(Half::Answers);
	// Last: what goes with its interface is gone before, and not missing.
	if (!gone.empty() && if_indextoname(ifindex, name.data()) == nullptr)
		gone.clear();
	return gone;
}

Result<std::vector<unsigned>> Links::pinned() const
{
	return pinnedInterfaces(fs::path(pinRoot_) / "links", kLinkPrefix);
}

Result<bool> Links::areElsewhere() const
{
	const auto indexes = pinned();

	if (!indexes)
		return indexes.error();
	for (const unsigned index : *indexes) {
		auto link = openLink(linkPath(index));
		if (!link)
			return link.error();
		if (!*link || (*link)->ifindex == 0)
			continue;
		auto mode = modeOf(*link, (*link)->ifindex);
		if (!mode)
			return mode.error();
		if (!*mode)
			return true;
	}
	return false;
}

Result<std::vector<unsigned>> Links::known() const
{
	auto found = pinned();
	if (!found)
		return found;
	auto named = pinnedInterfaces(fs::path(pinRoot_) / "names", "");
	if (!named)
		return named;
	const auto joined = dispatcher_.joined();
	found->insert(found->end(), named->begin(), named->end());
	found->insert(found->end(), joined.begin(), joined.end());
	std::ranges::sort(*found);
	found->erase(std::unique(found->begin(), found->end()), found->end());
	return found;
}

Result<std::vector<unsigned>> Links::forgotten() const
{
	const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)>
	    list(if_nameindex(), &if_freenameindex);
	std::vector<unsigned> found;

	if (!list)
		return Error::fromErrno("cannot list the interfaces");
	for (const auto *one = list.get(); one->if_index != 0; ++one) {
		auto joined = dispatcher_.recall(one->if_index);
		if (!joined)
			return joined.error();
		if (*joined)
			found.push_back(one->if_index);
	}
	return found;
}

Status Links::listLinks(std::vector<Attachment> &found) const
{
	const auto indexes = pinned();

	if (!indexes)
		return indexes.error();
	for (const unsigned ifindex : *indexes) {
		auto link = openLink(linkPath(ifindex));
		if (!link)
			return link.error();
		auto mode = modeOf(*link, ifindex);
		if (!mode)
			return mode.error();
		if (!*mode)
			continue;
		found.push_back({ifindex,
		                 **mode,
		                 hasFilter(ifindex, BPF_TC_EGRESS),
		                 false,
		                 {}});
	}
	return {};
}

Status Links::listJoined(std::vector<Attachment> &found) const
{
	for (const unsigned ifindex : dispatcher_.joined()) {
		auto mode = dispatcher_.find(ifindex);

		if (!mode)
			return mode.error();
		if (*mode)
			found.push_back({ifindex,
			                 **mode,
			                 hasFilter(ifindex, BPF_TC_EGRESS),
			                 true,
			                 {}});
	}
	return {};
}

/**
 * Renames the pins of an interface; the link stays where it is. Who was stopped
 * on the way has left it with both pins.
 */
Status Links::follow(unsigned former, unsigned ifindex) const
{
	std::error_code failure;
	auto link = openLink(linkPath(former));
	auto taken = openLink(linkPath(ifindex));

	if (!link)
		return link.error();
	if (!taken)
		return taken.error();
	if (!*link)
		return {};
	if (*taken && (*taken)->id != (*link)->id) {
		// That of one which is gone had the number before.
		if ((*taken)->ifindex != 0 ||
		    unlink(linkPath(ifindex).c_str()) != 0)
			return {};
		taken->reset();
	}
	if (!*taken &&
	    bpf_obj_pin((*link)->fd.get(), linkPath(ifindex).c_str()) != 0)
		return Error::fromErrno("cannot pin " + linkPath(ifindex));
	fs::rename(namePath(former), namePath(ifindex), failure);
	if (unlink(linkPath(former).c_str()) != 0)
		return Error::fromErrno("cannot remove " + linkPath(former));
	return {};
}

Status Links::followMoved() const
{
	const auto indexes = pinned();

	if (!indexes)
		return indexes.error();
	for (const unsigned former : *indexes) {
		auto link = openLink(linkPath(former));
		if (!link)
			return link.error();
		const unsigned ifindex = *link ? (*link)->ifindex : 0;
		if (ifindex == 0 || ifindex == former)
			continue;
		const auto mode = modeOf(*link, ifindex);
		if (!mode || !*mode)
			continue;
		auto done = follow(former, ifindex);
		if (!done)
			return done;
	}
	return {};
}

Result<std::vector<Attachment>> Links::list() const
{
	std::vector<Attachment> found;
	auto listed = listLinks(found);

	if (listed)
		listed = listJoined(found);
	if (!listed)
		return listed.error();
	for (Attachment &attachment : found) {
		std::error_code failure;

		attachment.name =
		    fs::read_symlink(namePath(attachment.ifindex), failure);
	}
	return found;
}

} // namespace cloak
