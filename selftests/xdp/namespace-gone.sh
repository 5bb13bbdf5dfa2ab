#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Network namespaces go away: a peer's, that of an interface which was moved
# there, and that of the host itself, while the daemon runs in it. Nobody sees
# the host because of that, the daemon goes on, and who comes anew is served or
# cloaked as before.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping jq nsenter

# attach_host NAME ADDRESS: as the lab has done it, for one that comes anew.
attach_host() {
	netns_attach "$1" eth0 wire br0
	netns_addr "$1" eth0 "$2/24"
}

# gone NAME: the namespace and its end of the cable.
gone() {
	ip netns del "$(ns "$1")"
	wait_while 10 in_ns wire ip link show "p-$1-eth0"
}

# again NAME ADDRESS
again() {
	ip netns add "$(ns "$1")"
	in_ns "$1" ip link set lo up
	attach_host "$1" "$2"
}

# alive: the same daemon, and it answers.
alive() {
	kill -0 "$CLOAKD"
	ctl status --json | jq -e '.interfaces[0].attached == "native"'
}

peer_gone() {
	gone peer
	not sees scanner
	alive
	again peer "$PEER"
	hidden
}

# present VALUE: is the second interface here, as far as the daemon knows?
present() {
	ctl status --json |
		jq -e ".interfaces[1].present == $1 and
		(.interfaces[1].attached == \"native\") == $1"
}

moved_away() {
	netns_attach lake eth1 wire br0
	wait_until 10 present true
	netns_new room
	in_ns lake ip link set eth1 netns "$(ns room)"
	wait_until 10 present false
	alive
	ip netns del "$(ns room)"
	wait_while 10 in_ns wire ip link show p-lake-eth1
	alive
	hidden
	netns_attach lake eth1 wire br0
	wait_until 10 present true
	in_ns lake ip link del eth1
	wait_until 10 present false
}

# number_taken: nobody looks while it goes, and one comes that has its number.
number_taken() {
	local index
	netns_attach lake eth1 wire br0
	wait_until 10 present true
	index=$(in_ns lake cat /sys/class/net/eth1/ifindex)
	cloakd_kill KILL
	netns_new attic
	in_ns lake ip link set eth1 netns "$(ns attic)"
	in_ns lake ip link add eth1 index "$index" type veth peer name dum1
	cloakd_start
	present true
	in_ns lake ip link show eth1 | grep 'prog/xdp'
	not eval "in_ns attic ip link show eth1 | grep 'prog/xdp'"
	ip netns del "$(ns attic)"
	wait_while 10 in_ns wire ip link show p-lake-eth1
	in_ns lake ip link del eth1
	wait_until 10 present false
	hidden
}

# another: with the same pins, and an interface with the same number.
another() {
	local index
	index=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	cloakd_kill KILL
	netns_new annex
	in_ns annex ip link add eth0 index "$index" type veth \
		peer name dum2 index $((index + 100))
	not in_ns annex cloakctl --socket "$WORK/none.sock" \
		--pin-dir "$WORK/bpf/cloak" on -i eth0 2>"$WORK/said"
	cat "$WORK/said"
	grep 'cloak of another network namespace' "$WORK/said"
	hidden
	cloakd_start
	alive
	ip netns del "$(ns annex)"
}

# inside COMMAND...: in the namespace of the daemon, which has no name any more.
inside() { nsenter --net="/proc/$CLOAKD/ns/net" -- "$@"; }

control() {
	cloakctl --socket "$WORK/control.sock" --pin-dir "$WORK/bpf/cloak" "$@"
}

# The daemon keeps it alive, and so does the cloak.
nameless() {
	ip netns del "$(ns lake)"
	kill -0 "$CLOAKD"
	control status --json |
		jq -e '.interfaces[0].attached == "native"'
	in_ns peer ip neigh flush dev eth0
	in_ns scanner ip neigh flush dev eth0
	inside ip neigh flush dev eth0
	in_ns peer ping -n -q -c 1 -W 2 "$LAKE"
	not in_ns scanner arping -c 1 -w 1 -I eth0 "$LAKE"
}

# With the daemon the last process has left it.
ends() {
	cloakd_kill TERM
	wait_while 10 in_ns wire ip link show p-lake-eth0
	not grep -iE 'terminate|abort|assert|sanitizer' "$WORK/stderr"
}

# In a namespace that comes later, with the pins of the one that has gone.
comes_again() {
	again lake "$LAKE"
	sees scanner
	cloakd_start
	alive
	hidden
}

cloak_lab
cloakd_policy '[[interface]]' 'name = "eth1"' >"$WORK/policy.toml"
cloakd_start
ktap_run "hidden" hidden
ktap_run "a peer's namespace goes and comes" peer_gone
ktap_run "an interface goes with the namespace it was moved to" moved_away
ktap_run "one that has its number is cloaked" number_taken
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "another one cannot have its pins" another
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "the host's own loses its name" nameless
ktap_run "and ends with the daemon" ends
ktap_run "the next one is cloaked again" comes_again
