#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cloakd hides the host and says who looks for it: a line for people and an EVE
# event within a second of the first probe, and one for each kind of scan.
#
# where: host
# guests: yes
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping nmap jq logrotate

# The file was written less than a second after the probe was sent.
first_alert() {
	local sent written
	sent=$(date +%s%N)
	in_ns scanner arping -c 1 -w 1 -I eth0 "$LAKE" && return 1
	wait_until 5 test -s "$WORK/eve.json"
	written=$(date -d "$(stat -c %y "$WORK/eve.json")" +%s%N)
	echo "written $(((written - sent) / 1000000)) ms after the probe"
	((written > sent && written - sent < 1000000000))
	grep "^$SCANNER (..:..:..:..:..:..) probed $LAKE (ARP request); $(
		)shadowed until \(....-..-.. \)\?..:..$" "$WORK/stdout"
}

# scan KIND NMAP-OPTION...: finds nothing, and is told by its kind.
scan() {
	local kind=$1
	shift
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0 "$@" \
		"$LAKE" >"$WORK/nmap"
	in_ns scanner ip neigh del "$LAKE" dev eth0
	not grep -E ' (open|closed|unfiltered) ' "$WORK/nmap"
	wait_until 2 events ".src_ip == \"$SCANNER\" and
		.alert.action == \"blocked\" and .cloak.kind == \"$kind\""
}

# The end of the shadow is the one that the data plane keeps.
tells_shadow() {
	local until
	until=$(ctl shadow list --json | jq -r '.[0].until')
	events "(.cloak.shadowed_until[:17]) == \"${until:0:17}\""
	date -d "$until" +%H:%M >"$WORK/until"
	ctl alerts | grep "; shadowed until .*$(<"$WORK/until")$"
}

# With the MAC known; else the scanner would not get beyond ARP.
pinged() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE"
	in_ns scanner ip neigh del "$LAKE" dev eth0
	wait_until 2 events '.cloak.kind == "ping"'
}

# An event has what readers of EVE look for.
shape() {
	events '.event_type == "alert" and .src_ip and .dest_ip and .proto and
		.in_iface == "eth0" and .ether.src_mac and
		.alert.signature and .alert.category and .alert.severity and
		.cloak.first_seen and .packet and .timestamp' >"$WORK/whole"
	events '.event_type == "alert"' >"$WORK/alerts"
	(($(wc -l <"$WORK/whole") == $(wc -l <"$WORK/alerts")))
	jq -r .packet "$WORK/alerts" | while read -r packet; do
		base64 -d <<<"$packet" | wc -c | grep -qE '^[1-9]'
	done
}

# 1000 ports of one address: an event that calls it a port scan.
port_scan() {
	scan syn -sS --min-rate 1000
	wait_until 15 events '.cloak.class == "port scan" and .cloak.summary and
		.cloak.probes > 900 and .cloak.port_count > 100'
	grep 'more ports (.*TCP SYN scan.*); .* probes in ' "$WORK/stdout"
}

follow() {
	local follower seen=0
	ip netns exec "$(ns lake)" cloakctl --socket "$WORK/control.sock" \
		alerts --follow >"$WORK/followed" &
	follower=$!
	wait_until 5 test -s "$WORK/followed"
	in_ns scanner arping -c 1 -w 1 -S 10.0.9.67 -I eth0 "$LAKE" || true
	wait_until 3 grep "10.0.9.67 .* probed $LAKE" "$WORK/followed" || seen=1
	kill "$follower"
	return "$seen"
}

# By the file that is installed, made to mean this folder: nothing is lost.
rotated() {
	local lines
	sed "s,/var/log/cloaklake,$WORK," "$TOP/xdp/etc/cloaklake.logrotate" \
		>"$WORK/rotation"
	lines=$(wc -l <"$WORK/eve.json")
	logrotate -f -s "$WORK/rotated" "$WORK/rotation"
	(($(wc -l <"$WORK/eve.json.1") >= lines))
	not events '.src_ip == "10.0.9.68"'
	in_ns scanner arping -c 1 -w 1 -S 10.0.9.68 -I eth0 "$LAKE" || true
	wait_until 5 events '.src_ip == "10.0.9.68"'
	not grep '10\.0\.9\.68' "$WORK/eve.json.1"
	cat "$WORK/eve.json.1" >>"$WORK/eve.json"
}

shown() {
	ctl alerts | grep "$SCANNER .* (TCP Xmas scan)"
	events '.event_type == "alert"' >"$WORK/alerts"
	(($(ctl alerts --json | wc -l) == $(wc -l <"$WORK/alerts")))
	ctl sources | grep "^$SCANNER .* xmas"
	ctl sources --json | jq -e ".[] | select(.address == \"$SCANNER\")"
	ctl drops | grep '^in *drop *unauthorised'
	ctl drops --json | jq -e '.[] | select(.reason == "unauthorised")'
	ctl_exits 2 alerts --since yesterday
	[[ -z $(ctl alerts --since 2100-01-01T00:00:00) ]]
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
ktap_run "without a cloak the scanner sees the host" sees scanner
cloakd_start
ktap_run "the peer sees the host" sees peer
ktap_run "a peer raises no alert" test ! -s "$WORK/eve.json"
ktap_run "first alert within a second" first_alert
ktap_run "it says how long the source is shadowed" tells_shadow
ktap_run "hidden but for the peer" hidden
ktap_run "ping" pinged
ktap_run "SYN scan" scan syn -sS -p 22,4420
ktap_run "UDP scan" scan udp -sU -p 53
ktap_run "FIN scan" scan fin -sF -p 22
ktap_run "NULL scan" scan null -sN -p 22
ktap_run "XMAS scan" scan xmas -sX -p 22
ktap_run "ACK scan" scan ack -sA -p 22
ktap_run "a port scan is called so" port_scan
ktap_run "events have the shape of EVE" shape
ktap_run "alerts can be followed" follow
ktap_run "the log is rotated" rotated
ktap_run "alerts, sources and drops are shown" shown
