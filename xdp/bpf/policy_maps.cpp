// SPDX-License-Identifier: Apache-2.0
#include "bpf/policy_maps.h"

#include <bpf/bpf.h>

#include <cstring>

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

/** The inner map that hangs in @p slots under @p slot. */
Result<Fd> innerMap(const Fd &slots, __u32 slot, const char *name)
{
	__u32 id = 0;

	if (bpf_map_lookup_elem(slots.get(), &slot, &id))
		return Error::fromErrno(std::string("no policy in map ") +
		                        name);
	Fd fd(bpf_map_get_fd_by_id(id));
	if (!fd)
		return Error::fromErrno(std::string("cannot open map ") + name);
	return fd;
}

/**
 * An empty map like @p model, with the BTF types of its keys and values: an
 * array of maps takes only such as agree in having them (Linux 6.1).
 */
template <typename MapType>
Result<MapType> emptyCopy(const Result<MapType> &model)
{
	if (!model)
		return model.error();
	const std::string &name = model->name();
	bpf_map_info info{};
	__u32 size = sizeof(info);
	if (bpf_obj_get_info_by_fd(model->fd(), &info, &size))
		return Error::fromErrno("cannot describe map " + name);

	LIBBPF_OPTS(bpf_map_create_opts, options);
	Fd types;
	if (info.btf_id != 0) {
		types = Fd(bpf_btf_get_fd_by_id(info.btf_id));
		if (!types)
			return Error::fromErrno("no types of map " + name);
		options.btf_fd = static_cast<__u32>(types.get());
		options.btf_key_type_id = info.btf_key_type_id;
		options.btf_value_type_id = info.btf_value_type_id;
	}
	options.map_flags = info.map_flags;
	Fd fd(bpf_map_create(static_cast<bpf_map_type>(info.type), name.c_str(),
	                     info.key_size, info.value_size, info.max_entries,
	                     &options));
	if (!fd)
		return Error::fromErrno("cannot create map " + name);
	return MapType(std::move(fd), name);
}

Status hang(const Fd &slots, __u32 slot, int inner, const std::string &name)
{
	if (bpf_map_update_elem(slots.get(), &slot, &inner, BPF_ANY))
		return Error::fromErrno("cannot put map " + name +
		                        " into the policy");
	return {};
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

Status PolicyDraft::addPeer(const cloak_prefix &prefix,
                            const cloak_peer &peer) const
{
	return putGuarded(peers_, prefix, peer);
}

template <typename MapType>
Result<MapType> PolicyMaps::active(const Fd &slots, const char *name) const
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
	auto interfaces =
	    emptyCopy(active<IfaceMap>(maps_.ifaceSlots, "interfaces"));
	auto addresses =
	    emptyCopy(active<AddressMap>(maps_.addressSlots, "addresses"));
	auto peers = emptyCopy(active<PeerMap>(maps_.peerSlots, "peers"));

	if (!interfaces)
		return interfaces.error();
	if (!addresses)
		return addresses.error();
	if (!peers)
		return peers.error();
	draft.interfaces_ = *std::move(interfaces);
	draft.addresses_ = *std::move(addresses);
	draft.peers_ = *std::move(peers);
	return draft;
}

/*
 * No packet that has read the old generation can see the idle slot, and none
 * is left from the time before it when this begins: the last write to an
 * array of maps waits until every program that runs has ended (an RCU grace
 * period), and the last commit ended with one. Hence the repeated hang().
 */
Status PolicyMaps::commit(PolicyDraft draft) const
{
	const __u32 zero = 0;
	auto now = generation();

	if (!now)
		return now.error();
	const __u64 next = *now + 1;
	const __u32 slot = CLOAK_SLOT(next);

	auto interfaces =
	    hang(maps_.ifaceSlots, slot, draft.interfaces_.fd(), "interfaces");
	if (!interfaces)
		return interfaces;
	auto addresses =
	    hang(maps_.addressSlots, slot, draft.addresses_.fd(), "addresses");
	if (!addresses)
		return addresses;
	auto peers = hang(maps_.peerSlots, slot, draft.peers_.fd(), "peers");
	if (!peers)
		return peers;
	if (bpf_map_update_elem(maps_.generation.get(), &zero, &next, BPF_ANY))
		return Error::fromErrno("cannot switch to the new policy");
	return hang(maps_.peerSlots, slot, draft.peers_.fd(), "peers");
}

Result<std::uint64_t> PolicyMaps::generation() const
{
	const __u32 zero = 0;
	__u64 value = 0;

	if (bpf_map_lookup_elem(maps_.generation.get(), &zero, &value))
		return Error::fromErrno("cannot read map generation");
	return std::uint64_t{value};
}

Status PolicyMaps::putPeer(const cloak_prefix &prefix,
                           const cloak_peer &peer) const
{
	auto map = active<PeerMap>(maps_.peerSlots, "peers");

	return map ? putGuarded(*map, prefix, peer) : Status(map.error());
}

Result<bool> PolicyMaps::erasePeer(const cloak_prefix &prefix) const
{
	auto map = active<PeerMap>(maps_.peerSlots, "peers");

	return map ? map->erase(prefix) : Result<bool>(map.error());
}

Status PolicyMaps::putInterface(unsigned ifindex,
                                const cloak_iface &iface) const
{
	auto map = active<IfaceMap>(maps_.ifaceSlots, "interfaces");

	return map ? map->put(ifindex, iface) : Status(map.error());
}

Result<bool> PolicyMaps::eraseInterface(unsigned ifindex) const
{
	auto map = active<IfaceMap>(maps_.ifaceSlots, "interfaces");

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
