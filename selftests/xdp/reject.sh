#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Rules that reject, through cloakd: programs of strangers are told at once, in
# native and generic mode, with and without offloads, under a VLAN tag, over
# IPv6 and in the middle of a connection; and cloaked addresses stay silent.
#
# where: host guest
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq socat ethtool nmap /usr/bin/python3

CLOAKED=10.0.9.21
TAGGED=10.0.7.5
LAKE6=fd00:9::5

# policy [ACTION [ADDRESS]]: all of the lake is visible but CLOAKED; its tables
# reject everything but 4420.
policy() {
	local address action=${1:-enforce}
	cloakd_policy "[cloak]" "addresses = [\"$CLOAKED\"]" |
		sed '/^name = "eth0"/a mode = "addresses"\nattach = "'"$MODE"'"'
	for address in ${2:-"$LAKE" "$LAKE6" "$TAGGED"}; do
		cat <<-EOF
			[[table]]
			address = "$address"
			action = "$action"
			default = "drop"
			rule = [
			{protocol = "tcp", destination_port = 4420, verdict = "allow"},
			{direction = "out", protocol = "tcp", source_port = 4420, verdict = "allow"},
			{name = "no", verdict = "reject"}]
		EOF
	done
}

# told ERROR KIND ADDRESS: does the socket of a stranger get that error, soon?
told() {
	in_ns scanner /usr/bin/python3 - "$@" <<-'EOF'
		import errno, socket, sys, time
		error, kind, address = sys.argv[1:]
		family = socket.AF_INET6 if ":" in address else socket.AF_INET
		kind = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
		with socket.socket(family, kind) as s:
		    # Above the first retransmission: this one is to be answered.
		    s.settimeout(0.9)
		    try:
		        s.connect((address, 22))
		        s.send(b"anybody there?")
		        s.recv(1)
		    except OSError as got:
		        name = errno.errorcode.get(got.errno, "no answer")
		        print(kind.name, address, name)
		        sys.exit(name != error)
		sys.exit("no error")
	EOF
}

# seen REASON VERDICT: has this been counted?
seen() {
	ctl drops --all --json | jq -e --arg reason "$1" --arg verdict "$2" \
		'any(.reason == $reason and .verdict == $verdict and .packets > 0)'
}

tells() {
	wait_until 10 told ECONNREFUSED tcp "$LAKE"
	told EHOSTUNREACH udp "$LAKE"
	wait_until 10 told ECONNREFUSED tcp "$LAKE6"
	told EACCES udp "$LAKE6"
	seen reject drop
	seen answer pass
}

# A scanner that computes its own checksums also verifies those it gets.
tells_all() {
	in_ns scanner ethtool -K eth0 tx on
	tells
	in_ns scanner ethtool -K eth0 tx off
	tells
}

# The tag is not in the frame that XDP sees, and is in the answer all the same.
tagged() {
	told ECONNREFUSED tcp "$TAGGED"
	told EHOSTUNREACH udp "$TAGGED"
}

scans() {
	in_ns scanner nmap -n -Pn -sT -p 22,80 "$LAKE" | tee "$WORK/nmap"
	[[ $(grep -c ' closed ' "$WORK/nmap") == 2 ]]
}

# finds [OPTION]...: what a scanner is told about a TCP and a UDP port.
finds() {
	in_ns scanner nmap -n -Pn --send-ip -sSU -p T:22,U:53 --max-retries 1 \
		--reason "$@" |
		tee "$WORK/nmap"
}

# No host answers a wrong checksum, so a firewall that does is found by it.
badsum() {
	local address
	for address in "$LAKE" "-6 $LAKE6"; do
		# shellcheck disable=SC2086 # an option and an address
		finds $address
		grep '22/tcp *closed .* reset' "$WORK/nmap"
		grep '53/udp *filtered .* admin-prohibited' "$WORK/nmap"
		# shellcheck disable=SC2086
		finds --badsum $address
		grep '22/tcp *filtered .* no-response' "$WORK/nmap"
		grep '53/udp *open|filtered .* no-response' "$WORK/nmap"
	done
	seen reject-checksum drop
}

# sends: big segments, with pauses that leave the processor to others.
sends() {
	while head -c 64k /dev/zero; do
		sleep 0.1
	done | in_ns scanner timeout $((60 * ${CLOAK_SLOW:-1})) \
		socat -u - "TCP:$LAKE:4420" 2>"$WORK/socat"
}

cuts_off() {
	in_ns scanner ethtool -K eth0 tx on
	sends &
	local client=$!
	wait_until 10 established
	policy | sed '/destination_port = 4420/d' >"$WORK/shut.toml"
	ctl apply "$WORK/shut.toml"
	not wait "$client"
	cat "$WORK/socat"
	grep 'Connection reset by peer' "$WORK/socat"
	ctl reload
}

established() {
	in_ns lake ss -Htn state established sport = :4420 | grep .
}

monitors() {
	policy monitor >"$WORK/monitor.toml"
	ctl apply "$WORK/monitor.toml"
	in_ns scanner socat -u OPEN:/dev/null "TCP:$LAKE:22,connect-timeout=2"
	seen reject 'would drop'
	ctl reload
}

silent() {
	not told ECONNREFUSED tcp "$CLOAKED"
	policy enforce "$CLOAKED" >"$WORK/bad.toml"
	ctl_exits 4 check "$WORK/bad.toml" |
		grep "expected \"drop\": .* $CLOAKED is there"
}

# Nothing is left at the hook of tc when no rule rejects.
leaves() {
	answers
	policy | sed '/reject/s/.*/]/' >"$WORK/none.toml"
	ctl apply "$WORK/none.toml"
	not answers
	not told ECONNREFUSED tcp "$LAKE"
	ctl reload
	answers
}

answers() { in_ns lake tc filter show dev eth0 ingress | grep cloak_answer; }

# One that was cut off is not told: its other end is rejected, not itself.
stop_servers() { ip netns pids "$(ns lake)" | xargs -r kill; }

# vlan HOST ADDRESS: fails where the kernel has no tags.
vlan() {
	in_ns "$1" ip link add link eth0 name eth0.7 type vlan id 7 || return
	netns_addr "$1" eth0.7 "$2/24"
	in_ns "$1" ip link set eth0.7 up
}

cloak_lab
defer stop_servers
netns_addr lake eth0 "$CLOAKED/24" "$LAKE6/64"
netns_addr scanner eth0 fd00:9::66/64
tags=yes
{ vlan lake "$TAGGED" && vlan scanner 10.0.7.66; } >/dev/null 2>&1 || tags=no
for port in 4420 22; do
	ip netns exec "$(ns lake)" socat -u \
		"TCP-LISTEN:$port,fork,reuseaddr" OPEN:/dev/null &
done
for MODE in native generic; do
	policy >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$MODE: who is rejected is told at once" tells_all
	if [[ $tags == yes ]]; then
		ktap_run "$MODE: under a VLAN tag" tagged
	else
		ktap_skip "$MODE: under a VLAN tag" "this kernel has no 802.1Q"
	fi
	ktap_run "$MODE: in the middle of a connection" cuts_off
	ktap_run "$MODE: nothing about a cloaked address" silent
	if [[ $MODE == native ]]; then
		ktap_run "a scanner finds closed ports" scans
		ktap_run "a wrong checksum finds nothing" badsum
		ktap_run "a table that only watches" monitors
		ktap_run "the filter for answers goes with the rules" leaves
	fi
	cloakd_lift
done
