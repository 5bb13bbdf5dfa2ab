#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Peers behind a router, which is a gateway and no more, over IPv4 and IPv6: it
# resolves the host and gets nothing else, a client behind it has full access, a
# server only answers, and for all others there is no host. The tables of
# neighbours are empty at both ends whenever somebody begins.
#
#     lake .5 ---- wire ---- router .1 ---- far0 ---- client .10, server .20,
#                   |                                 stranger .66
#               scanner .66
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
. "$KTAP_LIB/frames.sh"
ktap_need_commands arping jq ndisc6 nmap socat tcpdump

ROUTER=192.0.2.1
ROUTER_MAC=02:00:00:00:00:01
FAR=198.51.100
FAR6=2001:db8:8:

# What the router may hear: whose MAC, of the host or asked by the host.
RESOLVES="ether dst $ROUTER_MAC and (arp or
	(icmp6 and ip6[40] >= 135 and ip6[40] <= 136))"

# behind NAME LAST-DIGITS: a host on the other side of the router.
behind() {
	netns_new "$1"
	netns_attach "$1" eth0 router far0
	netns_addr "$1" eth0 "$FAR.$2/24" "$FAR6:$2/64"
	in_ns "$1" ip route add default via "$FAR.1"
	in_ns "$1" ip route add default via "$FAR6:1"
	ip netns exec "$(ns "$1")" socat \
		"TCP6-LISTEN:$PORT,ipv6only=0,fork,reuseaddr" PIPE &
	defer kill $!
}

routed_lab() {
	wire_lab
	netns_new router
	netns_attach router eth0 wire br0
	netns_addr router eth0 "$ROUTER/24"
	host router "$ROUTER_MAC" 1
	netns_bridge router far0
	netns_addr router far0 "$FAR.1/24" "$FAR6:1/64"
	in_ns router sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
	behind client 10
	behind server 20
	behind stranger 66
	in_ns lake ip route add default via "$ROUTER"
	in_ns lake ip route add default via fe80::1 dev eth0
}

# policy MODE [MAC]: that of the router, if it is bound to one.
policy() {
	local address
	cat <<-EOF2
		[output]
		text = false
		eve = ""

		[evidence]
		folder = ""

		[[interface]]
		name = "eth0"
		attach = "$1"

		[[peers]]
		name = "clients"
		prefixes = ["$FAR.10", "$FAR6:10"]

		[[peers]]
		name = "servers"
		prefixes = ["$FAR.20", "$FAR6:20"]
		access = "outbound"
	EOF2
	for address in "$ROUTER" fe80::1; do
		printf '[[gateway]]\naddress = "%s"\n%s\n' "$address" \
			"${2:+mac = \"$2\"}"
	done
}

# cold: nobody knows the MAC of anybody else.
cold() {
	local where
	for where in lake router client server stranger; do
		in_ns "$where" ip neigh flush all
	done
}

# echoes FROM ADDRESS: there and back over TCP.
echoes() {
	[[ $(in_ns "$1" socat -t 5 - "TCP:$2:$PORT,connect-timeout=5" \
		<<<hello) == hello ]]
}

# reaches FROM ADDRESS ADDRESS6
reaches() {
	cold
	in_ns "$1" ping -n -q -c 1 -W 5 "$2"
	in_ns "$1" ping -n -q -c 1 -W 5 "$3"
	cold
	echoes "$1" "$2"
	echoes "$1" "[$3]"
}

client_reaches() { reaches client "$LAKE" "$LAKE6"; }

lake_reaches() {
	reaches lake "$FAR.10" "$FAR6:10"
	reaches lake "$FAR.20" "$FAR6:20"
}

# tries FROM: whether it finds the host in any way, all at once. It is too early
# to give up for who has to wait: what is asked for is who is answered at all.
tries() {
	local address pid found=1 pids=()
	for address in "$LAKE" "$LAKE6"; do
		in_ns "$1" ping -n -q -c 1 -W 0.5 "$address" &
		pids+=($!)
	done
	for address in "$LAKE" "[$LAKE6]"; do
		in_ns "$1" socat -u OPEN:/dev/null \
			"TCP:$address:$PORT,connect-timeout=0.5" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		! wait "$pid" || found=0
	done
	return "$found"
} >/dev/null 2>&1

found_when_bare() {
	local from
	for from in router client server stranger scanner; do
		wait_until 10 tries "$from"
	done
}

# Its kernel knows the host's MAC afterwards, by ARP and neighbour discovery.
resolves() {
	cold
	in_ns router arping -q -c 1 -w 5 -S "$ROUTER" -i eth0 "$LAKE"
	in_ns router ndisc6 -1 -r 3 "$LAKE6" eth0
	not tries router
	in_ns router ip neigh show "$LAKE" | grep "$LAKE_MAC"
}

# scanned FROM: by more than one kind of packet.
scanned() {
	in_ns "$1" nmap -n -Pn --max-retries 0 -sSU -p "T:$PORT,22,U:7,53" \
		--initial-rtt-timeout 100ms --max-rtt-timeout 100ms \
		"$LAKE" >"$WORK/nmap"
	not grep -E ' (open|closed|unfiltered) ' "$WORK/nmap"
}

# finds_nobody FROM
finds_nobody() {
	not tries "$1"
	scanned "$1"
}

# knows_lake NAME: it has no need to ask.
knows_lake() {
	in_ns "$1" ip neigh replace "$LAKE" dev eth0 lladdr "$LAKE_MAC"
	in_ns "$1" ip neigh replace "$LAKE6" dev eth0 lladdr "$LAKE_MAC"
}

forgets_lake() { in_ns "$1" ip neigh flush dev eth0 nud permanent; }

# in_vain FROM: whoever passes his packets on, nobody hears of the host; and if
# the router has to ask first, it alone is told.
in_vain() {
	cold
	sends_only "$RESOLVES" not tries "$1"
	cold
	knows_lake router
	sends_only "$RESOLVES" finds_nobody "$1"
	forgets_lake router
}

# too_large: the router is no peer, but says what does not fit behind it.
too_large() {
	local large=(in_ns lake ping -n -c 1 -W 5 -M "do" -s 1450)
	in_ns router ip link set far0 mtu 1400
	not "${large[@]}" "$FAR.10" >"$WORK/ping"
	grep 'Frag needed.*mtu = 1400' "$WORK/ping"
	not "${large[@]}" "$FAR6:10" >"$WORK/ping"
	grep 'Packet too big: mtu=1400' "$WORK/ping"
	in_ns router ip link set far0 mtu 1500
	in_ns lake ip route flush cache
	in_ns lake ip -6 route flush cache
}

# forged: what has the router's address and another MAC is not from it.
forged() {
	not in_ns scanner arping -q -c 2 -w 0.5 -S "$ROUTER" -i eth0 "$LAKE"
	not in_ns scanner arping -q -c 2 -w 0.5 -i eth0 "$LAKE"
	knows_lake scanner
	not tries scanner
	forgets_lake scanner
}

attach() {
	policy "$@" >"$WORK/policy.toml"
	in_ns lake ip neigh flush all
	cloakd_start
	ctl status --json | jq -e ".interfaces[0].attached == \"$1\""
}

mode() {
	ktap_run "$1: attached, a router there" attach "$1"
	ktap_run "$1: the router resolves the host, and gets nothing else" \
		sends_only "$RESOLVES" resolves
	ktap_run "$1: a client behind it reaches the host" client_reaches
	ktap_run "$1: the host reaches the client and an outbound server" \
		lake_reaches
	ktap_run "$1: the server cannot begin" in_vain server
	ktap_run "$1: a stranger behind the router finds nobody" \
		in_vain stranger
	ktap_run "$1: the router says what is too large" too_large
	cloakd_lift
}

# known: where the policy has the MAC of the router nobody has to ask first.
known() {
	ktap_run "bound to its MAC: attached" attach native "$ROUTER_MAC"
	ktap_run "bound to its MAC: the host may begin" lake_reaches
	ktap_run "bound to its MAC: with another one it is somebody else" \
		sends_only "$RESOLVES" forged
	cloakd_lift
}

routed_lab
ktap_run "everybody finds the bare host" found_when_bare
mode native
mode generic
known
