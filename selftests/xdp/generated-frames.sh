#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# 100,000 generated frames of a stranger, random ones and damaged probes: no
# frame leaves the cloaked host because of them. 100,000 generated datagrams of
# the authorised peer, whole and in fragments: not one is lost. In the driver
# and in the stack.
#
# The seed is a new one each time, and told: with FRAMES_SEED it is the same.
#
# where: host
# guests: yes
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands jq python3 socat tcpdump
ktap_need "build/xdp/tests/probe (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/probe"

FRAMES=100000
# What claims to come from a group goes no further than the bridge.
FIRED=$((FRAMES * 7 / 5))
SEED=${FRAMES_SEED:-$RANDOM}
ECHO=$(dirname "$(realpath "$0")")/echo.py
ECHO_PORT=4421

# fire: the cloak has met as many as wanted.
fire() {
	local before met
	before=$(dropped)
	probe all "$FIRED" "$SEED"
	met=$(($(dropped) - before))
	echo "$met were dropped"
	((met >= FRAMES))
}

echoes() {
	ip netns exec "$(ns lake)" "$ECHO" serve "$1" "$ECHO_PORT" &
	defer kill $!
	wait_until 10 eval "in_ns lake ss -Hlun 'sport = $ECHO_PORT' |
		grep -F '$1'"
}

nothing_lost() {
	in_ns peer "$ECHO" ask "$FRAMES" "$SEED" "$ECHO_PORT" "$LAKE" "$LAKE6"
}

answers_when_bare() {
	not probe all 1000 "$SEED" >"$WORK/probe"
	tail -n 1 "$WORK/probe"
	wait_until 5 test -s "$WORK/wire"
}

mode() {
	local uncounted
	policy "$1" >"$WORK/policy.toml"
	cloakd_start
	uncounted=$(uncounted)
	ktap_run "attached: $1" eval \
		"ctl status --json | jq -e '.interfaces[0].attached == \"$1\"'"
	capture "$WORK/wire"
	ktap_run "a stranger's frames: $1" silent served_while fire
	ktap_run "the peer's datagrams: $1" nothing_lost
	ktap_run "the counts add up to the packets: $1" \
		wait_until 5 accounted "$uncounted"
	ktap_run "nothing comes after: $1" \
		stays 2 test ! -s "$WORK/wire"
	capture_end
	cloakd_kill TERM
	ctl off >/dev/null
}

wire_lab
echoes "$LAKE"
echoes "$LAKE6"
note "seed $SEED"
capture "$WORK/wire"
ktap_run "the bare host answers" answers_when_bare
capture_end some
mode native
mode generic
