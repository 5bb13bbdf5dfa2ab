#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An MTU of 9000, in the driver and in the stack, without a dispatcher: the largest
# frames of a peer arrive, and so does a stream, as it was; those of a stranger get
# no answer.
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
ktap_need_commands hping3 jq socat tcpdump

# All that fits behind the headers of IP and ICMP.
LARGEST=(8972 8952)
STREAM=$((8 * 1024 * 1024))
KEEP=7001

# mtu BYTES: on all of the wire.
mtu() {
	local host
	for host in lake peer scanner; do
		in_ns wire ip link set "p-$host-eth0" mtu "$1"
		in_ns "$host" ip link set eth0 mtu "$1"
	done
	in_ns wire ip link set br0 mtu "$1"
}

# pings FROM: the largest that there are, in one frame each way.
pings() {
	in_ns "$1" ping -n -q -c 2 -i 0.1 -W "${2:-5}" -M "do" \
		-s "${LARGEST[0]}" "$LAKE"
	in_ns "$1" ping -n -q -c 2 -i 0.1 -W "${2:-5}" -M "do" \
		-s "${LARGEST[1]}" "$LAKE6"
}

# large: frames of that size came out of the lake, not pieces.
large() {
	frames_begin p-lake-eth0 "greater 9000"
	pings peer
	frames_end p-lake-eth0 eth0
	[[ $(grep -c 'length 9014: .*ICMP.* echo reply' "$WORK/frames") == 4 ]]
}

# keep: the lake answers with all that it was sent once that has ended. Who sends
# back what he has at once may wait for the other to read, who waits for him.
keep() {
	ip netns exec "$(ns lake)" socat \
		"TCP6-LISTEN:$KEEP,ipv6only=0,fork,reuseaddr" \
		SYSTEM:"cat >$WORK/kept && cat $WORK/kept" &
	defer kill $!
	wait_until 10 eval "in_ns lake ss -Hltn sport = $KEEP | grep -q ."
}

# streams ADDRESS: there and back, octet for octet.
streams() {
	in_ns peer timeout "$((60 * ${CLOAK_SLOW:-1}))" \
		socat -t 20 - "TCP:$1:$KEEP,connect-timeout=5" \
		<"$WORK/stream" >"$WORK/back"
	cmp "$WORK/stream" "$WORK/back"
}

# knocks: large ones of each kind, in one frame and in several.
knocks() {
	local address
	for address in "$LAKE" "$LAKE6"; do
		in_ns scanner ip neigh replace "$address" dev eth0 \
			lladdr "$LAKE_MAC"
	done
	not pings scanner 0.3
	not in_ns scanner ping -n -q -c 1 -W 0.3 -s 20000 "$LAKE"
	not in_ns scanner ping -n -q -c 1 -W 0.3 -s 20000 "$LAKE6"
	not in_ns scanner hping3 -q -n -S -p "$PORT" -d 8000 -c 2 -i u50000 "$LAKE"
	not in_ns scanner hping3 -q -n -2 -p 53 -d 8000 -c 2 -i u50000 "$LAKE"
	in_ns scanner ip neigh flush dev eth0 nud permanent
} >/dev/null 2>&1

heard_when_bare() {
	not sends_only none knocks >"$WORK/said"
	grep -m 1 'length 9014: ' "$WORK/frames"
}

mode() {
	policy "$1" >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$1: attached, MTU 9000" eval \
		"ctl status --json | jq -e '.interfaces[0] |
			.attached == \"$1\" and .dispatcher == false'"
	ktap_run "$1: the largest frames of the peer are answered" large
	ktap_run "$1: a stream of the peer comes back as it was" streams "$LAKE"
	ktap_run "$1: over IPv6 as well" streams "[$LAKE6]"
	# That the peer is still there may be asked at any time, of him alone.
	ktap_run "$1: a stranger's get no answer" \
		sends_only "ether dst $PEER_MAC" knocks
	cloakd_lift
}

wire_lab
mtu 9000
head -c "$STREAM" /dev/urandom >"$WORK/stream"
keep
ktap_run "the bare host answers a stranger" heard_when_bare
mode native
mode generic
