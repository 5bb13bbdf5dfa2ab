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
ktap_need_commands tcpdump nmap masscan socat
ktap_need "build/xdp/tests/probe (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/probe"

# The hosts of the composed frames, xdp/tests/harness/hosts.h.
LAKE=192.0.2.5
PEER=192.0.2.10
SCANNER=192.0.2.66
LAKE6=2001:db8::5
LAKE_MAC=02:00:00:00:00:05
PEER_MAC=02:00:00:00:00:0a
PORT=4420
# Generated frames in a burst, on top of the composed ones.
FRAMES=1000

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

# policy MODE: the peer is known by its MAC, too, so that forging its
# addresses is of no use.
policy() {
	cat <<-EOF
		[output]
		text = false
		eve = ""

		[[interface]]
		name = "eth0"
		attach = "$1"

		[[peers]]
		name = "initiators"
		prefixes = ["$PEER", "2001:db8::10", "fe80::10"]
		macs = ["$PEER_MAC"]
	EOF
}

# capture FILE: from now on, what comes out of the lake but to the peer.
capture() {
	ip netns exec "$(ns wire)" tcpdump -i p-lake-eth0 -Q in -n -e -l \
		--immediate-mode "not ether dst $PEER_MAC" \
		>"$1" 2>"$1.err" &
	TCPDUMP=$!
	wait_until 10 grep -q 'listening on' "$1.err"
}

capture_end() {
	kill -INT "$TCPDUMP"
	wait "$TCPDUMP" || true
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
		ping -n -q -c 1 -W 5 "$1"
		ping -n -q -c 1 -W 5 "$2"
		for address in "$1" "$2"; do
			exec 3<>"/dev/tcp/$address/$3"
			echo hello >&3
			read -r -t 5 -u 3 echo
			[[ $echo == hello ]]
		done' served "$LAKE" "$LAKE6" "$PORT" >"$WORK/served" 2>&1
}

# silent COMMAND...: nobody hears anything while it runs.
silent() {
	"$@"
	[[ ! -s $WORK/wire ]] || { head -n 20 "$WORK/wire"; return 1; }
}

# served_while COMMAND...: the peer is, all that time, without a gap.
served_while() {
	local pid rounds=0
	"$@" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null || ((rounds == 0)); do
		served || { cat "$WORK/served"; return 1; }
		rounds=$((rounds + 1))
	done
	echo "$rounds times by ping and TCP"
	wait "$pid"
}

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

flap() {
	in_ns lake ip link set eth0 down
	in_ns lake ip link set eth0 up
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

cloak_lab
in_ns wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1
in_ns wire ip link set br0 type bridge mcast_snooping 0
host lake "$LAKE_MAC" 5
host peer "$PEER_MAC" 10
host scanner 02:00:00:00:00:42 66
talkative
wait_until 10 settled
ktap_run "served: bare" wait_until 20 served
capture "$WORK/wire"
ktap_run "the bare host answers" seen_when_bare
ktap_run "scanners find the bare host" scanned_when_bare
ktap_run "the bare host speaks when the link flaps" heard_when_bare
capture_end
mode native
mode generic
ktap_run "the bare host answers again" not probe all 0 1
