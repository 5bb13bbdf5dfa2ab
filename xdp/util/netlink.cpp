// SPDX-License-Identifier: Apache-2.0
#include "util/netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "util/fd.h"

namespace cloak
{
namespace
{

/** The errno of a message that ends the answer; 0 at a good end. */
int errorOf(const nlmsghdr &message)
{
	nlmsgerr failure{};

	const NetlinkBytes payload = payloadOf(message);
	if (message.nlmsg_type != NLMSG_ERROR ||
	    payload.size() < sizeof(failure))
		return 0;
	std::memcpy(&failure, payload.data(), sizeof(failure));
	return -failure.error;
}

/** What has come of an answer so far. */
struct Progress {
	bool complete = false;
	bool interrupted = false; //!< a part may be missing
};

Status handleAll(std::span<const char> received, const std::string &what,
                 const NetlinkHandler &each, Progress &progress)
{
	auto left = static_cast<unsigned>(received.size());
	const auto *message =
	    reinterpret_cast<const nlmsghdr *>(received.data());

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		progress.interrupted |=
		    (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (message->nlmsg_type == NLMSG_DONE ||
		    message->nlmsg_type == NLMSG_ERROR) {
			const int error = errorOf(*message);
			if (error != 0)
				return Error(error, "cannot ask for " + what);
			progress.complete = true;
			return {};
		}
		Status handled = each(*message);
		if (!handled)
			return handled;
	}
	return {};
}

} // namespace

Status askNetlink(int family, const nlmsghdr &request, const std::string &what,
                  const NetlinkHandler &each)
{
	const Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family));
	alignas(nlmsghdr) std::array<char, 32768> buffer{};
	Progress progress;

	if (!socket)
		return Error::fromErrno("cannot open a netlink socket");
	if (send(socket.get(), &request, request.nlmsg_len, 0) < 0)
		return Error::fromErrno("cannot ask for " + what);
	while (!progress.complete) {
		const ssize_t size =
		    recv(socket.get(), buffer.data(), buffer.size(), 0);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return Error::fromErrno("cannot read " + what);
		Status handled =
		    handleAll({buffer.data(), static_cast<std::size_t>(size)},
		              what, each, progress);
		if (!handled)
			return handled;
	}
	if (progress.interrupted)
		return Error(EINTR, what + " changed while they were listed");
	return {};
}

NetlinkBytes payloadOf(const nlmsghdr &message)
{
	// Not NLMSG_DATA(), which casts in the manner of C.
	return {reinterpret_cast<const std::uint8_t *>(&message) + NLMSG_HDRLEN,
	        message.nlmsg_len - NLMSG_HDRLEN};
}

void forEachAttribute(
    NetlinkBytes attributes,
    const std::function<void(std::uint16_t, NetlinkBytes)> &each)
{
	NetlinkBytes rest = attributes;
	rtattr attribute{};

	while (rest.size() >= sizeof(attribute)) {
		std::memcpy(&attribute, rest.data(), sizeof(attribute));
		if (attribute.rta_len < sizeof(attribute) ||
		    attribute.rta_len > rest.size())
			return;
		each(attribute.rta_type,
		     rest.subspan(sizeof(attribute),
		                  attribute.rta_len - sizeof(attribute)));
		const std::size_t size = RTA_ALIGN(attribute.rta_len);
		rest = rest.subspan(std::min(size, rest.size()));
	}
}

void forEachAttribute(
    const nlmsghdr &message, std::size_t headSize,
    const std::function<void(std::uint16_t, NetlinkBytes)> &each)
{
	const NetlinkBytes payload = payloadOf(message);

	if (payload.size() >= NLMSG_ALIGN(headSize))
		forEachAttribute(payload.subspan(NLMSG_ALIGN(headSize)), each);
}

} // namespace cloak
