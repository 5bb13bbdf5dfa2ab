#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The cloak behind the dispatcher of libxdp, between programs of others: nobody
# who is not to see the host does, whatever becomes of the daemon, and the others
# stay when it goes. Where the kernel refuses that: a link, and the reason.
#
# where: guest
# timeout: 900
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq xdp-loader bpftool
beside=$TOP/build/xdp/tests
ktap_need "build/xdp/tests/former-20.bpf.o (make -C xdp tests)" \
	test -e "$beside/former-20.bpf.o"

# joins OBJECT: puts the program of somebody else on the lake.
joins() {
	in_ns lake xdp-loader load -p "$WORK/bpf" eth0 "$beside/$1.bpf.o"
}

# saw NAME ADDRESS: how many frames from there that program has seen.
saw() {
	bpftool -j map lookup pinned "$WORK/bpf/$1_seen" \
		key "${2##*.}" 0 0 0 | jq .formatted.value
}

# programs: what the dispatcher calls, in that order.
programs() {
	in_ns lake xdp-loader status eth0 |
		awk '$1 == "=>" { print $3 }' | xargs
}

# are PROGRAM...
are() {
	[[ $(programs) == "$*" ]] || { echo "there are: $(programs)"; return 1; }
}

attached() { ctl status --json | jq -r '.interfaces[0] | "\(.attached) \(.dispatcher)"'; }

# is_attached MODE DISPATCHER
is_attached() {
	[[ $(attached) == "$*" ]] || { attached; return 1; }
}

policy() { cloakd_policy "$@" >"$WORK/policy.toml"; }

# stop SIGNAL: ends the daemon, which may be the child of another shell.
stop() {
	CLOAKD=$(<"$WORK/cloakd.pid")
	cloakd_kill "$1"
	wait_while 10 kill -0 "$CLOAKD"
}

with_dispatcher() {
	cloakd_policy | sed '/^name = "eth0"/a dispatcher = true' \
		>"$WORK/policy.toml"
}

# knock: frames of IPv4 from the scanner, whether it is answered or not.
know_lake() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
}
knock() {
	know_lake
	in_ns scanner ping -n -q -c 3 -i 0.2 -W 1 "$LAKE" >/dev/null || true
	in_ns scanner ip neigh del "$LAKE" dev eth0
}

# only_the_peers PROGRAM...: these see what comes from the peer, and nothing of
# what the cloak has dropped.
only_the_peers() {
	local program
	declare -A before=() peer=()
	for program in "$@"; do
		before[$program]=$(saw "$program" "$SCANNER")
		peer[$program]=$(saw "$program" "$PEER")
	done
	knock
	sees peer
	for program in "$@"; do
		(($(saw "$program" "$PEER") > peer[$program])) ||
			{ echo "$program has not seen the peer"; return 1; }
		(($(saw "$program" "$SCANNER") == before[$program])) ||
			{ echo "$program has seen the scanner"; return 1; }
	done
}

between() {
	joins former-20
	with_dispatcher
	cloakd_start
	is_attached native true
	are cloak_entry former
	hidden
	ctl status | grep '^eth0 .* native, dispatcher '
	joins latter-60
	are cloak_entry former latter
	is_attached native true
	hidden
	only_the_peers former latter
}

# The next daemon changes what is behind the entry, not the dispatcher.
outlives() {
	local ping before after
	before=$(in_ns lake xdp-loader status eth0)
	know_lake
	ip netns exec "$(ns scanner)" ping -n -q -i 0.05 "$LAKE" \
		>"$WORK/ping" &
	ping=$!
	stop KILL
	hidden
	know_lake
	cloakd_start
	is_attached native true
	kill -INT "$ping"
	wait "$ping" || true
	in_ns scanner ip neigh del "$LAKE" dev eth0
	cat "$WORK/ping"
	grep ' 0 received' "$WORK/ping"
	hidden
	after=$(in_ns lake xdp-loader status eth0)
	[[ $after == "$before" ]] || { echo "$after"; return 1; }
	# What the new daemon has is what decides: its policy, not the old one's.
	ctl authorise "$SCANNER"
	sees scanner
	ctl revoke "$SCANNER"
	hidden
}

# A policy does not move it: that would be a moment without it.
stays_there() {
	policy
	ctl reload 2>&1 | grep 'stays behind the dispatcher'
	not eval 'ctl reload 2>&1 | grep dispatcher'
	is_attached native true
	hidden
	with_dispatcher
	ctl reload
	is_attached native true
}

# gone: lifted, and the others live on.
gone() {
	are former latter
	sees scanner
	not test -e "$WORK/bpf/cloak"
	local seen
	seen=$(saw latter "$SCANNER")
	knock
	(($(saw latter "$SCANNER") > seen))
}

off_and_on() {
	ctl off
	gone
	ctl on
	are cloak_entry former latter
	hidden
	stop TERM
	hidden
	ctl off
	gone
	cloakd_start
	are cloak_entry former latter
	hidden
}

# Whoever may take it away lifts the cloak for a moment; it is put back, alone.
taken_away() {
	in_ns lake xdp-loader unload --all eth0
	wait_until 10 eval 'ctl status --json | jq -e ".removed.ingress == 1"'
	are cloak_entry
	is_attached native true
	hidden
}

# Not by libxdp: it is left alone.
not_by_libxdp() {
	ctl off
	LIBXDP_SKIP_DISPATCHER=1 joins former-20
	ctl_exits 1 on | grep 'another XDP program'
	are
	in_ns lake xdp-loader unload --all eth0
	ctl on
	hidden
}

# no_pin: nothing of an interface is left, by number or by name.
no_pin() {
	local left
	left=$(find "$WORK/bpf/cloak/dispatched" "$WORK/bpf/cloak/names" \
		-mindepth 1)
	[[ -z $left ]] || { echo "$left"; return 1; }
}

goes_and_comes() {
	not no_pin
	in_ns lake ip link del eth0
	wait_until 10 eval \
		'ctl status --json | jq -e ".interfaces[0].present == false"'
	wait_until 10 no_pin
	netns_attach lake eth0 wire br0
	netns_addr lake eth0 "$LAKE/24"
	wait_until 10 is_attached native true
	hidden
}

# there VALUE: is the interface here, as far as the daemon knows?
there() {
	ctl status --json | jq -e ".interfaces[0].present == $1"
}

# goes_away: to another network namespace, with what is on it.
goes_away() {
	netns_new room
	in_ns lake ip link set eth0 netns "$(ns room)"
	wait_until 10 there false
}

comes_back() {
	in_ns room ip link set eth0 netns "$(ns lake)"
	ip netns del "$(ns room)"
	in_ns lake ip link set eth0 up
	netns_addr lake eth0 "$LAKE/24"
	wait_until 10 is_attached native true
	hidden
}

# Under its number libxdp finds what it has pinned there, and under another not;
# the cloak does.
moves_and_comes_back() {
	local index
	index=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	goes_away
	comes_back
	are cloak_entry
	goes_away
	in_ns lake ip link add taken index "$index" type dummy
	comes_back
	ctl off
	sees scanner
	not eval "in_ns lake ip link show eth0 | grep prog/xdp"
	ctl on
	wait_until 10 is_attached native true
	are cloak_entry
	hidden
	in_ns lake ip link del taken
}

# forgotten: as by a daemon that is killed before it has noted what it has done.
forgotten() {
	stop KILL
	rm "$WORK"/bpf/cloak/dispatched/*
	hidden
	ctl off
	sees scanner
	not eval "in_ns lake xdp-loader status eth0 | grep cloak_entry"
	cloakd_start
	is_attached native true
	hidden
}

# What libxdp has pinned is lost with the mount. The cloak is not.
mounted_anew() {
	stop TERM
	cloakd_start_in_mounts
	umount --lazy "$WORK/bpf"
	mount -t bpf bpf "$WORK/bpf"
	wait_until 10 test -e "$WORK/bpf/cloak/ingress_entry"
	stop TERM
	hidden
	ctl off
	sees scanner
	in_ns lake xdp-loader status eth0 | grep 'No XDP program loaded'
}

# mtu BYTES: of the lake, the peer and the wire between them.
mtu() {
	local host
	for host in lake peer; do
		in_ns wire ip link set "p-$host-eth0" mtu "$1"
		in_ns "$host" ip link set eth0 mtu "$1"
	done
	in_ns wire ip link set br0 mtu "$1"
}

# Frames of several buffers go past the entry and whoever is beside it. former
# has no frags: with it the interface cannot have the large MTU, natively.
jumbo() {
	cloakd_start
	mtu 9000
	ctl off
	ctl on
	is_attached native true
	are cloak_entry
	sees peer
	in_ns peer ping -n -q -c 3 -i 0.2 -W 2 -M "do" -s 8900 "$LAKE"
	know_lake
	not in_ns scanner ping -n -q -c 2 -i 0.2 -W 1 "$LAKE"
	in_ns scanner ip neigh del "$LAKE" dev eth0
	hidden
	ctl off
	mtu 1500
}

# refused: a link instead, and why, said once.
refused() {
	with_dispatcher
	cloakd_start
	is_attached native false
	cat "$WORK/stderr" "$WORK/stdout"
	grep -h 'eth0: .*\(kernel\|libxdp\) says "' "$WORK/stderr" "$WORK/stdout"
	not eval 'ctl reload 2>&1 | grep -i "dispatcher\|says"'
	hidden
	stop KILL
	hidden
	cloakd_start
	is_attached native false
	hidden
	ctl off
	sees scanner
	in_ns lake xdp-loader status eth0 | grep 'No XDP program loaded'
}

# refused_beside: who is there already keeps the interface.
refused_beside() {
	joins former-20
	ctl_exits 1 on | grep 'another XDP program'
	sees scanner
	in_ns lake xdp-loader unload --all eth0
	ctl on
	hidden
}

cloak_lab
# libxdp pins there, too: "ip netns exec" hides the usual place.
export LIBXDP_BPFFS=$WORK/bpf

if [[ $(uname -r) == 6.1.* ]]; then
	ktap_run "it is called first, before programs that came before and after" \
		between
	ktap_run "a daemon that is killed leaves it on, the next one takes it over" \
		outlives
	ktap_run "another policy does not move it" stays_there
	ktap_run "off leaves the programs of others, with a daemon and without" \
		off_and_on
	ktap_run "it is put back when somebody has taken it away" \
		taken_away
	ktap_run "a program that libxdp knows nothing of is left alone" \
		not_by_libxdp
	ktap_run "an interface goes and comes" goes_and_comes
	ktap_run "it comes back from another network namespace" \
		moves_and_comes_back
	ktap_run "off finds it also where nobody has noted it" forgotten
	ktap_run "it stays when the BPF file system is mounted anew" mounted_anew
	ktap_run "jumbo frames go past the dispatcher natively" jumbo
else
	ktap_run "where the kernel refuses the dispatcher it is a link" refused
	ktap_run "and who has the interface keeps it" refused_beside
fi
