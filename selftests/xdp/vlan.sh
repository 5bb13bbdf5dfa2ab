#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Addresses behind a tag, 802.1Q and 802.1ad, of an interface that is cloaked:
# whether the tag stands in the frame, or beside it as network cards hand it over
# and take it (offload), strangers find nobody, the host tells nothing of itself,
# and the peer is served.
#
# where: guest
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
. "$KTAP_LIB/frames.sh"
ktap_need_commands arping ethtool jq socat tcpdump

# Networks, without the last number of an address.
NETS=(10.5.0. 10.8.0. 2001:db8:5::)

# tagged HOST NUMBER: its interfaces behind tags, and its addresses there.
tagged() {
	in_ns "$1" ip -batch - <<-EOF2
		link add link eth0 name tag5 type vlan id 5
		link add link eth0 name tag8 type vlan protocol 802.1ad id 8
		link set tag5 up
		link set tag8 up
		addr add ${NETS[0]}$2/24 dev tag5
		addr add ${NETS[1]}$2/24 dev tag8
		addr add ${NETS[2]}$2/64 dev tag5 nodad
	EOF2
}

# offload on|off: at both ends of each cable.
offload() {
	local host kinds
	kinds=(rxvlan "$1" txvlan "$1" rx-vlan-stag-hw-parse "$1"
		tx-vlan-stag-hw-insert "$1")
	for host in lake peer scanner; do
		in_ns "$host" ethtool -K eth0 "${kinds[@]}"
		in_ns wire ethtool -K "p-$host-eth0" "${kinds[@]}"
	done
}

behind_tags() {
	policy "$1" | sed 's|^prefixes = .*|prefixes = ["10.5.0.10", "10.8.0.10",\
		"2001:db8:5::10", "fe80::/64"]|'
}

# asks HOST: does an address of the lake answer? With no MAC known before.
asks() {
	local net
	in_ns "$1" ip neigh flush all
	for net in "${NETS[@]}"; do
		! in_ns "$1" ping -n -q -c 1 -W 1 "${net}5" || return 0
	done
	return 1
}

# answered: the peer by each address, and the lake by him.
answered() {
	local net
	in_ns peer ip neigh flush all
	in_ns lake ip neigh flush all
	for net in "${NETS[@]}"; do
		in_ns peer ping -n -q -c 1 -W 5 "${net}5"
		in_ns lake ping -n -q -c 1 -W 5 "${net}10"
	done
}

link_local() { in_ns lake ip -6 addr show dev "$1" scope link | grep inet6; }

# flaps: upon which a host tells of itself.
flaps() {
	in_ns lake ip link set tag5 down
	in_ns lake ip link set tag5 up
	in_ns lake ip addr add "${NETS[2]}5/64" dev tag5 nodad
	wait_until 10 link_local tag5
}

strangers() {
	not asks scanner
	in_ns scanner arping -q -c 2 -w 1 -i tag5 "${NETS[0]}5" || true
	flaps
}

heard_when_bare() {
	asks scanner
	not sends_only none flaps >"$WORK/said"
	grep -m 1 'vlan 5' "$WORK/frames"
}

# mode MODE OFFLOAD
mode() {
	local name="$1, offload $2"
	offload "$2"
	ktap_run "$name: the bare host is heard" heard_when_bare
	behind_tags "$1" >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$name: strangers hear nothing" \
		sends_only "ether dst $PEER_MAC" strangers
	ktap_run "$name: the peer is served" answered
	cloakd_lift
}

wire_lab
tagged lake 5
tagged peer 10
tagged scanner 66
mode native on
mode native off
# There the kernel takes a tag out of the frame before the cloak sees it, too.
mode generic on
