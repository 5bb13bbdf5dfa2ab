#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A link-local address may be there on each wire. Whoever is logged in from one
# keeps his session where it is, and may cloak the other wire:
#
#       lake fe80::5 ----- eth0, wire ----- scanner fe80::66
#       lake fe80::5 ----- eth1, veth ----- scanner fe80::66
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq socat ss

wires() {
	local device
	netns_link lake eth1 scanner eth1
	for device in eth0 eth1; do
		netns_addr lake "$device" fe80::5/64
		netns_addr scanner "$device" fe80::66/64
	done
}

log_in() {
	ip netns exec "$(ns lake)" env -u SSH_CONNECTION socat \
		TCP6-LISTEN:2222,reuseaddr,fork EXEC:'bash --norc' &
	defer kill $!
	wait_until 10 eval "in_ns lake ss -tlnH 'sport = :2222' | grep ."
}

# by DEVICE POLICY: applies it in a session that comes by that wire.
by() {
	# shellcheck disable=SC2016 # to be expanded there
	printf 'PATH=%q; %s 2>&1; echo "status $?"; exit\n' "$PATH" \
		"cloakctl --socket $WORK/control.sock apply $WORK/$2.toml" |
		in_ns scanner socat -T 3 -,ignoreeof \
			"TCP6:[fe80::5%$1]:2222"
}

# keeps DEVICE OTHER: who comes by one wire may close the other, not his own.
keeps() {
	local said
	ctl apply "$WORK/open.toml"
	said=$(by "$1" "closed-$1")
	echo "$said"
	grep "cut your own session from fe80::66 port [0-9]* to fe80::5 port \
2222: fe80::66 is not authorised, and $1 is cloaked" <<<"$said"
	ctl status --json | jq -e ".policy.source == \"$WORK/open.toml\""
	said=$(by "$1" "closed-$2")
	echo "$said"
	grep '^status 0$' <<<"$said"
	ctl status --json | jq -e ".policy.source == \"$WORK/closed-$2.toml\""
}

cloak_lab
wires
cloakd_policy >"$WORK/closed-eth0.toml"
sed 's/^name = "eth0"/name = "eth1"/' "$WORK/closed-eth0.toml" \
	>"$WORK/closed-eth1.toml"
cloakd_policy '[[interface]]' 'name = "eth1"' '[[peers]]' 'name = "guests"' \
	'prefixes = ["fe80::66"]' >"$WORK/open.toml"
cp "$WORK/open.toml" "$WORK/policy.toml"
cloakd_start
log_in
ktap_run "a session by the one wire" keeps eth0 eth1
ktap_run "a session by the other" keeps eth1 eth0
