// SPDX-License-Identifier: Apache-2.0
#include "host/connections.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cstring>
#include <set>

#include "util/netlink.h"

namespace cloak
{
namespace
{

struct DiagRequest {
	nlmsghdr header;
	inet_diag_req_v2 body;
};

IpAddress addressOf(const __be32 (&words)[4], int family)
{
	std::array<std::uint8_t, sizeof(words)> octets{};
	IpAddress address;

	std::memcpy(octets.data(), words, sizeof(words));
	if (family == AF_INET)
		return ipFromV4(octets.data());
	address.octets = octets;
	return address;
}

Connection connectionOf(const inet_diag_msg &said)
{
	const int family = said.idiag_family;

	return {addressOf(said.id.idiag_src, family),
	        ntohs(said.id.idiag_sport),
	        addressOf(said.id.idiag_dst, family),
	        ntohs(said.id.idiag_dport),
	        said.idiag_inode,
	        said.id.idiag_if};
}

Status addFamily(std::uint8_t family, unsigned state,
                 std::vector<Connection> &connections)
{
	DiagRequest request{};

	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request.body.sdiag_family = family;
	request.body.sdiag_protocol = IPPROTO_TCP;
	request.body.idiag_states = 1U << state;
	return askNetlink(
	    NETLINK_SOCK_DIAG, request.header, "the TCP connections",
	    [&connections](const nlmsghdr &message) -> Status {
		    inet_diag_msg said{};
		    const NetlinkBytes payload = payloadOf(message);

		    if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		        payload.size() < sizeof(said))
			    return {};
		    std::memcpy(&said, payload.data(), sizeof(said));
		    connections.push_back(connectionOf(said));
		    return {};
	    });
}

Result<std::vector<Connection>> readAll(unsigned state)
{
	std::vector<Connection> connections;

	for (const int family : {AF_INET, AF_INET6}) {
		Status added = addFamily(static_cast<std::uint8_t>(family),
		                         state, connections);
		if (!added)
			return added.error();
	}
	return connections;
}

} // namespace

Result<std::vector<Connection>> readConnections()
{
	return readAll(TCP_ESTABLISHED);
}

Result<std::set<std::uint16_t>> readServedPorts()
{
	std::set<std::uint16_t> ports;
	const auto listening = readAll(TCP_LISTEN);

	if (!listening)
		return listening.error();
	for (const Connection &one : *listening)
		ports.insert(one.localPort);
	return ports;
}

} // namespace cloak
