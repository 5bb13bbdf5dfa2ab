#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Whoever changes the policy may be logged in though cloakctl does not find his
# session, as in tmux under sudo. So he cuts off nobody who is logged in.
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

# login_kept PORT ARGUMENT...: it would cut who is logged in from there.
login_kept() {
	local said port=$1
	shift
	said=$(ctl_exits 1 "$@")
	echo "$said"
	grep "cut the login session from $SCANNER port $port to $LAKE port 2222: \
$SCANNER is not authorised, and eth0 is cloaked; .* say --cut-my-session" \
		<<<"$said"
}

refuses() {
	login_kept 40024 apply "$WORK/logins.toml"
	login_kept 40024 apply --confirm 60s "$WORK/logins.toml"
	login_kept 40024 on --policy "$WORK/logins.toml"
	ctl status --json | jq -e ".policy.source == \"$WORK/policy.toml\""
	sees scanner
}

minds_its_ports() {
	ctl apply "$WORK/closed.toml"
	not sees scanner
	ctl apply "$WORK/policy.toml"
}

cuts_if_told() {
	ctl apply --cut-my-session "$WORK/logins.toml"
	not sees scanner
	ctl apply "$WORK/logins.toml"
	ctl off
	login_kept 40024 on
	ctl on --cut-my-session
}

keeps_granted() {
	ctl authorise "$SCANNER"
	login_kept 40024 revoke "$SCANNER"
	sees scanner
	ctl revoke --cut-my-session "$SCANNER"
	ctl apply "$WORK/policy.toml"
}

works_alone() {
	ctl apply "$WORK/logins.toml"
	ctl authorise "$SCANNER"
	ctl revoke "$SCANNER"
	ctl off
	ctl apply "$WORK/logins.toml"
	hidden
}

without_daemon() {
	cloakd_kill TERM
	ctl off
	sees scanner
	stay_from 40025
	login_kept 40025 on --policy "$WORK/logins.toml"
	sees scanner
	ctl on --policy "$WORK/policy.toml"
	leave_from 40025
	ctl on --policy "$WORK/logins.toml"
	hidden
}

cloak_lab
cloakd_policy '[[peers]]' 'name = "guests"' "prefixes = [\"$SCANNER\"]" \
	>"$WORK/policy.toml"
cloakd_policy >"$WORK/closed.toml"
cloakd_policy '[cloak]' 'logins = [22, 2222]' >"$WORK/logins.toml"
cloakd_start
log_in
stay_from 40024
ktap_run "who has no session to be found cuts off nobody" refuses
ktap_run "it is the policy that says where people log in" minds_its_ports
ktap_run "unless told otherwise, or he is cut off already" cuts_if_told
ktap_run "nor does he revoke who is logged in" keeps_granted
leave_from 40024
ktap_run "with nobody logged in nothing is refused" works_alone
ktap_run "without a daemon, too" without_daemon
