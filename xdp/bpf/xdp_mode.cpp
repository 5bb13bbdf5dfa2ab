// SPDX-License-Identifier: Apache-2.0
#include "bpf/xdp_mode.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>

namespace cloak
{

Result<AttachedXdp> queryXdp(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	const int err = bpf_xdp_query(static_cast<int>(ifindex), 0, &query);

	if (err == -ENODEV)
		return AttachedXdp{};
	if (err)
		return Error(-err, "cannot ask for the XDP mode of " +
		                       interfaceText(ifindex));
	if (query.attach_mode == XDP_ATTACHED_SKB)
		return AttachedXdp{query.skb_prog_id, XdpMode::Generic};
	return AttachedXdp{query.drv_prog_id, XdpMode::Native};
}

std::string interfaceText(unsigned ifindex)
{
	return "interface " + std::to_string(ifindex);
}

} // namespace cloak
