#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whoever was caught is shadowed: his flows are told in EVE and by cloakctl, his
# packets are kept as pcapng which tshark reads without a word of complaint, and
# a decoy lets him in and says so.
#
# where: host
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands nmap jq tshark socat

# A flow has to be there when it is looked at, also where that takes longer.
idle=${idle:-5}
patience=$((idle + 60))

# The scanner has the MAC, else he would not get beyond ARP.
knows_mac() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
}

# scan PORTS: SYN scan of a few ports.
scan() {
	in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0 -sS \
		-p "$1" "$LAKE" >"$WORK/nmap"
}

# shadows FILTER: is somebody shadowed for whom the jq expression holds?
shadows() { ctl shadow list --json | jq -e "any(.[]; $1)" >/dev/null; }

shadowed() {
	not shadows true
	scan 22,80,443
	shadows ".source == \"$SCANNER\" and .causes == [\"probe\"] and
		.packets_in == 3 and .unfiled == 0"
	ctl shadow | grep "^$SCANNER *probe "
}

flows_shown() {
	ctl flows | grep "^TCP *$SCANNER:.* $LAKE:443 .* drop .* unauthorised"
	[[ $(ctl flows --json | jq -s length) == 3 ]]
	[[ $(ctl flows --top 2 --json | jq -s length) == 2 ]]
	[[ $(ctl flows --top --json | jq -s length) == 3 ]]
	[[ -z $(ctl flows --source 10.0.9.1 --json) ]]
	ctl_exits 2 flows --source nobody
}

no_flows() { [[ -z $(ctl flows --json) ]]; }

# They are closed when idle, and then told of as EVE events.
flows_told() {
	wait_until "$patience" events '.event_type == "flow" and .dest_port == 443 and
		.flow.pkts_toserver == 1 and .flow.pkts_toclient == 0 and
		.cloak.verdict == "drop" and .cloak.end == "idle" and
		.cloak.reasons.in == "unauthorised" and .tcp.syn'
	wait_until "$patience" no_flows
}

# Not a frame of the peer is accounted, nor kept.
peer_is_not() {
	sees peer
	not shadows ".source == \"$PEER\""
	[[ ! -e $WORK/eve.json ]] || not events ".src_ip == \"$PEER\""
}

# has_packets FILE N: at least so many.
has_packets() { (($(tshark -r "$1" 2>/dev/null | wc -l) >= $2)); }

# All packets of the scanner, with their reason, in nanoseconds.
evidence() {
	local file=$WORK/evidence/evidence-00000001.pcapng
	wait_until 30 test -s "$file"
	wait_until 30 has_packets "$file" 3
	tshark -n -r "$file" -Y "tcp.dstport == 443 && frame.comment contains
		\"drop: unauthorised\" && frame.comment contains \"probe\" &&
		frame.interface_name == eth0" >"$WORK/tshark" 2>"$WORK/said"
	cat "$WORK/tshark" "$WORK/said"
	grep "$SCANNER" "$WORK/tshark"
	not grep -vF 'Running as user "root"' "$WORK/said"
	capinfos "$file" | grep -i 'time precision.*nanoseconds'
}

added_and_dropped() {
	local until
	ctl shadow add 10.0.9.77 --for 5m
	ctl shadow | grep '^10.0.9.77 *manual '
	# Less is asked for than it has: it says what it has.
	until=$(ctl shadow list --json |
		jq -er '.[] | select(.source == "10.0.9.77").until[:19]')
	ctl shadow add 10.0.9.77 --for 1s --json |
		jq -e ".until[:19] == \"$until\""
	ctl shadow add 10.0.9.77 --for 1s | grep '^10.0.9.77 is shadowed until '
	ctl shadow drop 10.0.9.77
	not shadows '.source == "10.0.9.77"'
	ctl_exits 1 shadow drop 10.0.9.77
	ctl_exits 2 shadow add nobody
	ctl_exits 2 shadow add 10.0.9.77 --for ever
}

# A shadowed peer is accounted both ways, and sees the host as ever.
peer_shadowed() {
	ctl shadow add "$PEER" --for 1m
	sees peer
	ctl flows --source "$PEER" --json | jq -e 'select(.proto == "ICMP" and
		.flow.pkts_toserver == 1 and .flow.pkts_toclient == 1 and
		.cloak.verdict == "pass")'
	ctl shadow drop "$PEER"
	wait_until 30 events ".event_type == \"flow\" and .proto == \"ICMP\" and
		.src_ip == \"$PEER\" and .cloak.end == \"forced\""
}

# has FILE FILTER: a JSON event there for which the expression holds.
has() { jq -e -n "any(inputs; $2)" "$1"; }

# flow_ends COMMAND...: a flow of the peer ends at once; is that told?
flow_ends() {
	ctl shadow add "$PEER" --for 5m
	sees peer
	ctl shadow drop "$PEER"
	"$@"
}

# Who follows sees each flow that ends from then on, until the daemon ends.
followed() {
	ip netns exec "$(ns lake)" cloakctl --socket "$WORK/control.sock" \
		flows --follow >"$WORK/followed" 2>&1 &
	ip netns exec "$(ns lake)" cloakctl --socket "$WORK/control.sock" \
		flows --follow --json --source "$PEER" \
		>"$WORK/followed.json" 2>"$WORK/followed.errors" &
	wait_until 30 flow_ends grep \
		"^ICMP  $PEER  $LAKE  1/1  .*  pass  .*  forced\$" \
		"$WORK/followed"
	wait_until 30 flow_ends has "$WORK/followed.json" '
		.event_type == "flow" and .proto == "ICMP" and
		.flow.pkts_toclient == 1 and .cloak.end == "forced"'
	not has "$WORK/followed.json" ".src_ip != \"$PEER\" and
		.dest_ip != \"$PEER\""
}

listens() { in_ns lake ss -ltn | grep :2323; }

# The decoy answers the scanner; other ports of it do not.
decoy() {
	in_ns scanner ip neigh flush dev eth0 nud permanent
	in_ns scanner ip neigh flush dev eth0
	in_ns lake socat -t 30 TCP-LISTEN:2323,fork,reuseaddr SYSTEM:'echo login' \
		>/dev/null 2>&1 &
	defer kill $!
	wait_until 30 listens
	[[ $(in_ns scanner socat -t 30 - "TCP:$LAKE:2323,connect-timeout=30" \
		</dev/null) == login ]]
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE"
	wait_until 30 events '.event_type == "alert" and .cloak.reason == "decoy"
		and .alert.action == "allowed"'
	ctl shadow | grep "^$SCANNER *.*decoy"
	wait_until "$patience" events '.event_type == "flow" and .cloak.decoy and
		.dest_port == 2323 and .cloak.verdict == "pass" and
		.flow.pkts_toclient > 0'
}

# What was counted is what was filed and kept, and what was not.
sums() {
	ctl status --json | jq -e '.accounting |
		.packets == .filed + .full + .over_budget and
		.shadowed == .copied + .unwanted + .limited + .failed and
		.packets > 0 and .copied > 0'
	ctl status --json | jq -e '(.watch.evidence.written +
		.watch.evidence.failed) <= .accounting.copied'
	ctl status --json | jq -e '.events |
		.probes == .sent + .suppressed + .rate_limited + .failed'
}

evidence_failed() {
	ctl status --json | jq -e '.watch.evidence.failed > 0'
}

# A disk that is full: counted and said once, and the daemon goes on.
disk_full() {
	sed "s|^folder = .*|folder = \"$WORK/small/e\"|" "$WORK/policy.toml" \
		>"$WORK/small.toml"
	ctl apply "$WORK/small.toml"
	scan 1-200
	wait_until 30 evidence_failed
	[[ $(grep -c 'cannot write evidence' "$WORK/stderr") == 1 ]]
	tshark -r "$WORK/small/e/evidence-00000001.pcapng" >"$WORK/tshark" 2>&1
	not grep -i 'cut short\|damaged\|malformed' "$WORK/tshark"
	ctl reload
}

# Everything for a while: the time of a shadow is over.
expires() {
	ctl shadow add 10.0.9.78 --for 1s
	wait_until 30 not shadows '.source == "10.0.9.78"'
}

cloak_lab
mkdir "$WORK/small"
mount -t tmpfs -o size=16k tmpfs "$WORK/small"
defer umount "$WORK/small"
cloakd_policy '[flows]' "idle = \"${idle}s\"" '[[decoy]]' \
	"address = \"$LAKE\"" 'ports = [2323]' >"$WORK/policy.toml"
cloakd_start
ktap_run "a peer raises no shadow" peer_is_not
knows_mac
ktap_run "a prober is shadowed" shadowed
ktap_run "his flows are shown" flows_shown
ktap_run "his packets are kept" evidence
ktap_run "his flows are told of when they end" flows_told
ktap_run "shadows by hand" added_and_dropped
ktap_run "a shadowed peer is accounted both ways" peer_shadowed
ktap_run "flows are told to who follows" followed
ktap_run "a decoy lets in and tells" decoy
ktap_run "a shadow ends" expires
ktap_run "a full disk holds nobody up" disk_full
ktap_run "counts add up" sums
