#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The cloak outlives the daemon: killed, stopped, restarted, it stays; only
# "cloakctl off" lifts it, with a daemon and without.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq

packets() {
	ctl drops --json | jq '[.[] | select(.verdict == "drop").packets] | add'
}

# While the daemon is replaced, a scanner that never stops gets no answer.
# Leaves the process id of the new one in WORK/pid.
no_gap() {
	local ping before
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	ip netns exec "$(ns scanner)" ping -n -q -i 0.02 "$LAKE" \
		>"$WORK/ping" &
	ping=$!
	before=$(packets)
	cloakd_kill KILL
	cloakd_start
	kill -INT "$ping"
	wait "$ping" || true
	in_ns scanner ip neigh del "$LAKE" dev eth0
	grep ' 0 received' "$WORK/ping"
	echo "$CLOAKD" >"$WORK/pid"
	(($(packets) >= before)) || { echo "the counters began anew"; return 1; }
	hidden
}

# Who came while no daemon ran, and who goes on, is told by the next one.
made_up_for() {
	wait_until 15 eval 'ctl alerts | grep "^.* 10.0.9.67 (.*) "'
	not in_ns scanner arping -c 1 -w 1 -I eth0 "$LAKE"
	wait_until 15 eval "ctl alerts | grep '^.* $SCANNER (.*) '"
}

told_without_daemon() {
	ctl_exits 3 status
	ctl_exits 3 alerts
	ctl drops | grep -E '^in +drop'
}

renamed() {
	in_ns lake ip link set eth0 down
	in_ns lake ip link set eth0 name lan0
	in_ns lake ip link set lan0 up
	ctl status
	ctl status --json | jq -e '.interfaces[0].attached != "no"'
	in_ns scanner ip neigh flush dev eth0
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE"
	in_ns lake ip link set lan0 down
	in_ns lake ip link set lan0 name eth0
	in_ns lake ip link set eth0 up
	hidden
}

comes_and_goes() {
	netns_attach lake eth1 wire br0
	wait_until 5 eval \
		'ctl status --json | jq -e ".interfaces[1].attached == \"native\""'
	in_ns lake ip link del eth1
	wait_until 5 eval \
		'ctl status --json | jq -e ".interfaces[1].present == false"'
	hidden
}

# address_added: one that comes later is the interface's own, hidden as well.
address_added() {
	in_ns lake ip addr add 10.0.9.6/24 dev eth0
	not in_ns scanner arping -c 1 -w 1 -I eth0 10.0.9.6
	in_ns peer arping -c 1 -w 1 -I eth0 10.0.9.6
	in_ns lake ip addr del 10.0.9.6/24 dev eth0
}

pins() { (cd "$WORK/bpf/cloak" && find . | sort); }

# all_pinned: as before the first mount.
all_pinned() { pins | diff - "$WORK/pins"; }

# complains TEXT: the daemon has said so since quiet() was called.
quiet() { : >"$WORK/stderr"; }
complains() { wait_until 10 grep "$1" "$WORK/stderr"; }

# mounted_anew: a BPF file system without a pin in the place of the former.
mounted_anew() {
	pins >"$WORK/pins"
	quiet
	not umount "$WORK/bpf"
	umount --lazy "$WORK/bpf"
	hidden
	mount -t bpf bpf "$WORK/bpf"
	hidden
	complains 'was mounted anew'
	all_pinned
}

# mounted_over: the former one is still there, below, and seen again later.
mounted_over() {
	quiet
	mount -t bpf bpf "$WORK/bpf"
	complains 'was mounted anew'
	all_pinned
	hidden
	quiet
	umount --lazy "$WORK/bpf"
	complains 'was mounted anew'
	all_pinned
	hidden
}

# not_there: what has no path is not lifted by half.
not_there() {
	umount --lazy "$WORK/bpf"
	ctl_exits 1 off | grep 'is not in a BPF file system'
	hidden
	not test -e "$WORK/bpf/cloak"
	mount -t bpf bpf "$WORK/bpf"
	wait_until 10 all_pinned
	hidden
}

# Nothing is taken from whoever else has pinned something there; that is told
# though the daemon has complained already, of what was wrong before.
taken_by_another() {
	mkdir "$WORK/another"
	mount -t bpf bpf "$WORK/another"
	mkdir -p "$WORK/another/cloak/another"
	quiet
	umount --lazy "$WORK/bpf"
	complains 'is not in a BPF file system'
	mount --move "$WORK/another" "$WORK/bpf"
	rmdir "$WORK/another"
	complains 'something else is pinned'
	hidden
	rmdir "$WORK/bpf/cloak/another"
	wait_until 10 all_pinned
	hidden
}

# A second daemon, and whoever asks none, leave what the first one has.
one_for_a_folder() {
	local command
	not in_ns lake timeout 20 cloakd --policy "$WORK/policy.toml" \
		--socket "$WORK/second.sock" --pin-dir "$WORK/bpf/cloak" \
		--state-dir "$WORK/second" 2>"$WORK/refused"
	grep "another cloakd has the pin folder $WORK/bpf/cloak" "$WORK/refused"
	for command in off "on --interface eth0" \
		"on --policy $WORK/policy.toml"; do
		# shellcheck disable=SC2086 # words
		not in_ns lake cloakctl --socket "$WORK/none.sock" \
			--pin-dir "$WORK/bpf/cloak" $command 2>"$WORK/refused"
		grep 'another cloakd has the pin folder' "$WORK/refused"
	done
	ctl status --json | jq -e '.cloak == "on"'
	hidden
}

# Beside another one, in a folder of its own.
one_beside() {
	local other
	ip netns exec "$(ns peer)" cloakd --policy "$WORK/policy.toml" \
		--socket "$WORK/second.sock" --pin-dir "$WORK/bpf/second" \
		--state-dir "$WORK/second" 2>"$WORK/second.log" &
	other=$!
	wait_until 30 in_ns peer cloakctl --socket "$WORK/second.sock" status
	ctl status
	in_ns peer cloakctl --socket "$WORK/second.sock" off
	kill "$other"
	wait "$other"
	not test -e "$WORK/bpf/second"
	hidden
}

# acquainted: the lake has the MAC of its peer, and it alone that of the lake.
acquainted() {
	in_ns lake ip neigh flush dev eth0
	in_ns lake ping -n -q -c 1 -W 2 "$PEER"
	in_ns lake ip neigh show "$PEER" | grep lladdr
}

# The cloak knows at once whom the host has known before: a question of that
# station, whatever address it uses, is answered, and the host can ask it alone
# when its own entry is gone (a question to everybody would not go out).
still_acquainted() {
	in_ns peer arping -c 1 -w 1 -S 10.0.9.11 -I eth0 "$LAKE"
	in_ns lake ip neigh flush dev eth0
	in_ns lake ping -n -q -c 1 -W 2 "$PEER"
	ctl drops --all --json | jq -e \
		'any(.reason == "resolve" and .verdict == "pass" and .packets > 0)'
}

taken_over() {
	sees scanner
	ctl revoke "$SCANNER"
	hidden
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
cloakd_start
ktap_run "hidden" hidden
cloakd_kill KILL
ktap_run "hidden when the daemon was killed" hidden
ktap_run "status and drops without a daemon" told_without_daemon
ktap_run "a newcomer while no daemon runs" \
	not in_ns scanner arping -c 1 -w 1 -S 10.0.9.67 -I eth0 "$LAKE"
cloakd_start
ktap_run "taken over by the next daemon" hidden
ktap_run "what the first missed the next tells" made_up_for
ktap_run "no gap and no counter lost" no_gap
CLOAKD=$(cat "$WORK/pid")
ktap_run "hidden when the interface is renamed" renamed
cloakd_kill TERM
ktap_run "hidden when the daemon was stopped" hidden
ktap_run "off without a daemon" ctl off
ktap_run "the scanner sees the host again" sees scanner
ktap_run "on without a daemon, by options" \
	ctl on --interface eth0 --address "$LAKE" --peer "$PEER"
ktap_run "hidden by options" hidden
cloakd_start_in_mounts
ktap_run "no other one can have its pins" one_for_a_folder
ktap_run "one with other pins can run beside it" one_beside
ktap_run "hidden while the BPF file system is mounted anew" mounted_anew
ktap_run "no other one can have those pins either" one_for_a_folder
ktap_run "and while another one is mounted over it" mounted_over
ktap_run "off says what is missing while there is none" not_there
ktap_run "another's pins there are left alone" taken_by_another
ktap_run "a peer is let in for a while" ctl authorise "$SCANNER" --for 1h
cloakd_kill KILL
cloakd_start
ktap_run "the next daemon takes over from there" taken_over
cloakd_kill TERM
cloakd_policy '[[interface]]' 'name = "eth1"' >"$WORK/policy.toml"
cloakd_start
ktap_run "an interface that comes is cloaked" comes_and_goes
ktap_run "an address that comes is hidden" address_added
ktap_run "off" ctl off
ktap_run "off lifts the cloak" sees scanner
ktap_run "the host speaks with its peer" acquainted
ktap_run "on again" ctl on
ktap_run "whom it knew it still knows" still_acquainted
ktap_run "on puts it back" hidden
