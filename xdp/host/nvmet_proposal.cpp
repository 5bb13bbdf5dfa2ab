// SPDX-License-Identifier: Apache-2.0
#include "host/nvmet_proposal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "util/quote.h"

namespace cloak
{
namespace
{

bool isIn(const IpAddress &ip, std::initializer_list<std::string_view> networks)
{
	return std::ranges::any_of(
	    networks,
	    [&ip](std::string_view text) {
		    return parsePrefix(text)->contains(ip);
	    });
}

bool isLoopback(const IpAddress &ip)
{
	return isIn(ip, {"127.0.0.0/8", "::1"});
}

bool isLinkLocal(const IpAddress &ip)
{
	return isIn(ip, {"169.254.0.0/16", "fe80::/10"});
}

/** A socket for any address of IPv6 takes IPv4 as well. */
bool serves(const NvmetPort &port, const IpAddress &ip)
{
	if (isLoopback(ip))
		return false;
	if (!port.isAny())
		return ip == port.address;
	return !isLinkLocal(ip) && (!port.address.isV4() || ip.isV4());
}

/** @returns whether any interface to cloak has an address of the port. */
bool addPort(const NvmetPort &port, const Host &host, NvmetProposal &proposal)
{
	bool found = false;

	for (const HostInterface &interface : host.interfaces) {
		if (!interface.ethernet)
			continue;
		for (const Prefix &prefix : interface.addresses) {
			if (!serves(port, prefix.address))
				continue;
			proposal.interfaces.insert(interface.name);
			proposal.services[prefix.address].insert(port.service);
			found = true;
		}
	}
	return found;
}

bool isServed(const Connection &connection, const NvmetProposal &proposal)
{
	auto found = proposal.services.find(connection.local);

	return found != proposal.services.end() &&
	       found->second.contains(connection.localPort);
}

/** Quoted, or whatever @p show makes of each, with ", " between them. */
template <typename List, typename Show>
std::string listed(const List &list, Show show)
{
	std::string text;

	for (const auto &member : list)
		text += (text.empty() ? "" : ", ") + show(member);
	return text;
}

template <typename List> std::string addressesOf(const List &list)
{
	return listed(
	    list, [](const IpAddress &ip) { return quoteToml(toString(ip)); });
}

std::string renderHead(const NvmetProposal &proposal)
{
	std::string text = "# Proposed for the NVMe/TCP ports of this host:\n";

	for (const NvmetPort &port : proposal.ports) {
		const std::string names =
		    listed(port.subsystems, [](const std::string &name) {
			    return printable(name);
		    });
		text +=
		    fmt::format("#   port {}: {} {}, {}\n", printable(port.id),
		                toString(port.address), port.service,
		                names.empty() ? "no subsystem" : names);
	}
	return text + "# Read it, then: cloakctl diff FILE, and\n"
	              "# cloakctl apply --confirm 60s FILE\n\n";
}

std::string renderInterfaces(const NvmetProposal &proposal,
                             std::string_view action)
{
	std::string text;

	for (const std::string &name : proposal.interfaces) {
		text += fmt::format("[[interface]]\nname = {}\n"
		                    "mode = \"addresses\"\naction = \"{}\"\n\n",
		                    quoteToml(name), action);
	}
	text += "[cloak]\naddresses = [" +
	        listed(proposal.services,
	               [](const auto &service) {
			       return quoteToml(toString(service.first));
		       }) +
	        "]\n\n";
	return text;
}

std::string renderPeers(const NvmetProposal &proposal)
{
	const bool none = proposal.initiators.empty();
	const std::string_view remark = none ? "#" : "";
	std::string text =
	    none ? "# No initiator is connected now: name them here.\n"
		 : "# The initiators that are connected now.\n";

	text += fmt::format("{0}[[peers]]\n{0}name = \"initiators\"\n"
	                    "{0}prefixes = [{1}]\n\n",
	                    remark, addressesOf(proposal.initiators));
	for (const IpAddress &gateway : proposal.gateways) {
		text += fmt::format("[[gateway]]\naddress = {}\n\n",
		                    addressesOf(std::array{gateway}));
	}
	return text;
}

/** What an initiator needs of an address, and nothing else. */
std::string renderTable(const IpAddress &address,
                        const std::set<std::uint16_t> &services,
                        std::string_view action)
{
	const std::string ports = listed(services, [](std::uint16_t port) {
		return fmt::format("{}", port);
	});

	return fmt::format(
	    "[[table]]\naddress = {0}\ndefault = \"drop\"\naction = \"{1}\"\n"
	    "[[table.rule]]\nname = \"nvme\"\nverdict = \"allow\"\n"
	    "protocol = \"tcp\"\ndestination_port = [{2}]\n"
	    "[[table.rule]]\nname = \"nvme-answers\"\nverdict = \"allow\"\n"
	    "direction = \"out\"\nprotocol = \"tcp\"\nsource_port = [{2}]\n"
	    "[[table.rule]]\nname = \"path-mtu\"\nverdict = \"allow\"\n"
	    "direction = \"both\"\nprotocol = \"{3}\"\n\n",
	    quoteToml(toString(address)), action, ports,
	    address.isV4() ? "icmp" : "icmpv6");
}

} // namespace

NvmetProposal proposeFor(const NvmetPorts &found, const Host &host,
                         const std::vector<Connection> &connections,
                         const GatewayOf &gatewayOf)
{
	NvmetProposal proposal;

	proposal.warnings = found.warnings;
	for (const NvmetPort &port : found.ports) {
		if (addPort(port, host, proposal)) {
			proposal.ports.push_back(port);
			continue;
		}
		proposal.warnings.push_back(fmt::format(
		    "port {} is left out: no interface has {}, or none with a "
		    "wire",
		    port.id, toString(port.address)));
	}
	for (const Connection &connection : connections) {
		if (!isServed(connection, proposal) ||
		    host.has(connection.remote))
			continue;
		proposal.initiators.insert(connection.remote);
		const auto gateway =
		    gatewayOf(connection.local, connection.remote);
		if (gateway)
			proposal.gateways.insert(*gateway);
	}
	return proposal;
}

std::string renderProposal(const NvmetProposal &proposal, bool enforce)
{
	const std::string_view action = enforce ? "enforce" : "monitor";
	std::string text = renderHead(proposal);

	if (!enforce) {
		text += "# \"monitor\" drops nothing; \"enforce\" when "
			"\"cloakctl drops\" shows none of yours.\n";
	}
	text += renderInterfaces(proposal, action) + renderPeers(proposal);
	text += "# To these addresses NVMe only. Rules keep no state: what "
		"this host itself\n# begins from them needs rules, too.\n";
	for (const auto &[address, services] : proposal.services)
		text += renderTable(address, services, action);
	return text;
}

} // namespace cloak
