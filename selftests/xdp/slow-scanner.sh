#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The slowest scans that nmap knows, as slow as they are: -T0 with a probe in
# five minutes, while more forged sources come by than the table has room for,
# and -T1 with a probe in 15 seconds. Each is called a slow scan within five
# probes, and nobody is forgotten meanwhile.
#
# In a guest whose clock counts instructions, where nobody waits: time that
# nothing happens in is over at once.
#
# where: guest
# icount: yes
# cpus: 1
# asked: yes
# guests: yes
# timeout: 1500
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands hping3 jq nmap socat

PORTS=22,80,443,4420,8009
PATIENT=192.0.2.67
# So many sources the table has room for; CLOAK_MAX_SOURCES.
ROOM=65536

# scan TIMING ADDRESS: begins a scan of that source.
scan() {
	ip netns exec "$(ns scanner)" nmap -n -Pn --disable-arp-ping -e eth0 \
		-S "$2" "-T$1" -sS -p "$PORTS" "$LAKE" >"$WORK/nmap" 2>&1 &
	NMAP=$!
	defer eval "kill $NMAP 2>/dev/null || true"
}

# One forged source in 16 ms, and no end.
flood() {
	ip netns exec "$(ns flooder)" hping3 -q -n --rand-source -i u16000 -S \
		-p 4420 "$LAKE" >"$WORK/hping" 2>&1 &
	defer eval "kill $! 2>/dev/null || true"
}

# called ADDRESS: the event that first calls it a slow scan; waits for that
# without a look at the clock.
called() {
	timeout 5400 grep -m 1 "\"class\":\"slow scan\".*\"src_ip\":\"$1\"" \
		<(tail -n +1 -F "$WORK/eve.json" 2>/dev/null) >"$WORK/called"
	jq -r '"\(.cloak.probes) probes: \(.cloak.text)"' "$WORK/called"
}

# caught ADDRESS SECONDS: within five probes, so far apart on the average.
caught() {
	called "$1"
	jq -e --argjson least "$2" '
		def seconds: sub("[.].*"; "Z") | fromdate;
		.cloak | .probes <= 5 and $least <= ((.last_seen | seconds) -
			(.first_seen | seconds)) / (.probes - 1)' "$WORK/called"
	kill "$NMAP"
}

# remembered: all that it has sent is in its entry, whoever came in between.
remembered() {
	local probes
	probes=$(jq .cloak.probes "$WORK/called")
	echo "$(dropped) packets were dropped"
	(($(dropped) > ROOM))
	ctl sources --limit 65536 --json | jq -e --argjson probes "$probes" \
		".[] | select(.address == \"$SCANNER\") | .probes >= \$probes"
}

added_up() {
	local events
	events=$(ctl status --json | jq -c .events)
	echo "$events"
	jq -e '.probes == .sent + .suppressed + .rate_limited + .failed and
		.unrecorded > 0 and .lost == 0' <<<"$events"
}

wire_lab
netns_new flooder
netns_attach flooder eth0 wire br0
netns_addr flooder eth0 192.0.2.77/24
netns_addr scanner eth0 "$PATIENT/24"
for ns in flooder scanner; do
	in_ns "$ns" ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$LAKE_MAC"
done
policy native "$WORK/eve.json" >"$WORK/policy.toml"
cloakd_start
flood
scan 0 "$SCANNER"
ktap_run "nmap -T0 among forged sources" caught "$SCANNER" 290
ktap_run "it is remembered for as long as it takes" remembered
ktap_run "produced is told or suppressed" wait_until 10 added_up
scan 1 "$PATIENT"
ktap_run "nmap -T1 beside it" caught "$PATIENT" 14
