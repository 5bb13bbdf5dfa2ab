// SPDX-License-Identifier: Apache-2.0
#include "bpf/policy_maps.h"

#include <bpf/bpf.h>

#include "bpf/inner.h"

namespace cloak
{

namespace
{

constexpr cloak_prefix kAllOfIpv4 = {
    CLOAK_V4_PREFIX_BITS,
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}}};

/** True if @p prefix is a wider one that has all IPv4 addresses in it. */
bool coversAllOfIpv4(const cloak_prefix &prefix)
{
	if (prefix.bits >= CLOAK_V4_PREFIX_BITS)
		return false;
	for (unsigned bit = 0; bit < prefix.bits; bit++) {
		const unsigned mask = 0x80U >> (bit % 8);
		const unsigned differs =
		    prefix.addr.bytes[bit / 8] ^ kAllOfIpv4.addr.bytes[bit / 8];

		if (differs & mask)
			return false;
	}
	return true;
}

/** Writes a peer so that it never means IPv4 when it was written as IPv6. */
Status putGuarded(const PeerMap &peers, const cloak_prefix &prefix,
                  const cloak_peer &peer)
{
	const cloak_peer nobody{};

	if (coversAllOfIpv4(prefix) &&
	    bpf_map_update_elem(peers.fd(), &kAllOfIpv4, &nobody,
	                        BPF_NOEXIST) &&
	    errno != EEXIST)
		return Error::fromErrno("cannot write to map " + peers.name());
	return peers.put(prefix, peer);
}

template <typename MapType>
Result<MapType> emptyMap(const OuterMap &slots, const char *name)
{
	auto fd = emptyCopy(slots, name);
	if (!fd)
		return fd.error();
	return MapType(*std::move(fd), name);
}

} // namespace

Status PolicyDraft::addInterface(unsigned ifindex,
                                 const cloak_iface &iface) const
{
	return interfaces_.put(ifindex, iface);
}

Status PolicyDraft::addAddress(const cloak_addr &addr,
                               const cloak_address &value) const
{
	return addresses_.put(addr, value);
}

Status PolicyDraft::addPeer(const cloak_prefix &prefix, const cloak_peer &peer)
{
	// Who has no rights need not be found: that says the same.
	if (peer.flags != 0)
		filter_.add(prefix);
	return putGuarded(peers_, prefix, peer);
}

Status PolicyDraft::addDecoy(const cloak_addr &addr,
                             const cloak_decoy &value) const
{
	return decoys_.put(addr, value);
}

template <typename MapType>
Result<MapType> PolicyMaps::active(const OuterMap &slots,
                                   const char *name) const
{
	auto now = generation();
	if (!now)
		return now.error();
	auto fd = innerMap(slots, CLOAK_SLOT(*now), name);
	if (!fd)
		return fd.error();
	return MapType(*std::move(fd), name);
}

Result<PolicyDraft> PolicyMaps::draft() const
{
	PolicyDraft draft;
	auto interfaces = emptyMap<IfaceMap>(maps_.ifaceSlots, "interfaces");
	auto addresses = emptyMap<AddressMap>(maps_.addressSlots, "addresses");
	auto peers = emptyMap<PeerMap>(maps_.peerSlots, "peers");
	auto decoys = emptyMap<DecoyMap>(maps_.decoySlots, "decoys");

	if (!interfaces)
		return interfaces.error();
	if (!addresses)
		return addresses.error();
	if (!peers)
		return peers.error();
	if (!decoys)
		return decoys.error();
	draft.interfaces_ = *std::move(interfaces);
	draft.addresses_ = *std::move(addresses);
	draft.peers_ = *std::move(peers);
	draft.decoys_ = *std::move(decoys);
	return draft;
}

/*
 * No packet that has read the old generation can see the idle slot, and none
 * is left from the time before it when this begins: the last write to an
 * array of maps waits until every program that runs has ended (an RCU grace
 * period), and the last commit ended with one, that of settle().
 */
Status PolicyMaps::switchTo(PolicyDraft &draft) const
{
	const __u32 zero = 0;
	auto now = generation();

	if (!now)
		return now.error();
	const __u64 next = *now + 1;
	const __u32 slot = CLOAK_SLOT(next);

	auto interfaces = hangMap(maps_.ifaceSlots, slot,
	                          draft.interfaces_.handle(), "interfaces");
	if (!interfaces)
		return interfaces;
	auto addresses = hangMap(maps_.addressSlots, slot,
	                         draft.addresses_.handle(), "addresses");
	if (!addresses)
		return addresses;
	auto decoys =
	    hangMap(maps_.decoySlots, slot, draft.decoys_.handle(), "decoys");
	if (!decoys)
		return decoys;
	auto peers =
	    hangMap(maps_.peerSlots, slot, draft.peers_.handle(), "peers");
	if (!peers)
		return peers;
	auto rules =
	    draft.rules_ ? draft.rules_->hang(maps_, slot) : dropRules(slot);
	if (!rules)
		return rules;
	auto cached = cacheInterfaces(draft.interfaces_, next);
	if (!cached)
		return cached;
	auto filtered = maps_.peerFilters.put(slot, draft.filter_.image(next));
	if (!filtered)
		return filtered;
	if (bpf_map_update_elem(maps_.generation.get(), &zero, &next, BPF_ANY))
		return Error::fromErrno("cannot switch to the new policy");
	return {};
}

Status PolicyMaps::settle() const
{
	auto now = generation();
	auto peers = active<PeerMap>(maps_.peerSlots, "peers");

	if (!now)
		return now.error();
	if (!peers)
		return peers.error();
	return hangMap(maps_.peerSlots, CLOAK_SLOT(*now), peers->handle(),
	               "peers");
}

Status PolicyMaps::commit(PolicyDraft draft) const
{
	auto switched = switchTo(draft);

	return switched ? settle() : switched;
}

/**
 * All places, also those without an interface: a commit that has ended before
 * its end may have left some for the same generation.
 */
Status PolicyMaps::cacheInterfaces(const IfaceMap &interfaces,
                                   __u64 generation) const
{
	std::vector<cloak_cached_iface> cached(CLOAK_CACHED_IFACES);
	const __u32 first = CLOAK_IFACE_PLACE(CLOAK_SLOT(generation), 0U);
	auto entries = interfaces.entries();

	if (!entries)
		return entries.error();
	for (const auto &[ifindex, iface] : *entries)
		cached[CLOAK_IFACE_PLACE(0U, ifindex)] = {generation, iface,
		                                          ifindex, 0};
	return writeArray(maps_.ifaceCache.handle(), first, cached.data(),
	                  CLOAK_CACHED_IFACES, maps_.ifaceCache.name());
}

/**
 * The interface is looked up from now on, until the next commit. Packets may be
 * reading the entry: all but its generation stays as it was.
 */
Status PolicyMaps::uncacheInterface(unsigned ifindex) const
{
	auto now = generation();

	if (!now)
		return now.error();
	const __u32 place = CLOAK_IFACE_PLACE(CLOAK_SLOT(*now), ifindex);
	auto cached = maps_.ifaceCache.get(place);
	if (!cached)
		return cached.error();
	if (!*cached)
		return {};
	(*cached)->generation = 0;
	return maps_.ifaceCache.put(place, **cached);
}

/** Leaves the slot without tables. */
Status PolicyMaps::dropRules(__u32 slot) const
{
	auto tables =
	    emptyMap<Map<cloak_addr, cloak_table>>(maps_.tableSlots, "tables");

	if (!tables)
		return tables.error();
	return hangMap(maps_.tableSlots, slot, tables->handle(), "tables");
}

Result<RuleMaps> PolicyMaps::rules() const
{
	auto now = generation();

	if (!now)
		return now.error();
	return RuleMaps::ofSlot(maps_, CLOAK_SLOT(*now));
}

Result<std::uint64_t> PolicyMaps::generation() const
{
	const __u32 zero = 0;
	__u64 value = 0;

	if (bpf_map_lookup_elem(maps_.generation.get(), &zero, &value))
		return Error::fromErrno("cannot read map generation");
	return std::uint64_t{value};
}

Status PolicyMaps::putInterface(unsigned ifindex,
                                const cloak_iface &iface) const
{
	auto map = active<IfaceMap>(maps_.ifaceSlots, "interfaces");
	auto uncached = uncacheInterface(ifindex);

	if (!uncached)
		return uncached;
	return map ? map->put(ifindex, iface) : Status(map.error());
}

Result<bool> PolicyMaps::eraseInterface(unsigned ifindex) const
{
	auto map = active<IfaceMap>(maps_.ifaceSlots, "interfaces");
	auto uncached = uncacheInterface(ifindex);

	if (!uncached)
		return uncached.error();
	return map ? map->erase(ifindex) : Result<bool>(map.error());
}

Status PolicyMaps::putAddress(const cloak_addr &addr,
                              const cloak_address &value) const
{
	auto map = active<AddressMap>(maps_.addressSlots, "addresses");

	return map ? map->put(addr, value) : Status(map.error());
}

Result<bool> PolicyMaps::eraseAddress(const cloak_addr &addr) const
{
	auto map = active<AddressMap>(maps_.addressSlots, "addresses");

	return map ? map->erase(addr) : Result<bool>(map.error());
}

Result<std::vector<std::pair<__u32, cloak_iface>>>
PolicyMaps::interfaces() const
{
	auto map = active<IfaceMap>(maps_.ifaceSlots, "interfaces");

	if (!map)
		return map.error();
	return map->entries();
}

Result<std::vector<std::pair<cloak_addr, cloak_address>>>
PolicyMaps::addresses() const
{
	auto map = active<AddressMap>(maps_.addressSlots, "addresses");

	if (!map)
		return map.error();
	return map->entries();
}

Result<std::vector<std::pair<cloak_prefix, cloak_peer>>>
PolicyMaps::peers() const
{
	auto map = active<PeerMap>(maps_.peerSlots, "peers");

	if (!map)
		return map.error();
	return map->entries();
}

} // namespace cloak
