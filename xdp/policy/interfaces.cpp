// SPDX-License-Identifier: Apache-2.0
#include "policy/interfaces.h"

#include <fnmatch.h>

namespace cloak
{
namespace
{

bool matches(const std::string &pattern, const std::string &name)
{
	return isPattern(pattern) &&
	       fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

} // namespace

bool isPattern(std::string_view name)
{
	return name.find_first_of("*?[") != std::string_view::npos;
}

std::uint16_t interfaceNumber(const Policy &policy, const std::string &name)
{
	for (std::size_t i = 0; i < policy.interfaces.size(); ++i)
		if (policy.interfaces[i].name.value == name)
			return static_cast<std::uint16_t>(i + 1);
	return 0;
}

std::uint16_t decidingTable(const Policy &policy, const std::string &name)
{
	if (const std::uint16_t exact = interfaceNumber(policy, name))
		return exact;
	for (std::size_t i = 0; i < policy.interfaces.size(); ++i)
		if (matches(policy.interfaces[i].name.value, name))
			return static_cast<std::uint16_t>(i + 1);
	return 0;
}

std::uint16_t decidingTable(const Policy &policy,
                            const HostInterface &interface)
{
	return interface.loopback || !interface.ethernet
	           ? interfaceNumber(policy, interface.policyName())
	           : decidingTable(policy, interface.policyName());
}

std::vector<InterfaceMatch> matchInterfaces(const Policy &policy,
                                            const Host &host)
{
	std::vector<std::vector<const HostInterface *>> decided(
	    policy.interfaces.size());
	std::vector<InterfaceMatch> matches;

	for (const HostInterface &interface : host.interfaces)
		if (const auto number = decidingTable(policy, interface))
			decided[number - 1U].push_back(&interface);
	for (std::size_t i = 0; i < decided.size(); ++i) {
		if (decided[i].empty())
			decided[i].push_back(nullptr);
		for (const HostInterface *found : decided[i]) {
			matches.push_back({&policy.interfaces[i],
			                   static_cast<std::uint16_t>(i + 1),
			                   found});
		}
	}
	return matches;
}

std::vector<std::string> leftOut(const Policy &policy, const Host &host)
{
	std::vector<std::string> names;

	for (const HostInterface &interface : host.interfaces)
		if (!interface.ethernet &&
		    decidingTable(policy, interface) == 0 &&
		    decidingTable(policy, interface.policyName()) != 0)
			names.push_back(interface.policyName());
	return names;
}

std::string noEthernetText(const std::string &name)
{
	return name + " cannot be cloaked: its frames have no Ethernet header, "
	              "as those of tunnels";
}

std::string absenceOf(const std::string &name)
{
	return (isPattern(name) ? "no interface matches "
	                        : "there is no interface ") +
	       name;
}

} // namespace cloak
