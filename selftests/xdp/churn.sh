#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# While a peer pings without a pause and a stranger probes, everything changes that
# can: the interface is renamed, addresses come, an interface appears that a pattern
# covers, the daemon is stopped, started, killed and started again. Not one frame
# goes to anybody but the peer meanwhile, as seen at the other end of each cable, and
# where the link stays up the peer misses nothing.
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
ktap_need_commands arping jq nmap socat tcpdump

# What comes on the way: one more address of each family, and one more interface,
# with a wire of its own.
ADDED=192.0.2.6
ADDED6=2001:db8::6
NEW=198.51.100.7
OTHERS="not ether dst $PEER_MAC"

# once COMMAND...: a look of the stranger, of no interest to himself.
once() { in_ns scanner "$@" >/dev/null 2>&1 & }

# stranger: probes until he is stopped, knowing the MAC and asking for it.
stranger() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 lladdr "$LAKE_MAC"
	in_ns scanner ip neigh replace "$LAKE6" dev eth0 lladdr "$LAKE_MAC"
	until [[ -e $WORK/stop ]]; do
		once arping -c 3 -w 0.5 -i eth0 "$LAKE"
		once arping -c 3 -w 0.5 -i eth0 "$ADDED"
		once arping -c 3 -w 0.5 -i eth1 "$NEW"
		once ping -n -i 0.05 -c 8 -W 0.2 "$LAKE"
		once ping -n -i 0.05 -c 8 -W 0.2 "$LAKE6"
		once ping -n -c 1 -W 0.2 "$ADDED6"
		once ping -n -c 1 -W 0.2 ff02::1%eth0
		once nmap -n -Pn --disable-arp-ping --max-retries 0 -sS \
			-p 1-100 --max-rtt-timeout 100ms "$LAKE"
		wait
	done
	in_ns scanner ip neigh flush dev eth0 nud permanent
}

# pings ADDRESS: of the peer, until they are stopped.
pings() {
	ip netns exec "$(ns peer)" ping -n -q -i 0.01 -W 1 "$1" \
		>"$WORK/pings.$1" 2>&1 &
	PINGS+=($!)
}

# missed ADDRESS: how many pings had no answer. The last one may have none yet when
# they are stopped.
missed() {
	awk '/transmitted/ { print $1 - $4 }' "$WORK/pings.$1"
}

# churned COMMAND...: nobody else hears anything while it runs.
churned() {
	local status
	PINGS=()
	rm -f "$WORK/stop"
	frames_begin p-lake-eth0 "$OTHERS"
	pings "$LAKE"
	pings "$LAKE6"
	stranger &
	set +e
	(
		set -e
		"$@"
	)
	status=$?
	set -e
	: >"$WORK/stop"
	wait $!
	kill -INT "${PINGS[@]}"
	wait "${PINGS[@]}" || true
	frames_end p-lake-eth0 eth0
	((status == 0)) || { echo "status $status of: $*"; return 1; }
	frames_none
}

# without_loss COMMAND...: nor does the peer miss anything.
without_loss() {
	local address
	churned "$@"
	for address in "$LAKE" "$LAKE6"; do
		grep transmitted "$WORK/pings.$address"
		(($(missed "$address") <= 1))
	done
}

peer_pings() { in_ns peer ping -n -q -c 1 -W 1 "$1"; }

# comes_up NAME: as that. A link-local address goes with the link.
comes_up() {
	in_ns lake ip link set "$1" up
	in_ns lake ip addr add fe80::5/64 dev "$1"
	wait_until 10 peer_pings "$LAKE"
	wait_until 10 peer_pings "$LAKE6"
}

renamed() {
	in_ns lake ip link set eth0 down
	in_ns lake ip link set eth0 name lan0
	comes_up lan0
	in_ns lake ip link set lan0 down
	in_ns lake ip link set lan0 name eth0
	comes_up eth0
}

# added: whoever asks for them is told, if he is the peer.
added() {
	in_ns lake ip addr add "$ADDED/24" dev eth0
	in_ns lake ip addr add "$ADDED6/64" dev eth0
	wait_until 10 settled
	wait_until 10 peer_pings "$ADDED"
	wait_until 10 peer_pings "$ADDED6"
	in_ns lake ip addr del "$ADDED/24" dev eth0
	in_ns lake ip addr del "$ADDED6/64" dev eth0
}

# cloaked NAME
cloaked() {
	ctl status --json | jq -e --arg name "$1" --arg mode "$MODE" \
		'.interfaces[] | select(.name == $name) |
			.attached == $mode and .egress'
}

# told_itself NAME: it has an address of each family, which nobody else has.
told_itself() {
	in_ns lake ip -6 addr show dev "$1" scope link | grep inet6 |
		grep -v tentative
}

# appears: made down, and set up when it is cloaked.
appears() {
	ip link add eth1 netns "$(ns lake)" type veth \
		peer name p-lake-eth1 netns "$(ns wire)"
	in_ns wire ip link set p-lake-eth1 master br1 up
	frames_begin p-lake-eth1 "$OTHERS"
	wait_until 10 cloaked eth1
	in_ns lake sysctl -qw net.ipv4.conf.eth1.arp_notify=1 \
		net.ipv6.conf.eth1.ndisc_notify=1
	in_ns lake ip addr add "$NEW/24" dev eth1
	in_ns lake ip link set eth1 up
	wait_until 10 told_itself eth1
	frames_end p-lake-eth1 eth1
	in_ns lake ip link del eth1
	frames_none
}

# by_turns: the one that runs is ended in the one way and then in the other.
by_turns() {
	cloakd_kill TERM
	cloakd_start
	CLOAKD=$(<"$WORK/cloakd.pid")
	cloakd_kill KILL
	cloakd_start
}

# other_policy: the usual one with a table that takes some time to compile.
other_policy() {
	cat "$WORK/policy.toml"
	printf '[[table]]\naddress = "%s"\ndefault = "allow"\n' "$LAKE"
	awk 'BEGIN {
		print "rule = ["
		for (i = 0; i < 3000; i++)
			printf "{name = \"r%d\", verdict = \"drop\", " \
				"source = \"10.%d.%d.0/24\", protocol = \"tcp\", " \
				"destination_port = %d},\n",
				i, i / 250, i % 250, 5000 + i
		print "]"
	}'
}

# ends_at_any_moment: of the next half of a second, by chance.
ends_at_any_moment() {
	sleep "0.$(printf '%03d' $((RANDOM % 500)))"
	cloakd_kill KILL
}

# cut_short: the daemon is killed in the middle of a start and in that of a change.
# What the next one finds is a whole policy, the one or the other.
cut_short() {
	local i
	other_policy >"$WORK/other.toml"
	CLOAKD=$(<"$WORK/cloakd.pid")
	for i in {1..6}; do
		cloakd_kill KILL
		cloakd_run
		ends_at_any_moment
		cloakd_start
		ctl apply "$WORK/other.toml" >"$WORK/applied" 2>&1 &
		ends_at_any_moment
		wait $! || true
		cloakd_start
	done
	cloaked eth0
	ctl status --json | jq -e '.policy.rules == 0'
	ctl apply "$WORK/other.toml"
	ctl status --json | jq -e '.policy.rules == 3000'
}

heard_when_bare() {
	not churned renamed >"$WORK/said"
	grep -m 3 ' > ff:ff:ff:ff:ff:ff' "$WORK/frames"
	grep -m 3 " > 02:00:00:00:00:42, .*Flags \[[SR]" "$WORK/frames"
}

mode() {
	MODE=$1
	policy "$MODE" | sed 's/^name = "eth0"/name = "eth*"/' \
		>"$WORK/policy.toml"
	cloakd_start
	ktap_run "$MODE: attached" cloaked eth0
	ktap_run "$MODE: the interface is renamed" churned renamed
	ktap_run "$MODE: addresses come and go" without_loss added
	ktap_run "$MODE: an interface comes and goes" without_loss appears
	ktap_run "$MODE: the daemon is stopped and started, killed and started" \
		without_loss by_turns
	[[ $MODE != native ]] || ktap_run "$MODE: the daemon is cut short" \
		without_loss cut_short
	cloakd_lift
}

wire_lab
netns_bridge wire br1
netns_attach scanner eth1 wire br1
netns_addr scanner eth1 198.51.100.66/24
ktap_run "the bare host is heard" heard_when_bare
mode native
mode generic
