#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An administrator who changes the policy sees beforehand what it would change,
# and does not lock himself out: what he does not confirm is undone, whatever
# happens to the daemon meanwhile, and his own session is not cut.
#
# where: host
# guests: yes
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/logins.sh"
ktap_need_commands jq socat ss

# in_force: the policy in force, as the daemon tells of it.
in_force() { ctl status --json | jq -c .policy; }

diff_finds() {
	local before said
	before=$(in_force)
	said=$(ctl_exits 1 diff "$WORK/open.toml")
	diff - <(printf '%s\n' "$said") <<-EOF2
		+ peers guests
		+     access = "full"
		+     prefixes = "$SCANNER"
		+ table $LAKE
		+     action = "enforce"
		+     default = "allow"
		+     rule 1: count in icmp name "echo" counter "ping"
		+ counter ping
		  alerts
		-     per_second = 100
		+     per_second = 50
		$WORK/open.toml would add 3, remove 0, change 1
	EOF2
	[[ $(in_force) == "$before" ]]
}

diff_in_json() {
	ctl_exits 1 diff --json "$WORK/open.toml" | jq -e '
		.added == 3 and .changed == 1 and .removed == 0 and
		(.changes[] | select(.kind == "alerts").settings ==
		 [{"key": "per_second", "before": 100, "after": 50}])'
	ctl_exits 0 diff --json "$WORK/policy.toml" | jq -e '.changes == []'
}

diff_follows() {
	ctl apply "$WORK/open.toml"
	ctl_exits 0 diff "$WORK/open.toml"
	ctl_exits 1 diff - <"$WORK/policy.toml" | grep '^- peers guests$'
	ctl reload
	ctl_exits 0 diff "$WORK/policy.toml"
}

diff_refuses() {
	printf '[alerts]\nsources = true\n' >"$WORK/bad.toml"
	diff <(ctl_exits 4 check "$WORK/bad.toml") \
		<(ctl_exits 4 diff "$WORK/bad.toml")
	ctl_exits 2 diff "$WORK/none.toml"
	ctl_exits 2 diff
	not ctl --socket "$WORK/none.sock" diff "$WORK/policy.toml"
}

# drop_in NAME: standard input becomes a file of the folder.
drop_in() {
	mkdir -p "$WORK/policy.d"
	cat >"$WORK/policy.d/$1"
}

# A file in the folder is part of the policy for everybody who reads it.
dropped_in() {
	drop_in 10-guests.toml <<-EOF
		[[peers]]
		name = "guests"
		prefixes = ["$SCANNER"]
	EOF
	drop_in .hidden.toml <<<nonsense
	drop_in README <<<nonsense
	ctl_exits 0 check "$WORK/policy.toml"
	ctl_exits 1 diff "$WORK/policy.toml" | grep '^+ peers guests$'
	ctl reload
	sees scanner
	ctl status --json | jq -e --arg folder "$WORK" '.policy.files ==
		[$folder + "/policy.toml", $folder + "/policy.d/10-guests.toml"]'
	ctl_exits 0 diff "$WORK/policy.toml"
}

# faulty: the error of the third file is named where it stands.
faulty() {
	local said=policy.d/20-alerts.toml:2:11:
	drop_in 20-alerts.toml <<<$'[alerts]\nsources = true'
	ctl_exits 4 check "$WORK/policy.toml" | grep "$said"
	ctl_exits 4 diff "$WORK/policy.toml" | grep "$said"
	ctl_exits 4 apply "$WORK/policy.toml" | grep "$said"
	ctl_exits 4 reload | grep "$said"
	{ not ctl check --json "$WORK/policy.toml" 2>/dev/null; } | jq -e \
		'.error.details[0].file | endswith("policy.d/20-alerts.toml")'
	sees scanner
	rm "$WORK/policy.d/20-alerts.toml"
}

taken_out() {
	rm -r "$WORK/policy.d"
	ctl apply --confirm $((6 * slow))s "$WORK/policy.toml"
	hidden
	wait_until 20 sees scanner
	ctl reload
	undone
	hidden
}

# Trials are that much longer where all else takes longer.
slow=${CLOAK_SLOW:-1}

# undone: the former policy is in force, as it was, and nothing awaits anything.
undone() {
	ctl status --json | jq -e '.policy.source == "'"$WORK/policy.toml"'" and
		(has("confirmation") | not)'
	ctl_exits 1 confirm
}

unconfirmed() {
	ctl apply --confirm $((2 * slow))s "$WORK/open.toml"
	sees scanner
	ctl status --json | jq -e --arg path "$WORK/policy.toml" \
		'.confirmation.former == $path and .confirmation.until != null'
	ctl status | grep '^confirm  awaited until .*, else back to .*policy.toml'
	wait_until 10 not sees scanner
	undone
	grep 'nobody has confirmed .*open.toml: .*policy.toml is in force again' \
		"$WORK/stderr"
}

one_at_a_time() {
	local command
	ctl apply --confirm 60s "$WORK/open.toml"
	for command in apply 'apply --confirm 5s'; do
		# shellcheck disable=SC2086 # its words
		ctl_exits 1 $command "$WORK/policy.toml" |
			grep 'open.toml awaits confirmation until .*--undo'
	done
	ctl_exits 1 reload
	sees scanner
	ctl confirm --undo
	undone
	ctl_exits 1 confirm --undo
}

confirmed() {
	ctl apply --confirm $((2 * slow))s "$WORK/open.toml"
	ctl confirm
	not test -e "$WORK/state/trial.json"
	ctl status --json | jq -e 'has("confirmation") | not'
	stays $((2 * slow + 1)) sees scanner
	ctl reload
	undone
}

# Nothing is tried that could not be undone.
not_kept() {
	rm -rf "$WORK/state"
	touch "$WORK/state"
	ctl_exits 1 apply --confirm 60s "$WORK/open.toml" | grep "$WORK/state"
	rm "$WORK/state"
	undone
	ctl_exits 4 apply --confirm 60s "$WORK/bad.toml"
	ctl_exits 2 apply --confirm soon "$WORK/open.toml"
	undone
}

# ended SIGNAL: the daemon ends while a policy awaits confirmation.
ended() {
	ctl apply --confirm 60s "$WORK/open.toml"
	sees scanner
	cloakd_kill "$1"
}

# While a policy is on trial that has one of them anyway.
let_in() {
	ctl authorise "$SCANNER" --for 1h
	ctl authorise 10.0.9.77
	ctl apply --confirm 60s "$WORK/open.toml"
	ctl revoke 10.0.9.77
	ctl authorise 10.0.9.78
}

let_in_again() {
	undone
	ctl status --json | jq -e --arg scanner "$SCANNER" \
		'[.authorised[].peer] | sort == [$scanner, "10.0.9.78"]'
	sees scanner
	ctl revoke "$SCANNER"
	ctl revoke 10.0.9.78
	hidden
}

# The policy file itself was edited, so that the next start would read it.
edited() {
	cp "$WORK/policy.toml" "$WORK/kept.toml"
	cp "$WORK/open.toml" "$WORK/policy.toml"
	ctl apply --confirm 60s "$WORK/policy.toml"
	sees scanner
}

undone_and_hidden() {
	undone
	hidden
}

still_refused() {
	undone_and_hidden
	ctl_exits 1 diff "$WORK/policy.toml"
	grep 'reload or apply puts the new one in force' "$WORK/stderr"
}

reload_decides() {
	ctl reload
	sees scanner
	not test -e "$WORK/state/trial.json"
	mv "$WORK/kept.toml" "$WORK/policy.toml"
	ctl reload
	undone
}

off_before() {
	ctl off
	ctl apply --confirm 2s "$WORK/open.toml"
	wait_until 10 eval "ctl status | grep '^cloak *off'"
	ctl on
	undone
}

off_meanwhile() {
	ctl apply --confirm 60s "$WORK/open.toml"
	ctl off
	ctl status | grep '^cloak *off'
	ctl on
	undone
}

# as_guest COMMAND...: what the scanner does who is logged in by TCP, as by ssh.
as_guest() {
	# shellcheck disable=SC2016 # to be expanded there
	printf 'PATH=%q; %s 2>&1; echo "status $?"; exit\n' "$PATH" "$*" |
		in_ns scanner socat -T 3 -,ignoreeof "TCP:$LAKE:2222"
}

# guest_ctl ARGUMENT...: cloakctl in that session.
guest_ctl() {
	as_guest cloakctl --socket "$WORK/control.sock" \
		--pin-dir "$WORK/bpf/cloak" "$@"
}

keeps_session() {
	local command said
	ctl apply "$WORK/open.toml"
	sees scanner
	for command in "apply $WORK/policy.toml" reload \
		"apply --confirm 60s $WORK/policy.toml" \
		"on --policy $WORK/policy.toml"; do
		# shellcheck disable=SC2086 # its words
		said=$(guest_ctl $command)
		echo "$said"
		grep "cut your own session from $SCANNER port [0-9]* to $LAKE \
port 2222: $SCANNER is not authorised, and eth0 is cloaked; .*--cut-my-sess" \
			<<<"$said"
		grep '^status 1$' <<<"$said"
	done
	ctl status --json | jq -e ".policy.source == \"$WORK/open.toml\""
	guest_ctl apply "$WORK/open.toml" | grep '^status 0$'
}

# Who has found his way out of the session's processes, as in tmux.
keeps_named() {
	stay_from 40022
	SSH_CONNECTION="$SCANNER 40022 $LAKE 2222" \
		ctl_exits 1 apply "$WORK/policy.toml" | grep 'port 40022'
	leave_from 40022
	SSH_CONNECTION="$SCANNER 40022 $LAKE 2222" \
		ctl apply "$WORK/policy.toml"
	hidden
}

cuts_if_told() {
	ctl apply "$WORK/open.toml"
	sees scanner
	# What it says does not come back.
	not grep status \
		<<<"$(guest_ctl apply --cut-my-session "$WORK/policy.toml")"
	ctl status --json | jq -e ".policy.source == \"$WORK/policy.toml\""
}

# refused_to_guest WHY ARGUMENT...: it would cut the session he asks by.
refused_to_guest() {
	local said why=$1
	shift
	said=$(guest_ctl "$@")
	echo "$said"
	grep "cut your own session from $SCANNER port [0-9]* to $LAKE \
port 2222: $SCANNER is $why, and eth0 is cloaked; .*--cut-my-session" <<<"$said"
	grep '^status 1$' <<<"$said"
}

# Who was let in by hand does not shut himself out by hand.
keeps_granted() {
	ctl authorise "$SCANNER"
	sees scanner
	refused_to_guest 'not authorised' revoke "$SCANNER"
	refused_to_guest 'authorised with another MAC address' \
		authorise "$SCANNER" --mac 52:54:00:00:00:01
	ctl status --json | jq -e ".authorised == [{\"peer\": \"$SCANNER\"}]"
	sees scanner
	guest_ctl authorise "$SCANNER" --for 1h | grep '^status 0$'
	guest_ctl authorise 10.0.9.77 | grep '^status 0$'
	guest_ctl revoke 10.0.9.77 | grep '^status 0$'
	not grep status <<<"$(guest_ctl revoke --cut-my-session "$SCANNER")"
	ctl status --json | jq -e '.authorised == []'
}

# hup WORDS: a reload by signal ends with these in the log.
hup() {
	: >"$WORK/stderr"
	kill -HUP "$CLOAKD"
	wait_until 10 grep "$1" "$WORK/stderr"
}

# Whoever sends a signal has no session, so nobody's is cut.
keeps_logins() {
	local said="cut the login session from $SCANNER port 40023 to $LAKE \
port 2222: $SCANNER is not authorised, and eth0 is cloaked; .*\"logins\""
	cp "$WORK/policy.toml" "$WORK/kept.toml"
	ctl apply "$WORK/open.toml"
	stay_from 40023
	cloakd_policy '[cloak]' 'logins = [22, 2222]' >"$WORK/policy.toml"
	hup 'not reloaded; nothing was changed'
	grep "$said" "$WORK/stderr"
	ctl_exits 1 reload | grep "$said"
	ctl status --json | jq -e ".policy.source == \"$WORK/open.toml\""
	ctl reload --cut-my-session
	hidden
	# It is cut already, that is no reason to change nothing.
	hup ': reloaded; '
	not grep 'not reloaded' "$WORK/stderr"
	ctl apply "$WORK/open.toml"
	mv "$WORK/kept.toml" "$WORK/policy.toml"
	hup ': reloaded; '
	hidden
	ctl apply "$WORK/open.toml"
	sees scanner
	leave_from 40023
}

# The policy has the host ask him, so what the host says to him is let out.
ends_session() {
	cloakd_policy '[[peers]]' 'name = "asked"' 'access = "outbound"' \
		"prefixes = [\"$SCANNER\"]" >"$WORK/asked.toml"
	ctl apply "$WORK/asked.toml"
	ctl authorise "$SCANNER"
	in_ns scanner socat - "TCP:$LAKE:2222" <"$WORK/fifo" >"$WORK/heard" &
	defer kill $!
	exec 9>"$WORK/fifo"
	echo 'sleep 2; echo spoken; sleep 1; echo more' >&9
	wait_until 10 eval "in_ns lake ss -tnpH 'dport = 2222 or sport = 2222' |
		grep 'ESTAB.*users:'"
	ctl revoke "$SCANNER" --cut-my-session
	wait_until 10 grep spoken "$WORK/heard"
	echo 'echo behind' >&9
	stays 4 not grep behind "$WORK/heard"
	exec 9>&-
	ctl apply "$WORK/open.toml"
}

keeps_session_alone() {
	cloakd_kill TERM
	ctl off
	guest_ctl on --policy "$WORK/policy.toml" |
		grep 'cut your own session'
	sees scanner
	guest_ctl on --policy "$WORK/open.toml" | grep '^status 0$'
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
cloakd_policy '[[peers]]' 'name = "guests"' "prefixes = [\"$SCANNER\"]" \
	'[alerts]' 'per_second = 50' '[[table]]' "address = \"$LAKE\"" \
	'[[table.rule]]' 'name = "echo"' 'protocol = "icmp"' \
	'verdict = "count"' 'counter = "ping"' >"$WORK/open.toml"
cloakd_start
ktap_run "diff shows what apply would change" diff_finds
ktap_run "diff in JSON" diff_in_json
ktap_run "diff compares with what is in force" diff_follows
ktap_run "diff tells of errors as check does" diff_refuses
ktap_run "a file in policy.d is part of the policy" dropped_in
ktap_run "errors name the file where they stand" faulty
cloakd_kill TERM
cloakd_start
ktap_run "a start reads it, too" sees scanner
ktap_run "a file taken out of policy.d is no more" taken_out
ktap_run "what nobody confirms is undone" unconfirmed
ktap_run "one trial at a time" one_at_a_time
ktap_run "what is confirmed stays" confirmed
ktap_run "no trial of what could not be undone" not_kept
ended KILL
ktap_run "a daemon that is killed has undone nothing yet" sees scanner
cloakd_start
ktap_run "the next daemon undoes it" undone_and_hidden
ktap_run "others are let in during a trial" let_in
cloakd_kill KILL
cloakd_start
ktap_run "the next daemon lets in who was" let_in_again
ended TERM
ktap_run "a daemon that ends undoes it before" hidden
cloakd_start
ktap_run "the daemon after it does not try it again" undone
edited
cloakd_kill KILL
cloakd_start
ktap_run "a policy file on trial is undone as well" still_refused
cloakd_kill KILL
cloakd_start
ktap_run "and stays so with each start" still_refused
ktap_run "until somebody says reload" reload_decides
ktap_run "a cloak that was off is off again" off_before
ktap_run "off ends a trial" off_meanwhile
log_in
ktap_run "no policy cuts the session of who applies it" keeps_session
ktap_run "nor the one that SSH_CONNECTION names, if it is there" keeps_named
ktap_run "unless told otherwise" cuts_if_told
ktap_run "nobody takes back what lets himself in" keeps_granted
ktap_run "a signal cuts off nobody who is logged in" keeps_logins
ktap_run "who is revoked is out, though the host may ask him" ends_session
ktap_run "without a daemon, too" keeps_session_alone
