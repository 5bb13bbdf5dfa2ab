// SPDX-License-Identifier: Apache-2.0
#include "bpf/xdp_mode.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include "util/netlink.h"

namespace cloak
{
namespace
{

/** Asks for one interface, without its statistics. */
struct XdpQuestion {
	nlmsghdr header{};
	ifinfomsg body{};
	rtattr attribute{.rta_len = RTA_LENGTH(sizeof(std::uint32_t)),
	                 .rta_type = IFLA_EXT_MASK};
	std::uint32_t mask = RTEXT_FILTER_SKIP_STATS;
};

/** Each mode has its own attribute with the number of the program. */
void readProgram(std::uint16_t type, NetlinkBytes value, AttachedXdp &attached)
{
	const bool native = type == IFLA_XDP_DRV_PROG_ID;

	if ((!native && type != IFLA_XDP_SKB_PROG_ID) ||
	    value.size() != sizeof(attached.program))
		return;
	std::memcpy(&attached.program, value.data(), sizeof(attached.program));
	attached.mode = native ? XdpMode::Native : XdpMode::Generic;
}

AttachedXdp attachedIn(const nlmsghdr &message)
{
	AttachedXdp attached;

	forEachAttribute(
	    message, sizeof(ifinfomsg),
	    [&attached](std::uint16_t type, NetlinkBytes value) {
		    if ((type & NLA_TYPE_MASK) != IFLA_XDP)
			    return;
		    forEachAttribute(value, [&attached](std::uint16_t inner,
		                                        NetlinkBytes octets) {
			    readProgram(inner, octets, attached);
		    });
	    });
	return attached;
}

} // namespace

/*
 * Not by bpf_xdp_query() of libbpf: for each interface that lists all of this
 * host, and there may be thousands.
 */
Result<AttachedXdp> queryXdp(unsigned ifindex)
{
	XdpQuestion question;
	AttachedXdp attached;

	question.header.nlmsg_len = sizeof(question);
	question.header.nlmsg_type = RTM_GETLINK;
	question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	question.body.ifi_index = static_cast<int>(ifindex);
	Status asked =
	    askNetlink(NETLINK_ROUTE, question.header,
	               "the XDP mode of " + interfaceText(ifindex),
	               [&attached](const nlmsghdr &message) -> Status {
			       if (message.nlmsg_type == RTM_NEWLINK)
				       attached = attachedIn(message);
			       return {};
		       });
	if (!asked && asked.error().code() != ENODEV)
		return asked.error();
	return attached;
}

std::string interfaceText(unsigned ifindex)
{
	return "interface " + std::to_string(ifindex);
}

} // namespace cloak
