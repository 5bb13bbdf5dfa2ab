// SPDX-License-Identifier: Apache-2.0
#include "policy/render.h"

#include <fmt/format.h>

#include "policy/render_rules.h"
#include "policy/words.h"
#include "util/duration.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

template <typename T> std::string listed(const std::vector<Located<T>> &values)
{
	std::string members;

	for (const auto &value : values) {
		members += members.empty() ? "" : ", ";
		members += quoteToml(toString(value.value));
	}
	return "[" + members + "]";
}

std::string renderInterface(const InterfacePolicy &interface)
{
	return fmt::format("[[interface]]\n"
	                   "name = {}\n"
	                   "mode = \"{}\"\n"
	                   "attach = \"{}\"\n"
	                   "action = \"{}\"\n"
	                   "resolve = {}\n"
	                   "dispatcher = {}\n\n",
	                   quoteToml(interface.name.value),
	                   wordOf(kScopes, interface.scope.value),
	                   wordOf(kAttachments, interface.attach),
	                   wordOf(kActions, interface.action),
	                   interface.resolve, interface.dispatcher);
}

std::string renderGroup(const PeerGroup &group)
{
	std::string text = fmt::format(
	    "[[peers]]\nname = {}\nprefixes = {}\naccess = \"{}\"\n",
	    quoteToml(group.name.value), listed(group.prefixes),
	    wordOf(kAccesses, group.access));

	if (!group.except.empty())
		text += fmt::format("except = {}\n", listed(group.except));
	if (!group.macs.empty())
		text += fmt::format("macs = {}\n", listed(group.macs));
	if (group.interface) {
		text += fmt::format("interface = {}\n",
		                    quoteToml(group.interface->value));
	}
	return text + "\n";
}

std::string renderGateway(const Gateway &gateway)
{
	std::string text = fmt::format("[[gateway]]\naddress = \"{}\"\n",
	                               toString(gateway.address.value));

	if (gateway.mac)
		text +=
		    fmt::format("mac = \"{}\"\n", toString(gateway.mac->value));
	if (gateway.interface) {
		text += fmt::format("interface = {}\n",
		                    quoteToml(gateway.interface->value));
	}
	return text + "\n";
}

std::string renderAlerts(const AlertPolicy &alerts)
{
	return fmt::format("[alerts]\n"
	                   "per_second = {}\n"
	                   "repeat = \"{}\"\n"
	                   "forget = \"{}\"\n"
	                   "sources = {}\n\n",
	                   alerts.perSecond, toString(alerts.repeat),
	                   toString(alerts.forget), alerts.sources);
}

} // namespace

std::string renderPolicy(const Policy &policy)
{
	std::string text;

	for (const InterfacePolicy &interface : policy.interfaces)
		text += renderInterface(interface);
	text +=
	    fmt::format("[cloak]\naddresses = {}\nlogins = {}\n\n",
	                listed(policy.addresses), listedPorts(policy.logins));
	for (const PeerGroup &group : policy.peers)
		text += renderGroup(group);
	for (const Gateway &gateway : policy.gateways)
		text += renderGateway(gateway);
	for (const TablePolicy &table : policy.tables)
		text += renderTable(table);
	text += renderAlerts(policy.alerts);
	text += renderSeeing(policy.seeing);
	text += fmt::format("[output]\ntext = {}\neve = {}\n",
	                    policy.output.text, quoteToml(policy.output.eve));
	return text;
}

} // namespace cloak
