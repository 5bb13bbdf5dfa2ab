// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The interfaces and addresses that this host has at this moment.
 */
#ifndef CLOAKLAKE_POLICY_HOST_H
#define CLOAKLAKE_POLICY_HOST_H

#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"
#include "util/result.h"

namespace cloak
{

/** A network interface and what is configured on it. */
struct HostInterface {
	std::string name;
	unsigned index = 0;
	MacAddress mac;
	/** Its addresses, each with the length of its network. */
	std::vector<Prefix> addresses;
	bool loopback = false;
	/** Whether its frames begin with an Ethernet header. */
	bool ethernet = true;
	/** Its name before it was renamed, if that is what the policy means. */
	std::string former = {};
	/** Whether it carries the cloak. */
	bool cloaked = false;
	/** That it is a port of, as of a bridge or a bond; 0: of none. */
	unsigned master = 0;
	/** That it lives on, as a VLAN does; 0: on none of this namespace. */
	unsigned lower = 0;

	/** By which the policy knows it. */
	[[nodiscard]] const std::string &policyName() const
	{
		return former.empty() ? name : former;
	}
};

/** A snapshot of the network namespace that the process lives in. */
struct Host {
	std::vector<HostInterface> interfaces;

	/** The interface of that name, or that the policy knows by it; or null.
	 */
	[[nodiscard]] const HostInterface *find(std::string_view name) const;

	/** Whether an interface has that address. */
	[[nodiscard]] bool has(const IpAddress &ip) const;

	/**
	 * That interface and all below it, by which its frames come and go:
	 * what a VLAN lives on, the ports of a bridge or a bond, and so on.
	 */
	[[nodiscard]] std::vector<unsigned> carriersOf(unsigned index) const;

	/** By which the policy knows an interface; "if7" when it is gone. */
	[[nodiscard]] std::string nameOf(unsigned index) const;

	/**
	 * Takes the snapshot. Of many interfaces the kernel tells in parts, and
	 * what goes between two of them can hide one that is there all the
	 * time.
	 */
	[[nodiscard]] static Result<Host> read();
};

} // namespace cloak

#endif // CLOAKLAKE_POLICY_HOST_H
