// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The policy in the kernel: replaced as a whole, but for single interfaces.
 */
#ifndef CLOAKLAKE_BPF_POLICY_MAPS_H
#define CLOAKLAKE_BPF_POLICY_MAPS_H

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "bpf/maps.h"
#include "bpf/peer_filter.h"
#include "bpf/rule_maps.h"
#include "util/result.h"

namespace cloak
{

/**
 * A policy that is being written and that no packet sees yet.
 * Dropping it without PolicyMaps::commit() changes nothing.
 */
class PolicyDraft
{
public:
	Status addInterface(unsigned ifindex, const cloak_iface &iface) const;
	Status addAddress(const cloak_addr &addr,
	                  const cloak_address &value) const;

	/**
	 * Also takes care that an IPv6 prefix of 96 bits or less which covers
	 * ::ffff:0:0/96 does not authorise the whole of IPv4: that block gets
	 * an entry without rights unless the draft has one of its own.
	 */
	Status addPeer(const cloak_prefix &prefix, const cloak_peer &peer);

	Status addDecoy(const cloak_addr &addr, const cloak_decoy &value) const;

	/** Without this the policy has no rules. */
	void setRules(RuleMaps rules) { rules_ = std::move(rules); }

private:
	friend class PolicyMaps;

	IfaceMap interfaces_;
	AddressMap addresses_;
	PeerMap peers_;
	PeerFilter filter_;
	std::optional<RuleMaps> rules_;
	DecoyMap decoys_;
};

/** The policy that the programs follow. */
class PolicyMaps
{
public:
	/** @param maps must outlive this object. */
	explicit PolicyMaps(const CloakMaps &maps) : maps_(maps) {}

	/** An empty draft. */
	[[nodiscard]] Result<PolicyDraft> draft() const;

	/**
	 * Puts @p draft in force: one atomic write, before which every packet
	 * sees the old policy and after which every packet sees the new one.
	 * Returns when no packet sees the old one any more. One caller at a
	 * time (the daemon): two at once would share the idle slot.
	 */
	Status commit(PolicyDraft draft) const;

	/**
	 * The two halves of commit(), for whom a failure of the second is none
	 * of the first: the write, and the wait until no packet sees the old
	 * policy any more.
	 */
	[[nodiscard]] Status switchTo(PolicyDraft &draft) const;
	[[nodiscard]] Status settle() const;

	/** Number of commits since the maps were made. */
	[[nodiscard]] Result<std::uint64_t> generation() const;

	/** Adds or replaces one interface of the policy in force. */
	Status putInterface(unsigned ifindex, const cloak_iface &iface) const;
	Result<bool> eraseInterface(unsigned ifindex) const;

	/** Adds or replaces one cloaked address of the policy in force. */
	Status putAddress(const cloak_addr &addr,
	                  const cloak_address &value) const;
	Result<bool> eraseAddress(const cloak_addr &addr) const;

	/** The rules in force, for another policy to keep. */
	[[nodiscard]] Result<RuleMaps> rules() const;

	/** The policy in force. */
	[[nodiscard]] Result<std::vector<std::pair<__u32, cloak_iface>>>
	interfaces() const;
	[[nodiscard]] Result<std::vector<std::pair<cloak_addr, cloak_address>>>
	addresses() const;
	[[nodiscard]] Result<std::vector<std::pair<cloak_prefix, cloak_peer>>>
	peers() const;

private:
	template <typename MapType>
	Result<MapType> active(const OuterMap &slots, const char *name) const;
	Status dropRules(__u32 slot) const;
	[[nodiscard]] Status cacheInterfaces(const IfaceMap &interfaces,
	                                     __u64 generation) const;
	[[nodiscard]] Status uncacheInterface(unsigned ifindex) const;

	const CloakMaps &maps_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_POLICY_MAPS_H
