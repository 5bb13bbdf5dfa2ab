// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "host/nvmet_proposal.h"
#include "host/routes.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct FromNvmetOptions {
	std::string configfs = "/sys/kernel/config";
	bool enforce = false;
};

/** What cannot be found out is no router: the policy is a proposal. */
std::optional<IpAddress> gatewayOf(const IpAddress &local,
                                   const IpAddress &remote)
{
	auto route = findRoute(local, remote);

	return route ? route->gateway : std::nullopt;
}

template <typename List> json textsOf(const List &addresses)
{
	json list = json::array();

	for (const IpAddress &ip : addresses)
		list.push_back(toString(ip));
	return list;
}

json toJson(const NvmetProposal &proposal, const std::string &policy)
{
	json ports = json::array();
	json services = json::array();

	for (const NvmetPort &port : proposal.ports) {
		ports.push_back({{"port", port.id},
		                 {"address", toString(port.address)},
		                 {"service", port.service},
		                 {"subsystems", port.subsystems}});
	}
	for (const auto &[address, served] : proposal.services) {
		services.push_back(
		    {{"address", toString(address)}, {"ports", served}});
	}
	return {{"ports", std::move(ports)},
	        {"interfaces", proposal.interfaces},
	        {"services", std::move(services)},
	        {"initiators", textsOf(proposal.initiators)},
	        {"gateways", textsOf(proposal.gateways)},
	        {"warnings", proposal.warnings},
	        {"policy", policy}};
}

Result<NvmetProposal> propose(const std::string &configfs)
{
	auto ports = readNvmetPorts(configfs);
	if (!ports)
		return ports.error();
	if (ports->ports.empty() && ports->warnings.empty()) {
		return Error("no NVMe/TCP port is configured below " +
		             configfs + "/nvmet/ports");
	}
	auto host = Host::read();
	if (!host)
		return host.error();
	auto connections = readConnections();
	if (!connections)
		return connections.error();
	return proposeFor(*ports, *host, *connections, gatewayOf);
}

int fromNvmet(const Context &context, const FromNvmetOptions &options)
{
	auto proposal = propose(options.configfs);

	if (!proposal)
		return explain(context, Failure::Failed,
		               proposal.error().message());
	printWarnings({{"warnings", proposal->warnings}});
	if (proposal->services.empty()) {
		return explain(context, Failure::Failed,
		               "no NVMe/TCP port has an address of an "
		               "interface that could be cloaked");
	}
	const std::string policy = renderProposal(*proposal, options.enforce);
	if (context.json)
		printJson(toJson(*proposal, policy));
	else
		fmt::print("{}", policy);
	return kDone;
}

} // namespace

const Command kFromNvmetCommand = {
    "from-nvmet", "propose a policy for the NVMe/TCP ports of this host",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<FromNvmetOptions>();

	    app.add_option("--configfs", options->configfs,
	                   "where configfs is mounted")
		->capture_default_str();
	    app.add_flag("--enforce", options->enforce,
	                 "a policy that drops, instead of one that watches");
	    return [options](const Context &context) {
		    return fromNvmet(context, *options);
	    };
    }};

} // namespace cloak
