// SPDX-License-Identifier: Apache-2.0
#include "bpf/qdisc.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <string>

#include "bpf/xdp_mode.h"
#include "util/netlink.h"

namespace cloak
{
namespace
{

/** What is in the place of clsact, which an ingress qdisc shares with it. */
Result<std::string> kindAt(unsigned ifindex)
{
	struct {
		nlmsghdr header;
		tcmsg body;
	} request{};
	std::string kind;

	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_GETQDISC;
	// Before Linux 6.8 only an echo comes back to who asks.
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO;
	request.body.tcm_ifindex = static_cast<int>(ifindex);
	request.body.tcm_parent = TC_H_CLSACT;
	const auto read = [&kind](std::uint16_t type, NetlinkBytes value) {
		if (type == TCA_KIND && !value.empty())
			kind.assign(value.begin(), value.end() - 1);
	};
	Status asked = askNetlink(
	    NETLINK_ROUTE, request.header,
	    "the clsact of " + interfaceText(ifindex),
	    [&read](const nlmsghdr &message) -> Status {
		    if (message.nlmsg_type == RTM_NEWQDISC)
			    forEachAttribute(message, sizeof(tcmsg), read);
		    return {};
	    });
	if (!asked)
		return asked.error();
	return kind;
}

Error otherQdisc(unsigned ifindex, const std::string &kind)
{
	std::array<char, IF_NAMESIZE> name{};

	if_indextoname(ifindex, name.data());
	return Error(EBUSY,
	             fmt::format("{0} has an {1} qdisc where the cloak "
	                         "needs clsact; \"tc qdisc del dev {2} "
	                         "{1}\" removes it",
	                         interfaceText(ifindex), kind, name.data()));
}

} // namespace

Status makeClsact(unsigned ifindex)
{
	bpf_tc_hook hook{};

	hook.sz = sizeof(hook);
	hook.ifindex = static_cast<int>(ifindex);
	hook.attach_point = BPF_TC_EGRESS;
	const int err = bpf_tc_hook_create(&hook);
	if (!err)
		return {};
	if (err != -EEXIST)
		return Error(-err,
		             "cannot add clsact to " + interfaceText(ifindex));
	auto kind = kindAt(ifindex);
	if (!kind)
		return kind.error();
	return *kind == "clsact" ? Status() : otherQdisc(ifindex, *kind);
}

} // namespace cloak
