#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An hour of nmap -T0, a probe in five minutes, and of nmap -T1, one in fifteen
# seconds, beside a million packets that each come from somebody else: within
# five probes each is called slow, and after the hour no probe of theirs has
# been forgotten.
#
# The guest's clock counts instructions, so that time in which nobody does
# anything is over at once; kernel, cloak, daemon and nmap know no other clock.
#
# where: guest
# asked: yes
# guests: yes
# icount: yes
# timeout: 1500
# cpus: 1
# mem: 2048
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
. "$KTAP_LIB/pktgen.sh"
ktap_need_commands jq nmap socat

pktgen_load

HOUR=3600
FLOOD=1000000
BURST=50000
FASTER=192.0.2.67
# shellcheck disable=SC2016 # for jq
SLOW='select(.src_ip == $source and .cloak.class == "slow scan")'

# scan LEVEL SOURCE PORTS: nmap in the background until the test ends.
scan() {
	ip netns exec "$(ns scanner)" nmap -n -Pn --disable-arp-ping -e eth0 \
		-S "$2" "-T$1" -sS -p "$3" "$LAKE" >"$WORK/nmap.$1" 2>&1 &
	defer eval "kill $! 2>/dev/null || true"
}

# flood: the million, in bursts that fill the hour.
flood() {
	local sent
	for ((sent = 0; sent < FLOOD; sent += BURST)); do
		pktgen_send flooder eth0 "$BURST"
		sleep $((HOUR * BURST / FLOOD))
	done
}

# sent SOURCE: probes that it has sent, as the cable has seen them.
sent() { grep -c "IP $1\." "$WORK/probes"; }

# first SOURCE: the event that first calls that source slow.
first() {
	jq -cn --arg source "$1" "first(inputs | $SLOW)" "$WORK/eve.json"
}

# told SECONDS SOURCE: it is called slow in that time and in at most five
# probes, and never anything else but somebody who probes. Nobody looks again
# and again, which would take most of the hour.
told() {
	timeout "$1" jq -en --arg source "$2" "first(inputs | $SLOW)" \
		< <(exec tail -n +1 -f "$WORK/eve.json") >/dev/null
	first "$2" | jq -r '"after \(.cloak.probes) probes: \(.cloak.text)"'
	first "$2" | jq -e '.cloak.probes <= 5 and .packet and
		.alert.action == "blocked" and .alert.severity == 2'
	not events ".event_type == \"alert\" and .src_ip == \"$2\" and
		(.cloak.class | . != \"probe\" and . != \"slow scan\")"
}

# remembered SOURCE: all that it has sent is known of it.
remembered() {
	ctl sources --limit 65536 --json | jq -e --argjson sent "$(sent "$1")" \
		".[] | select(.address == \"$1\") | .probes == \$sent"
}

flooded() {
	local up
	timeout $((2 * HOUR)) tail -s 10 --pid="$FLOODER" -f /dev/null
	read -r up _ </proc/uptime
	echo "$(dropped) packets dropped, $((${up%.*} - BEGUN)) s"
	((${up%.*} - BEGUN >= HOUR && $(dropped) >= FLOOD))
}

both_remembered() {
	local source
	for source in "$SCANNER" "$FASTER"; do
		echo "$source has sent $(sent "$source")"
		wait_until 10 remembered "$source"
	done
	(($(sent "$SCANNER") >= HOUR / 300 && $(sent "$FASTER") > HOUR / 20))
}

# added_up: every packet has been told or is counted as not told.
added_up() {
	local events
	events=$(ctl status --json | jq -c .events)
	echo "$events"
	jq -e ".probes == .sent + .suppressed + .rate_limited + .failed and
		.probes + .background == $(dropped) and
		.probes >= $FLOOD and .lost <= .failed and
		.malformed == 0" <<<"$events"
}

wire_lab
netns_new flooder
netns_attach flooder eth0 wire br0
netns_addr scanner eth0 "$FASTER/24"
in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
	lladdr "$LAKE_MAC"
pktgen_setup flooder eth0 "$LAKE" "$LAKE_MAC"
policy native "$WORK/eve.json" >"$WORK/policy.toml"
touch "$WORK/eve.json"
cloakd_start
ip netns exec "$(ns wire)" tcpdump -i p-scanner-eth0 -Q in -n -l \
	--immediate-mode -B 65536 tcp >"$WORK/probes" 2>"$WORK/probes.err" &
defer kill $!
wait_until 10 grep -q 'listening on' "$WORK/probes.err"
capture "$WORK/wire"
read -r BEGUN _ </proc/uptime
BEGUN=${BEGUN%.*}
scan 0 "$SCANNER" 22,80,443,445,3260,4420,8009,8080
scan 1 "$FASTER" 1-200
flood &
FLOODER=$!
ktap_run "nmap -T1, a probe in 15 s" told 300 "$FASTER"
ktap_run "nmap -T0, a probe in 300 s" told 3000 "$SCANNER"
ktap_run "a million others in an hour" flooded
ktap_run "the slow ones are remembered" both_remembered
ktap_run "produced is told or suppressed" wait_until 10 added_up
ktap_run "the peer is served" wait_until 20 served
ktap_run "nobody was answered" silent true
capture_end
