#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A million packets, each of another source: all are counted, exactly, as told
# or as suppressed, and the one slow scanner that was there before is not lost
# among them. It is called one afterwards, with as many probes as it has sent.
#
# Ten seconds between its probes are the least that is called slow; they stand
# for the five minutes of nmap -T0. It probes the address that is flooded.
#
# where: host
# guests: yes
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands hping3 jq socat

FLOOD=1000000
PAUSE=10.2

# slow PORT: a probe, a pause behind the one before.
slow() {
	local now
	now=$(date +%s.%N)
	sleep "$(jq -n "[0, $LAST_PROBE + $PAUSE - $now] | max")"
	not in_ns scanner hping3 -q -n -S -p "$1" -c 1 -i u1000 \
		"$LAKE" >"$WORK/slow" 2>&1
	LAST_PROBE=$(date +%s.%N)
	SLOW_PROBES=$((SLOW_PROBES + 1))
}

# slow_source PROBES: is that the number of its probes?
slow_source() {
	ctl sources --limit 65536 --json | jq -e ".[] |
		select(.address == \"$SCANNER\") | .probes == $1"
}

has_dropped() { (($(dropped) >= FLOOD)); }

# Each packet of the flood comes from somebody else.
flood_begins() {
	ip netns exec "$(ns flooder)" hping3 -q -n --flood --rand-source -S \
		-p ++1 "$LAKE" >"$WORK/hping" 2>&1 &
	FLOODER=$!
	defer eval "kill $FLOODER 2>/dev/null || true"
}

flood_ends() {
	wait_until 120 has_dropped
	kill -0 "$FLOODER"
	kill -INT "$FLOODER"
	wait_while 10 kill -0 "$FLOODER"
	echo "$(dropped) packets were dropped"
}

# added_up: every packet has been told or is counted as not told.
added_up() {
	local events
	events=$(ctl status --json | jq -c .events)
	echo "$events"
	ctl status --json | jq -c .alerts
	jq -e ".probes == .sent + .suppressed + .rate_limited + .failed and
		.probes + .background == $(dropped) and
		.probes >= $FLOOD and .unrecorded > 0 and
		.lost <= .failed and .malformed == 0" <<<"$events"
}

wait_added_up() {
	wait_until 10 added_up || true
	added_up
}

called_slow() {
	events ".event_type == \"alert\" and .src_ip == \"$SCANNER\" and
		.cloak.class == \"slow scan\" and .cloak.probes >= 5 and
		.cloak.port_count == 5"
}

still_told() {
	wait_until 30 called_slow
	called_slow | jq -r .cloak.text | tail -n 1
	slow_source "$SLOW_PROBES"
	not events ".event_type == \"alert\" and .src_ip == \"$SCANNER\" and
		(.cloak.class | . != \"probe\" and . != \"slow scan\")"
}

wire_lab
netns_new flooder
netns_attach flooder eth0 wire br0
netns_addr flooder eth0 192.0.2.77/24
for ns in flooder scanner; do
	in_ns "$ns" ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$LAKE_MAC"
done
policy native "$WORK/eve.json" >"$WORK/policy.toml"
cloakd_start
uncounted=$(uncounted)
LAST_PROBE=0
SLOW_PROBES=0
slow 22
ktap_run "a slow scanner before the flood" wait_until 5 slow_source 1
flood_begins
slow 80
ktap_run "the same in the flood" wait_until 5 slow_source 2
slow 443
ktap_run "and once more" wait_until 5 slow_source 3
ktap_run "the peer is served meanwhile" wait_until 20 served
ktap_run "a million packets, each of another source" flood_ends
ktap_run "produced is told or suppressed" wait_added_up
ktap_run "every frame on the cable is counted" \
	wait_until 10 accounted "$uncounted"
slow 4420
slow 8009
ktap_run "the slow scanner is called so" still_told
