#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A policy may name interfaces by a shell pattern: each that matches is cloaked,
# also one that appears later, and stays so when it is renamed. An exact name
# comes first, and no pattern means the loopback.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq

# with_pattern PATTERN [LINE...]: the usual policy for what matches.
with_pattern() {
	local pattern=$1
	shift
	cloakd_policy "$@" | sed "s/^name = \"eth0\"/name = \"$pattern\"/"
}

# interfaces FILTER: whether it holds for the interfaces that the daemon tells of.
interfaces() { ctl status --json | jq -e ".interfaces | $1"; }

# cloaked NAME [COUNT]: so many interfaces of that name have both halves.
cloaked() {
	interfaces "map(select(.name == \"$1\" and .attached == \"native\" and
		.egress)) | length == ${2:-1}"
}

# appears NAME [PORT]: one more interface on the wire, made down.
appears() {
	local port=${2:-p-$1}
	ip link add "$1" netns "$(ns lake)" type veth \
		peer name "$port" netns "$(ns wire)"
	in_ns wire ip link set "$port" master br0 up
}

# answers HOST ADDRESS: to ARP at least.
answers() {
	in_ns "$1" ip neigh flush dev eth0
	in_ns "$1" ping -n -q -c 1 -W 1 "$2" ||
		in_ns "$1" ip neigh show to "$2" | grep lladdr
}

by_pattern() {
	cloaked eth0
	ctl status | grep '^eth0 (eth\*) '
	hidden
}

# It is cloaked while it is down, so nothing is heard of it when it comes up.
one_appears() {
	appears eth1
	wait_until 10 cloaked eth1
	in_ns lake ip link show eth1 | grep 'state DOWN'
	netns_addr lake eth1 10.0.9.7/24
	in_ns lake ip link set eth1 up
	not answers scanner 10.0.9.7
	in_ns peer ping -n -q -c 1 -W 2 10.0.9.7
	hidden
}

# The exact name of the policy only watches.
exact() {
	netns_addr scanner eth0 10.0.8.66/24
	appears eth7
	wait_until 10 cloaked eth7
	interfaces '.[] | select(.name == "eth7") | .action == "monitor" and
		(has("pattern") | not)'
	netns_addr lake eth7 10.0.8.7/24
	in_ns lake ip link set eth7 up
	wait_until 10 answers scanner 10.0.8.7
	# As it only watches, it would answer for the others.
	in_ns lake ip link set eth7 down
	hidden
}

# Out of the pattern: what was cloaked stays so, if another takes its name, too.
renamed() {
	in_ns lake ip link set eth1 down
	in_ns lake ip link set eth1 name lan1
	in_ns lake ip link set lan1 up
	ctl reload
	cloaked eth1
	appears eth1 p-another
	wait_until 10 cloaked eth1 2
	not answers scanner 10.0.9.7
}

still_renamed() {
	cloaked eth1 2
	not answers scanner 10.0.9.7
	ctl reload
	cloaked eth1 2
	not answers scanner 10.0.9.7
	hidden
}

renamed_into() {
	appears wan0
	in_ns lake ip link set wan0 name eth5
	wait_until 10 cloaked eth5
}

vanishes() {
	in_ns lake ip link del eth5
	wait_until 10 interfaces 'all(.name != "eth5")'
	interfaces 'all(has("refusal") | not)'
	interfaces 'all(.present)'
	hidden
}

# pins: those that belong to one interface each.
pins() { (cd "$WORK/bpf/cloak" && find links names ! -type d | sort); }

# all_pinned: as before.
all_pinned() { pins | diff - "$WORK/pins"; }

# are_there COUNT: so many of the interfaces that come and go are cloaked.
are_there() {
	interfaces "map(select((.name | startswith(\"eth1\")) and
		.attached == \"native\")) | length == $1"
}

# batch COMMAND...: commands of ip, for each number from 100 to 149 in its turn.
batch() {
	local number command
	for number in {100..149}; do
		for command in "$@"; do
			printf '%s eth%d type veth\n' "$command" "$number"
		done
	done >"$WORK/batch"
	in_ns lake ip -batch "$WORK/batch"
}

# As containers do on the host that runs them: 200 of them, and no trace.
come_and_go() {
	local before round
	before=$(interfaces 'map(select((.name | startswith("eth1")) and
		.attached == "native")) | length')
	pins >"$WORK/pins"
	for round in {1..4}; do
		batch 'link add'
		wait_until 60 are_there $((before + 50))
		(($(pins | wc -l) == $(wc -l <"$WORK/pins") + 100))
		batch 'link del'
		wait_until 60 are_there "$before"
		wait_until 60 all_pinned
	done
	hidden
}

# They are gone when the daemon has just seen them, or is about to cloak them.
# The one that stays is the last that it hears of.
come_and_go_at_once() {
	local round
	for round in {1..4}; do
		batch 'link add' 'link del'
		in_ns lake ip link add eth150 type veth
		wait_until 60 cloaked eth150
		in_ns lake ip link del eth150
		wait_until 60 all_pinned
	done
	interfaces 'all(has("refusal") | not)'
	hidden
}

# there_and_back INTERFACE: to another namespace; the daemon sees it afterwards.
there_and_back() {
	kill -STOP "$CLOAKD"
	in_ns lake ip link set "$1" netns "$(ns room)"
	in_ns room ip link set "$1" netns "$(ns lake)"
	kill -CONT "$CLOAKD"
}

number() { in_ns lake cat "/sys/class/net/$1/ifindex"; }

# One that was away is cloaked all the time, also if it got another number there.
comes_back() {
	local former pins
	netns_new room
	appears eth8
	wait_until 10 cloaked eth8
	pins=$(pins | wc -l)
	former=$(number eth8)
	there_and_back eth8
	wait_until 10 cloaked eth8
	(($(number eth8) == former && $(pins | wc -l) == pins))
	in_ns room ip link add eth9 index "$former" type veth
	there_and_back eth8
	(($(number eth8) != former))
	wait_until 10 eval "pins | grep '^links/xdp-$(number eth8)$'"
	wait_until 10 cloaked eth8
	interfaces 'all(has("refusal") | not)'
	not grep 'eth8.*tried again' "$WORK/stderr"
	(($(pins | wc -l) == pins))
	in_ns lake ip link del eth8
	wait_until 10 interfaces 'all(.name != "eth8")'
	wait_until 10 eval "((\$(pins | wc -l) == pins - 2))"
	hidden
}

# Nothing matches yet: no error, and all are told.
none_yet() {
	with_pattern 'enp*' >"$WORK/enp.toml"
	ctl_exits 0 check "$WORK/enp.toml" |
		grep 'no interface matches enp\* here now'
	ctl_exits 0 apply "$WORK/enp.toml" | grep 'no interface matches enp\* yet'
	interfaces '. == [{"name": "enp*", "pattern": "enp*", "mode": "all",
		"action": "enforce", "present": false, "attached": "no",
		"dispatcher": false, "egress": false}]'
	ctl status | grep '^enp\* .*absent'
	appears enp1
	wait_until 10 cloaked enp1
	in_ns lake ip link del enp1
	wait_until 10 interfaces '.[0].name == "enp*"'
}

not_the_loopback() {
	with_pattern '*' >"$WORK/all.toml"
	ctl apply "$WORK/all.toml"
	cloaked eth0
	cloaked lan1
	interfaces 'all(.name != "lo")'
	in_ns lake ping -n -q -c 1 -W 2 127.0.0.1
	hidden
}

# Loudly: what it carries is not hidden.
no_ethernet() {
	: >"$WORK/stderr"
	netns_tun lake eth6
	wait_until 10 grep 'eth6 cannot be cloaked: .*; it is left out' \
		"$WORK/stderr"
	interfaces 'all(.name != "eth6")'
	ctl reload 2>&1 | grep 'eth6 cannot be cloaked'
	ctl check --json "$WORK/policy.toml" | jq -e '.details ==
		[{"code": "interface_no_ethernet", "text": .warnings[0]}]'
	in_ns lake ip link del eth6
	hidden
}

# Nothing can be cloaked then; nothing else happens when it can be again.
while_pins_are_lost() {
	local could_not='interfaces have changed, the cloak could not follow'
	cloakd_kill TERM
	: >"$WORK/stderr"
	cloakd_start_in_mounts
	umount --lazy "$WORK/bpf"
	appears eth2
	wait_until 10 grep "$could_not" "$WORK/stderr"
	mount -t bpf bpf "$WORK/bpf"
	wait_until 20 cloaked eth2
	(($(grep -c "$could_not" "$WORK/stderr") == 1))
	hidden
}

# Where one interface is meant a pattern is an error that says so.
not_everywhere() {
	with_pattern 'eth*' 'interface = "eth*"' >"$WORK/bad.toml"
	ctl_exits 4 check "$WORK/bad.toml" | grep \
		'peers.interface = "eth\*": .* a pattern cannot stand here'
	ctl_exits 4 apply "$WORK/bad.toml" | grep 'a pattern cannot stand here'
	hidden
}

cloak_lab
with_pattern 'eth*' '[[interface]]' 'name = "eth7"' 'action = "monitor"' \
	>"$WORK/policy.toml"
cloakd_start
ktap_run "one that matches is cloaked" by_pattern
ktap_run "also one that appears, before it is up" one_appears
ktap_run "an exact name comes before a pattern" exact
ktap_run "one that is renamed out of the pattern stays cloaked" renamed
cloakd_kill KILL
cloakd_start
ktap_run "also for the next daemon" still_renamed
ktap_run "one that is renamed into the pattern is cloaked" renamed_into
ktap_run "one that vanishes is gone" vanishes
ktap_run "however many come and go, no pin is left" come_and_go
ktap_run "nor of those that go at once" come_and_go_at_once
ktap_run "one that comes back is the same one" comes_back
ktap_run "one that is no Ethernet is left out" no_ethernet
ktap_run "a pattern that matches nothing waits" none_yet
ktap_run "no pattern means the loopback" not_the_loopback
ktap_run "a pattern where one interface is meant is an error" not_everywhere
ktap_run "one that appears while the pins are lost" while_pins_are_lost
