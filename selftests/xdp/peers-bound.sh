#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Peers that are bound to an interface, or to a MAC: on the other interface, and
# with another MAC, the same addresses are nobody's, and not one frame comes out.
# On their own they are served, both of them.
#
#     lake 10.0.9.5  ---- eth0, wire ---- peer .10, scanner .66
#     lake 10.0.10.5 ---- eth1, wire ---- guest .10
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/frames.sh"
ktap_need_commands arping jq tcpdump

LAKE6=fd00:9::5
PEER6=fd00:9::10
GUEST=10.0.10.10

# wires: one more with the guest, and IPv6 on the first.
wires() {
	netns_new guest
	netns_bridge wire br1
	netns_attach lake eth1 wire br1
	netns_attach guest eth0 wire br1
	netns_addr lake eth0 "$LAKE6/64"
	netns_addr lake eth1 10.0.10.5/24
	netns_addr peer eth0 "$PEER6/64"
	netns_addr guest eth0 "$GUEST/24"
	in_ns wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

mac() { in_ns "$1" cat /sys/class/net/eth0/address; }

# policy: the peer by its interface, the guest by its MAC.
policy() {
	cat <<-EOF2
		[output]
		eve = ""

		[evidence]
		folder = ""

		[[interface]]
		name = "eth0"
		attach = "$1"

		[[interface]]
		name = "eth1"
		attach = "$1"

		[[peers]]
		name = "by-interface"
		prefixes = ["$PEER", "$PEER6"]
		interface = "eth0"

		[[peers]]
		name = "by-mac"
		prefixes = ["$GUEST"]
		macs = ["$(mac guest)"]
	EOF2
}

# forgotten: nobody knows the MAC of anybody else.
forgotten() {
	local host
	for host in lake peer scanner guest; do
		in_ns "$host" ip neigh flush all
	done
}

# asks HOST FROM TO: in every way, first for the MAC of the lake and then knowing
# it. Whether that is answered is seen where it would come out.
asks() {
	local length=32 mac
	[[ $2 != *:* ]] || length=128
	[[ $3 == 10.0.10.* || $1 == guest ]] && mac=$MAC1 || mac=$MAC0
	netns_addr "$1" eth0 "$2/$length"
	in_ns "$1" ip route add "$3/$length" dev eth0 src "$2"
	[[ $length == 128 ]] ||
		in_ns "$1" arping -q -c 2 -w 0.3 -S "$2" -i eth0 "$3" || true
	in_ns "$1" ping -n -q -c 1 -W 0.3 -I "$2" "$3" || true
	in_ns "$1" ip neigh replace "$3" dev eth0 lladdr "$mac"
	in_ns "$1" ping -n -q -c 2 -i 0.1 -W 0.3 -I "$2" "$3" || true
	in_ns "$1" ip neigh flush dev eth0 nud permanent
	in_ns "$1" ip route del "$3/$length" dev eth0
	in_ns "$1" ip addr del "$2/$length" dev eth0
} >/dev/null

# nothing_comes_out COMMAND...: of neither interface.
nothing_comes_out() {
	forgotten
	frames_begin p-lake-eth1
	sends_only none "$@"
	frames_end p-lake-eth1 eth1
	frames_none
}

# elsewhere: the peer's addresses on the other interface.
elsewhere() {
	asks guest "$PEER" "$LAKE"
	asks guest "$PEER6" "$LAKE6"
}

# another_mac: the guest's address, there and on the other wire.
another_mac() {
	local own
	own=$(mac guest)
	in_ns guest ip link set eth0 address 02:00:00:00:00:77
	in_ns guest arping -q -c 2 -w 0.3 -i eth0 10.0.10.5 || true
	in_ns guest ping -n -q -c 1 -W 0.3 10.0.10.5 || true
	in_ns guest ip neigh replace 10.0.10.5 dev eth0 lladdr "$MAC1"
	in_ns guest ping -n -q -c 2 -i 0.1 -W 0.3 10.0.10.5 || true
	in_ns guest ip neigh flush dev eth0 nud permanent
	in_ns guest ip link set eth0 address "$own"
	asks scanner "$GUEST" 10.0.10.5
} >/dev/null

both_served() {
	forgotten
	in_ns peer ping -n -q -c 1 -W 5 "$LAKE"
	in_ns peer ping -n -q -c 1 -W 5 "$LAKE6"
	in_ns guest ping -n -q -c 1 -W 5 10.0.10.5
}

# heard COMMAND...: by the same means, without the cloak.
heard() {
	not nothing_comes_out "$@" >"$WORK/said"
	grep 'Reply .* is-at' "$WORK/said"
}

# counted REASON: why that was dropped.
counted() {
	ctl drops --json | jq -e --arg reason "$1" \
		'any(.[]; .direction == "in" and .reason == $reason)'
}

mode() {
	policy "$1" >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$1: attached" eval "ctl status --json |
		jq -e 'all(.interfaces[]; .attached == \"$1\")'"
	ktap_run "$1: each is served on his own wire" both_served
	ktap_run "$1: on the other interface the peer is nobody" \
		nothing_comes_out elsewhere
	ktap_run "$1: that is why it was dropped" counted wrong-interface
	ktap_run "$1: with another MAC the guest is nobody" \
		nothing_comes_out another_mac
	ktap_run "$1: and that is why" counted wrong-mac
	ktap_run "$1: with his own he is served again" both_served
	cloakd_lift
}

cloak_lab
wires
MAC0=$(mac lake)
MAC1=$(in_ns lake cat /sys/class/net/eth1/address)
ktap_run "the bare host answers on the other interface" heard elsewhere
ktap_run "the bare host answers another MAC" heard another_mac
mode native
mode generic
