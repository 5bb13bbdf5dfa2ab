#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The clock of the host is stepped, by hours forwards and by days backwards.
# What was granted, shadowed or put on trial for a while takes just that while;
# probes are told of as ever, with the time that the clock shows then.
#
# where: guest
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping jq socat

FRIEND=10.0.9.70
PROBER=10.0.9.71

# Seconds in which three commands are through, however slow the machine.
brief=$((20 * ${CLOAK_SLOW:-1}))

# step SECONDS: sets the clock that much ahead, or back.
step() { date -s "@$(($(date +%s) + $1))"; }

# boot_time: seconds, which no step changes.
boot_time() { cut -d. -f1 /proc/uptime; }

granted() {
	ctl status --json | jq -e ".authorised[] | select(.peer | startswith(\"$1\"))"
}

shadowed() {
	ctl shadow list --json | jq -e ".[] | select(.source == \"$1\")"
}

on_trial() { ctl status --json | jq -e .confirmation; }

# told ADDRESS: a probe in this name is told of, at the time of the clock.
told() {
	local before said
	before=$(date +%s)
	not in_ns scanner arping -c 1 -w 1 -S "$1" -I eth0 "$LAKE"
	wait_until 30 events ".event_type == \"alert\" and .src_ip == \"$1\""
	said=$(events ".event_type == \"alert\" and .src_ip == \"$1\"" |
		jq -rs '.[0].timestamp')
	echo "told at $said, sent after $(date -d "@$before")"
	said=$(date -d "$said" +%s)
	((said >= before && said <= $(date +%s)))
}

received() { grep -qF 10.0.9.74 "$WORK/syslog"; }

# One who was away is tried again as soon as ever.
delivered() {
	ctl status --json | jq -e '.outputs[] |
		select(.name | startswith("syslog")) | .connected == false'
	told 10.0.9.74
	step -86400
	in_ns lake socat -u TCP-LISTEN:6514,bind=127.0.0.1,reuseaddr \
		"CREATE:$WORK/syslog" >"$WORK/socat" 2>&1 &
	wait_until 90 received
	kill $!
}

all_last() { granted "$FRIEND" && shadowed "$PROBER" && on_trial; }

# An hour is not over because the clock shows another one. What is over is
# looked for each second.
forwards() {
	ctl authorise "$FRIEND" --for 1h
	ctl shadow add "$PROBER" --for 1h
	ctl apply --confirm 1h "$WORK/policy.toml"
	step 36000
	stays 3 all_last
	told 10.0.9.72
	all_last
}

# an_hour TIME: is that to come within the hour by the clock as it is now?
an_hour() {
	local left=$(($(date -d "$1" +%s) - $(date +%s)))
	echo "$left s left of an hour"
	((left > 2400 && left <= 3600))
}

shown() {
	an_hour "$(granted "$FRIEND" | jq -r .expires)"
	an_hour "$(shadowed "$PROBER" | jq -r .until)"
	an_hour "$(on_trial | jq -r .until)"
}

# Some seconds are over although it is the day before yesterday.
backwards() {
	local start
	ctl confirm
	ctl shadow drop "$PROBER"
	start=$(boot_time)
	ctl authorise "$FRIEND" --for "${brief}s"
	ctl shadow add "$PROBER" --for "${brief}s"
	ctl apply --confirm "${brief}s" "$WORK/policy.toml"
	step -172800
	all_last
	wait_while 60 granted "$FRIEND"
	wait_while 60 shadowed "$PROBER"
	wait_while 60 on_trial
	echo "over after $(($(boot_time) - start)) s"
	(($(boot_time) - start >= brief))
	told 10.0.9.73
}

cloak_lab
cloakd_policy '[shadow]' 'time = "1h"' \
	'[[syslog]]' 'to = "tcp://127.0.0.1:6514"' >"$WORK/policy.toml"
cloakd_start
ktap_run "hidden" hidden
# First, as who is away is tried less and less often.
ktap_run "a receiver gets what waited" delivered
ktap_run "a step forwards ends nothing" forwards
ktap_run "the time that is left is shown" shown
ktap_run "a step backwards prolongs nothing" backwards
ktap_run "hidden after all" hidden
