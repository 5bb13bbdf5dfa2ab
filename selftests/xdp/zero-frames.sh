#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The invariant, on a wire: whatever a stranger sends, no frame leaves the
# cloaked host because of it, and none of its own accord; natively and in the
# stack, while the policy is replaced, when the daemon was killed, while the
# link flaps. Authorised peers notice nothing, IPv4 and IPv6, ARP and NDP.
#
# What comes out of the host is seen by tcpdump at the other end of its cable;
# all but unicast to the authorised peer counts. The prober counts once more
# what arrives at the scanner.
#
# One processor: an emulated second one may run into a breakpoint that the
# kernel has set, and taken away again, to patch code that packets run through.
#
# where: guest
# cpus: 1
# timeout: 600
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands tcpdump nmap masscan socat
ktap_need "build/xdp/tests/probe (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/probe"

# Generated frames in a burst, on top of the composed ones.
FRAMES=1000

# while_doing CHANGE COMMAND...: the change again and again meanwhile.
while_doing() {
	local change=$1 pid times=0
	shift
	"$@" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		"$change"
		times=$((times + 1))
	done
	echo "$times times $change"
	((times > 1))
	wait "$pid"
}

reload_and_flap() {
	ctl reload >/dev/null
	flap
}

# scans: by tools that know the host's MAC, or ask for it.
scans() {
	local nmap=(in_ns scanner nmap -n --disable-arp-ping --max-retries 0
		--min-rate 500 --host-timeout 20)
	in_ns scanner ip neigh replace "$LAKE" dev eth0 lladdr "$LAKE_MAC"
	in_ns scanner ip neigh replace "$LAKE6" dev eth0 lladdr "$LAKE_MAC"
	in_ns scanner nmap -n -sn -PR --max-retries 0 "$LAKE"
	"${nmap[@]}" -Pn -sS -sU -p "T:1-100,$PORT,U:1-20" "$LAKE"
	"${nmap[@]}" -Pn -sO -p 1-40 "$LAKE"
	"${nmap[@]}" -6 -Pn -sS -p "1-20,$PORT" "$LAKE6"
	in_ns scanner masscan "$LAKE" -p "1-200,$PORT" --rate 1000 --wait 1 \
		--interface eth0 --adapter-ip "$SCANNER" \
		--adapter-mac 02:00:00:00:00:42 --router-mac "$LAKE_MAC" \
		2>"$WORK/masscan.err"
	in_ns scanner ip neigh flush dev eth0 nud permanent
}

# scans_find_nothing
scans_find_nothing() {
	scans >"$WORK/scans"
	not grep -iE '(open|closed|unfiltered)( |$)|^Discovered|Host is up \(' \
		"$WORK/scans"
}

# Without the cloak the same means must find the host, or prove nothing.
seen_when_bare() {
	local answered
	probe each >"$WORK/bare" && return 1
	answered=$(grep -c '^answered ' "$WORK/bare")
	note "$answered kinds of probe are answered by the bare host"
	((answered >= 50))
}

# masscan may listen only after its first probes have been answered.
both_found() {
	scans >"$WORK/scans" &&
		grep -E "^$PORT/tcp +open" "$WORK/scans" &&
		grep "Discovered open port $PORT/tcp" "$WORK/scans"
}

scanned_when_bare() { wait_until 60 both_found; }

heard_when_bare() {
	: >"$WORK/wire"
	flap
	wait_until 10 settled
	wait_until 5 grep -q ' > 33:33:' "$WORK/wire"
	wait_until 5 grep -q ' > ff:ff:ff:ff:ff:ff' "$WORK/wire"
}

# mode MODE: one round of all that may not be seen.
mode() {
	policy "$1" >"$WORK/policy.toml"
	cloakd_start
	ktap_run "attached: $1" eval \
		"ctl status --json | jq -e '.interfaces[0].attached == \"$1\"'"
	capture "$WORK/wire"
	ktap_run "probes: $1" silent served_while probe all "$FRAMES" "$RANDOM"
	ktap_run "probes with the peer's addresses: $1" silent probe forged
	ktap_run "nmap and masscan: $1" silent served_while scans_find_nothing
	ktap_run "policy replaced and link flaps meanwhile: $1" silent \
		while_doing reload_and_flap probe all "$FRAMES" "$RANDOM"
	cloakd_kill KILL
	ktap_run "without the daemon: $1" \
		silent served_while probe all "$FRAMES" "$RANDOM"
	ktap_run "without the daemon, the link flaps: $1" \
		silent while_doing flap probe all "$FRAMES" "$RANDOM"
	ktap_run "the peer is served after all: $1" silent wait_until 20 served
	capture_end
	ktap_run "off: $1" ctl off
}

wire_lab
ktap_run "served: bare" wait_until 20 served
capture "$WORK/wire"
ktap_run "the bare host answers" seen_when_bare
ktap_run "scanners find the bare host" scanned_when_bare
ktap_run "the bare host speaks when the link flaps" heard_when_bare
capture_end some
mode native
mode generic
ktap_run "the bare host answers again" not probe all 0 1
