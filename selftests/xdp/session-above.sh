#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A session by an address of a VLAN, a bridge or a bond goes through the interface
# below, and is not cut where that one is cloaked.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/logins.sh"
ktap_need_commands jq socat ss

vlan() {
	local host
	for host in lake scanner; do
		in_ns "$host" ip link add vlan7 link eth0 type vlan id 7
		in_ns "$host" ip link set vlan7 up
	done
	netns_addr lake vlan7 10.0.7.5/24
	netns_addr scanner vlan7 10.0.7.66/24
	keeps 40030 10.0.7.5 10.0.7.66 eth0
}

# master_of DEVICE TYPE: eth1 of the lake becomes a port of a new device, which gets
# the address.
master_of() {
	local device=$1
	shift
	in_ns lake ip link add "$device" type "$@"
	in_ns lake ip link set eth1 down
	in_ns lake ip addr flush dev eth1
	in_ns lake ip link set eth1 master "$device"
	in_ns lake ip link set eth1 up
	in_ns lake ip link set "$device" up
	netns_addr lake "$device" 10.0.8.5/24
	# A new device has its carrier late, and who asked too early is refused.
	wait_until 20 in_ns scanner ping -n -q -c 1 -W 1 10.0.8.5
}

# keeps PORT HERE THERE CLOAKED: who is logged in there keeps his session.
keeps() {
	local said="cut the login session from $3 port $1 to $2 port 2222: \
$3 is not authorised, and $4 is cloaked"
	stay_from "$1" "$2"
	ctl_exits 1 apply "$WORK/closed-$4.toml" | grep "$said"
	ctl status --json | jq -e ".policy.source == \"$WORK/policy.toml\""
	leave_from "$1"
	ctl apply "$WORK/closed-$4.toml"
	# It would have been cut.
	in_ns lake ip neigh flush all
	not in_ns scanner ping -n -q -c 1 -W 2 "$2"
	ctl apply "$WORK/policy.toml"
	in_ns scanner ping -n -q -c 3 -W 2 "$2"
}

bridge() {
	master_of br8 bridge
	keeps 40031 10.0.8.5 10.0.8.66 eth1
}

# Another port of the bridge is cloaked already, by which the session does not go.
other_port() {
	in_ns lake ip link set eth2 master br8 up
	ctl apply --cut-my-session "$WORK/closed-eth2.toml"
	stay_from 40033 10.0.8.5
	ctl apply "$WORK/closed-eth2.toml"
	ctl_exits 1 apply "$WORK/closed-both.toml" |
		grep 'cut the login session .*, and eth1 is cloaked'
	leave_from 40033
	ctl apply "$WORK/policy.toml"
	in_ns lake ip link del br8
}

bond() {
	master_of bond8 bond mode active-backup
	keeps 40032 10.0.8.5 10.0.8.66 eth1
	in_ns lake ip link del bond8
}

# run_with NAME OPTION...: the same by such a device, if the kernel has any.
run_with() {
	local name=$1
	shift
	if in_ns lake ip link add probe "$@" 2>/dev/null; then
		in_ns lake ip link del probe
		ktap_run "by a $name" "$name"
	else
		ktap_skip "by a $name" "the kernel has no $name"
	fi
}

cloak_lab
netns_link lake eth1 scanner eth1
netns_link lake eth2 scanner eth2
netns_addr scanner eth1 10.0.8.66/24
cloakd_policy '[cloak]' 'logins = [2222]' >"$WORK/closed-eth0.toml"
for port in eth1 eth2; do
	sed "s/^name = \"eth0\"/name = \"$port\"/" "$WORK/closed-eth0.toml" \
		>"$WORK/closed-$port.toml"
done
{
	cat "$WORK/closed-eth1.toml"
	printf '[[interface]]\nname = "eth2"\n'
} >"$WORK/closed-both.toml"
cloakd_policy '[[peers]]' 'name = "all"' 'prefixes = ["10.0.0.0/16"]' \
	>"$WORK/policy.toml"
cloakd_start
log_in
ktap_run "a session by a bridge" bridge
ktap_run "a session by one port, and another is cloaked" other_port
run_with vlan link eth0 type vlan id 9
run_with bond type bond
