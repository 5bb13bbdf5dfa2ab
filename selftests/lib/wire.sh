# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The hosts of the composed frames (xdp/tests/harness/hosts.h), and a look at
# every frame that leaves the lake, at the other end of its cable. What counts
# is all but unicast to the authorised peer.
#
# Needs ktap.sh, wait.sh, netns.sh and, sourced before, cloakd.sh.

LAKE=192.0.2.5
PEER=192.0.2.10
# shellcheck disable=SC2034 # for the tests
SCANNER=192.0.2.66
LAKE6=2001:db8::5
LAKE_MAC=02:00:00:00:00:05
PEER_MAC=02:00:00:00:00:0a
PORT=4420
# So many seconds an answer may take.
ANSWER=$((5 * ${CLOAK_SLOW:-1}))

# wire_lab: cloak_lab with these hosts, and a server on the lake.
wire_lab() {
	cloak_lab
	in_ns wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	in_ns wire ip link set br0 type bridge mcast_snooping 0
	# With br_netfilter the bridge itself would drop what is malformed.
	in_ns wire sysctl -qew net.bridge.bridge-nf-call-{ip,ip6,arp}tables=0
	host lake "$LAKE_MAC" 5
	host peer "$PEER_MAC" 10
	host scanner 02:00:00:00:00:42 66
	talkative
	wait_until 10 settled
}

# host NAME MAC LAST-DIGITS: link-local address included, nothing made up.
host() {
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.keep_addr_on_down=1
	in_ns "$1" ip -batch - <<-EOF
		link set eth0 down addrgenmode none address $2
		link set eth0 up
		addr add 2001:db8::$3/64 dev eth0
		addr add fe80::$3/64 dev eth0
	EOF
}

# As talkative as Linux can be: everything is told at link-up, and what is
# left of fragments is complained about after a second, not after thirty.
talkative() {
	in_ns lake sysctl -qw net.ipv4.conf.eth0.arp_notify=1 \
		net.ipv6.conf.eth0.ndisc_notify=1 \
		net.ipv6.conf.eth0.accept_ra=2 \
		net.ipv4.icmp_echo_ignore_broadcasts=0 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
		net.ipv4.ipfrag_time=1 net.ipv6.ip6frag_time=1
	ip netns exec "$(ns lake)" socat \
		"TCP6-LISTEN:$PORT,ipv6only=0,fork,reuseaddr" PIPE &
	defer kill $!
}

# policy MODE [EVE-FILE]: the peer is known by its MAC, too, so that forging its
# addresses is of no use.
policy() {
	cat <<-EOF
		[output]
		text = false
		eve = "${2:-}"

		[[interface]]
		name = "eth0"
		attach = "$1"

		[[peers]]
		name = "initiators"
		prefixes = ["$PEER", "2001:db8::10", "fe80::10"]
		macs = ["$PEER_MAC"]
	EOF
}

# capture FILE: from now on, what comes out of the lake but to the peer. The buffer
# has room for what goes the other way, which -Q takes out of it.
capture() {
	# What an earlier one has said would be taken for its own.
	rm -f "$1.err"
	ip netns exec "$(ns wire)" tcpdump -i p-lake-eth0 -Q in -n -e -l \
		--immediate-mode -s 512 -B 65536 "not ether dst $PEER_MAC" \
		>"$1" 2>"$1.err" &
	TCPDUMP=$! CAPTURED=$1
	wait_until 10 grep -q 'listening on' "$1.err"
}

# capture_end [some]: it has all that the lake has sent; "some": where many frames
# are no fault, a part of them will do.
capture_end() {
	kill -INT "$TCPDUMP"
	wait "$TCPDUMP" || true
	[[ ${1:-} == some ]] || missed_nothing "$CAPTURED.err"
}

settled() { not grep -q tentative <(in_ns lake ip -6 addr show dev eth0); }

probe() { in_ns scanner "$TOP/build/xdp/tests/probe" eth0 "$@"; }

# served: both ends have forgotten each other's MAC before. In few processes,
# which take long in a slow guest.
served() {
	in_ns lake ip neigh flush dev eth0
	# shellcheck disable=SC2016 # for the inner shell
	in_ns peer bash -euc '
		ip neigh flush dev eth0
		ping -n -q -c 1 -W "$4" "$1"
		ping -n -q -c 1 -W "$4" "$2"
		for address in "$1" "$2"; do
			exec 3<>"/dev/tcp/$address/$3"
			echo hello >&3
			read -r -t "$4" -u 3 echo
			[[ $echo == hello ]]
		done' served "$LAKE" "$LAKE6" "$PORT" "$ANSWER" >"$WORK/served" 2>&1
}

# silent COMMAND...: nobody hears anything while it runs.
silent() {
	"$@"
	[[ ! -s $WORK/wire ]] || { head -n 20 "$WORK/wire"; return 1; }
}

# served_while COMMAND...: the peer is, all that time, again and again. After each
# time it rests as long as that took: while a program waits, a guest would do
# nothing else.
served_while() {
	local pid rounds=0 begin rest
	"$@" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null || ((rounds == 0)); do
		begin=${EPOCHREALTIME/[.,]/}
		served || { cat "$WORK/served"; return 1; }
		rounds=$((rounds + 1))
		kill -0 "$pid" 2>/dev/null || break
		rest=$((${EPOCHREALTIME/[.,]/} - begin))
		printf -v rest '%d.%06d' $((rest / 1000000)) \
			$((rest % 1000000))
		pause "$rest"
	done
	echo "$rounds times by ping and TCP"
	wait "$pid"
}

# pinged COMMAND...: some hundred times a second, and nothing is lost meanwhile.
pinged() { pinged_from "$PEER" "$@"; }

# pinged_from ADDRESS COMMAND...: the same from that address of the peer.
pinged_from() {
	local from=$1 ping
	shift
	in_ns peer ping -n -q -I "$from" -c 1 -W "$ANSWER" "$LAKE"
	ip netns exec "$(ns peer)" ping -n -q -I "$from" -i 0.002 \
		-w $((300 * ${CLOAK_SLOW:-1})) "$LAKE" >"$WORK/ping-$from" 2>&1 &
	ping=$!
	"$@"
	kill -INT "$ping"
	wait "$ping" || true
	cat "$WORK/ping-$from"
	# One may be on its way at the end.
	awk '/ transmitted/ { exit $1 - $4 > 1 || $1 < 100 }' \
		"$WORK/ping-$from"
}

# scanned COMMAND...: there is always somebody who asks meanwhile.
scanned() {
	local arping
	ip netns exec "$(ns scanner)" arping -q -W 0.01 -c 6000 \
		-i eth0 "$LAKE" >/dev/null 2>&1 &
	arping=$!
	"$@"
	kill "$arping"
	wait "$arping" || true
}

# told: has an alert named the scanner?
told() { ctl alerts | grep -F "$SCANNER"; }

flap() {
	in_ns lake ip link set eth0 down
	in_ns lake ip link set eth0 up
}

# counted [FILTER]: packets on ingress that the cloak has counted.
counted() {
	ctl drops --all --json | jq "[.[] |
		select(.direction == \"in\" and ${1:-true}).packets] | add // 0"
}

dropped() { counted '.verdict == "drop"'; }

# carried: frames that the cable has brought to the lake.
carried() {
	in_ns wire cat /sys/class/net/p-lake-eth0/statistics/tx_packets
}

# uncounted: how many more frames the cable has brought than are counted, at a
# moment when none came in between.
uncounted() {
	local before counted after try
	before=$(carried)
	for try in {1..50}; do
		counted=$(counted)
		after=$(carried)
		if ((before == after)); then
			echo $((before - counted))
			return
		fi
		before=$after
	done
	echo "the cable was never quiet in $try looks" >&2
	return 1
}

# accounted DIFFERENCE: have just as many been counted as carried, but for what
# it carried before?
accounted() { [[ $(uncounted) == "$1" ]]; }
