#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An interface that cannot be cloaked takes nothing from those that are: it is
# tried again until it can, whatever else changes meanwhile. An interface that
# is renamed keeps the cloak, with the daemon that has put it on and the next.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands curl jq tc

# attached INTERFACE HOW: as the daemon tells of it.
attached() {
	ctl status --json | jq -e --arg name "$1" --arg how "$2" \
		'.interfaces[] | select(.name == $name).attached == $how'
}

# A bridge has no native mode, and the policy wants no other.
refuses() {
	in_ns lake ip link add dum9 type bridge
	wait_until 10 eval "ctl status | grep '^not attached, tried again: dum9'"
	attached dum9 no
	attached eth0 native
	hidden
	sleep 4
	(($(grep -c 'dum9: .*; it is tried again' "$WORK/stderr") == 1))
}

# What is changed for other reasons is changed.
goes_on() {
	ctl authorise "$SCANNER"
	sees scanner
	ctl revoke "$SCANNER"
	ctl reload
	hidden
}

# taken_over: by the next daemon, which tries again as well.
taken_over() {
	attached eth0 native
	hidden
	ctl status | grep '^not attached, tried again: dum9'
}

replaced() {
	in_ns lake ip link del dum9
	in_ns lake ip link add dum9 type veth peer name dum8
	wait_until 10 attached dum9 native
	not eval "ctl status | grep 'tried again'"
	hidden
}

# Another program has the interface for a while.
taken() {
	in_ns lake ip link del dum9
	in_ns lake ip link add dum7 type veth peer name dum8
	in_ns lake ip link set dum7 xdp object \
		"$TOP/build/xdp/tests/former-20.bpf.o" section xdp.frags
	in_ns lake ip link set dum7 name dum9
	wait_until 10 eval "ctl status | grep 'another XDP program'"
	hidden
	in_ns lake ip link set dum9 xdp off
	wait_until 10 attached dum9 native
	hidden
}

# In the place of clsact, one of tc for what comes in alone.
ingress_qdisc() {
	in_ns lake ip link del dum9
	in_ns lake ip link add dum7 type veth peer name dum8
	in_ns lake tc qdisc add dev dum7 ingress
	in_ns lake ip link set dum7 name dum9
	wait_until 10 eval "ctl status |
		grep '\"tc qdisc del dev dum9 ingress\" removes it'"
	attached dum9 no
	not eval "in_ns lake tc filter show dev dum9 ingress | grep 0xc10a"
	hidden
	in_ns lake tc qdisc del dev dum9 ingress
	wait_until 10 attached dum9 native
	in_ns lake tc filter show dev dum9 egress | grep 0xc10a
	hidden
}

# other_program ACTION: that of somebody else comes to dum9, or goes.
other_program() {
	if [[ $1 == comes ]]; then
		in_ns lake ip link set dum9 xdp object \
			"$TOP/build/xdp/tests/former-20.bpf.o" section xdp.frags
	else
		in_ns lake ip link set dum9 xdp off
	fi
}

# refused COUNT: so many interfaces, says who is asked for metrics.
refused() {
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://localhost/metrics >"$WORK/metrics"
	[[ $(grep -c '^cloaklake_interface_refused{.*} 1$' "$WORK/metrics") == "$1" ]]
}

# Nothing is on, and nobody is there who could choose another policy.
from_nothing() {
	local daemon
	ctl off
	cloakd_kill TERM
	other_program comes
	sees scanner
	: >"$WORK/stderr"
	cloakd_start
	daemon=$CLOAKD
	attached eth0 native
	attached dum9 no
	hidden
	grep 'dum9: another XDP program .*; it is tried again' "$WORK/stderr"
	ctl status | grep '^not attached, tried again: dum9: another XDP program'
	refused 1
	other_program goes
	wait_until 10 attached dum9 native
	refused 0
	kill -0 "$daemon"
	echo "$daemon" >"$WORK/pid"
}

# Who applies a policy can choose: all of it or nothing.
all_or_nothing() {
	ctl off
	other_program comes
	ctl_exits 1 on | grep 'another XDP program'
	sees scanner
	ctl_exits 1 apply "$WORK/policy.toml" | grep 'another XDP program'
	sees scanner
	other_program goes
	ctl on
	hidden
}

# Its frames would be taken for what they are not, and pass.
no_ethernet() {
	cloakd_policy '[[interface]]' 'name = "tun0"' >"$WORK/tun.toml"
	netns_tun lake tun0
	ctl_exits 0 check "$WORK/tun.toml" |
		grep 'tun0 cannot be cloaked: its frames have no Ethernet header'
	ctl_exits 1 apply "$WORK/tun.toml" | grep 'tun0 cannot be cloaked'
	ctl status | grep "^policy .*/policy.toml"
	in_ns lake ip link del tun0
	ctl_exits 0 apply "$WORK/tun.toml"
	netns_tun lake tun0
	wait_until 10 eval \
		"ctl status | grep '^not attached, tried again: tun0 cannot be'"
	attached tun0 no
	hidden
	in_ns lake ip link del tun0
	ctl reload
}

# rename FROM TO
rename() {
	in_ns lake ip link set "$1" down
	in_ns lake ip link set "$1" name "$2"
	in_ns lake ip link set "$2" up
}

# unseen: nobody gets an answer, whatever the interface is called.
unseen() {
	in_ns scanner ip neigh flush dev eth0
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE"
}

renamed() {
	rename eth0 lan0
	ctl reload
	attached eth0 native
	unseen
	ctl apply "$WORK/policy.toml"
	unseen
}

still_renamed() {
	attached eth0 native
	unseen
	ctl reload
	unseen
}

# The policy follows, then the interface has its own name again.
named_anew() {
	sed 's/^name = "eth0"/name = "lan0"/' "$WORK/policy.toml" \
		>"$WORK/lan0.toml"
	ctl apply "$WORK/lan0.toml"
	attached lan0 native
	unseen
	rename lan0 eth0
	ctl reload
	attached eth0 native
	hidden
}

# Whom a policy lets in for a while is let in afterwards as before.
authorised() {
	ctl authorise "$SCANNER"
	cloakd_policy '[[peers]]' 'name = "guests"' \
		"prefixes = [\"$SCANNER\"]" >"$WORK/open.toml"
	ctl apply --confirm 60s "$WORK/open.toml"
	sees scanner
	ctl confirm --undo
	sees scanner
	ctl revoke "$SCANNER"
	hidden
}

# A trial over a cloak that is off ends with it off, also with the daemon.
ends_off() {
	ctl off
	ctl apply --confirm 60s "$WORK/policy.toml"
	not sees scanner
	cloakd_kill TERM
	sees scanner
	cloakd_start
	hidden
	cloakd_kill TERM
}

# With no daemon nothing checks the name of the folder but cloakctl.
spares() {
	mkdir -p "$WORK/mine/links"
	touch "$WORK/mine/links/xdp-1" "$WORK/mine/config"
	not in_ns lake cloakctl -s "$WORK/none" -d "$WORK/mine" off
	test -e "$WORK/mine/links/xdp-1"
	test -e "$WORK/mine/config"
	mkdir -p "$WORK/bpf/other/links"
	in_ns lake cloakctl -s "$WORK/none" -d "$WORK/bpf/other" off
	not test -e "$WORK/bpf/other"
	mkdir -p "$WORK/bpf/other/links/theirs"
	in_ns lake cloakctl -s "$WORK/none" -d "$WORK/bpf/other" off
	test -d "$WORK/bpf/other/links/theirs"
	ctl off
	not test -e "$WORK/bpf/cloak"
	sees scanner
}

cloak_lab
cloakd_policy '[[interface]]' 'name = "dum9"' 'attach = "native"' \
	'[metrics]' "listen = \"unix:$WORK/metrics.sock\"" >"$WORK/policy.toml"
cloakd_start
ktap_run "one that cannot be cloaked takes nothing from another" refuses
ktap_run "all else goes on meanwhile" goes_on
cloakd_kill KILL
cloakd_start
ktap_run "also with the next daemon" taken_over
ktap_run "one in its place is cloaked" replaced
ktap_run "what another has taken is cloaked when it is free" taken
ktap_run "one with an ingress qdisc is cloaked when that goes" ingress_qdisc
ktap_run "a start without a cloak puts it on all others" from_nothing
CLOAKD=$(<"$WORK/pid")
ktap_run "who puts it on gets all or nothing" all_or_nothing
ktap_run "one that is no Ethernet cannot be cloaked" no_ethernet
ktap_run "a renamed one stays cloaked, whoever looks" renamed
cloakd_kill KILL
cloakd_start
ktap_run "also for the next daemon" still_renamed
ktap_run "also when the policy has its new name" named_anew
ktap_run "a trial leaves those who were let in" authorised
ktap_run "a trial over no cloak leaves none" ends_off
ktap_run "what is not the cloak's is not removed" spares
