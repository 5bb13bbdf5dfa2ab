#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is no error of a policy but hardly wanted is said wherever the policy is
# looked at or comes into force: rules that no packet meets, numbers for
# Prometheus that cannot be served, events that cannot be written, receivers from
# whom the host hides.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands curl jq socat

hidden_rule() {
	printf '%s\n' '[[table]]' "address = \"$LAKE\"" \
		'[[table.rule]]' 'verdict = "drop"' 'protocol = "tcp"' \
		'[[table.rule]]' 'name = "late"' 'verdict = "allow"' \
		'protocol = "tcp"' 'destination_port = 22'
}

# warned COMMAND...: says so on standard error, and does it.
warned() {
	"$@" 2>&1 >"$WORK/result" | tee "$WORK/said"
	grep "^cloakctl: warning: $WORK/policy.toml:$line:8: table.rule.name = \
\"late\": never asked, as the rule in line $((line - 4)) decides before" \
		"$WORK/said"
}

checked() {
	warned ctl check "$WORK/policy.toml"
	grep "policy.toml is right" "$WORK/result"
	warned ctl check --json "$WORK/policy.toml"
	jq -e --arg file "$WORK/policy.toml" --argjson line "$line" '
		.details[0] | .code == "rule_hidden" and .file == $file and
		.line == $line and .column == 8 and .key == "table.rule.name" and
		.value == "\"late\"" and (.reason | startswith("never"))' \
		"$WORK/result"
	jq -e '[.details[].text] == .warnings' <(
		jq 'del(.warnings[] | select(startswith("there is no")),
			.details[] | select(.code == "interface_absent"))' \
			"$WORK/result")
}

applied() {
	warned ctl apply --json "$WORK/policy.toml"
	jq -e '.details[0].code == "rule_hidden"' "$WORK/result"
	warned ctl reload
	warned ctl diff "$WORK/policy.toml"
	: >"$WORK/stderr"
	kill -HUP "$CLOAKD"
	wait_until 10 grep 'table.rule.name = "late": never asked' \
		"$WORK/stderr"
}

# serves ADDRESS-OR-PATH: a policy with numbers there.
serves() {
	cloakd_policy '[metrics]' "listen = \"$1\"" >"$WORK/policy.toml"
}

# complaints: how often the log says that nothing is served.
complaints() { grep -c 'cannot serve metrics' "$WORK/stderr" || true; }

# unserved ADDRESS REASON: at once in the answer, and in the log once.
unserved() {
	: >"$WORK/stderr"
	serves "$1"
	for _ in 1 2; do
		ctl reload 2>&1 | tee "$WORK/said"
		grep "^cloakctl: warning: cannot serve metrics at $1: $2" \
			"$WORK/said"
		grep '^reloaded$' "$WORK/said"
		ctl status
	done
	ctl apply --json "$WORK/policy.toml" 2>/dev/null |
		jq -e '.warnings[0] | startswith("cannot serve metrics")'
	(($(complaints) == 1)) || { cat "$WORK/stderr"; return 1; }
}

# in_use: somebody else has that port until the end of the subtest.
in_use() {
	ip netns exec "$(ns lake)" socat \
		TCP-LISTEN:9469,bind=127.0.0.1,reuseaddr,fork PIPE &
	local other=$!
	wait_until 10 eval "in_ns lake ss -tlnH 'sport = :9469' | grep ."
	unserved 127.0.0.1:9469 'Address already in use'
	kill "$other"
	wait_until 10 grep 'metrics are served at 127.0.0.1:9469' \
		"$WORK/stderr"
	in_ns lake curl -sS http://127.0.0.1:9469/ | grep '^cloaklake_on 1$'
	not grep warning <<<"$(ctl reload 2>&1)"
}

no_folder() {
	unserved "unix:$WORK/none/metrics.sock" 'No such file or directory'
	mkdir "$WORK/none"
	wait_until 10 test -S "$WORK/none/metrics.sock"
	in_ns lake curl -sS --unix-socket "$WORK/none/metrics.sock" \
		http://cloak/ | grep '^cloaklake_on 1$'
}

# said TEXT COMMAND...: a warning, of something that is done.
said() {
	local text=$1
	shift
	"$@" 2>&1 | tee "$WORK/said"
	((PIPESTATUS[0] == 0))
	grep -F "cloakctl: warning: $text" "$WORK/said"
}

# unsaid COMMAND...: no warning.
unsaid() {
	"$@" >"$WORK/said" 2>&1
	not grep warning "$WORK/said"
}

# written: is it in the file?
written() { grep "$1" "$WORK/missing/eve.json"; }

# Before there are events; and then in the log, once until it works again.
no_events() {
	local eve=$WORK/missing/eve.json
	cloakd_policy | sed "s|$WORK/eve.json|$eve|" >"$WORK/policy.toml"
	said "cannot write to $eve: No such file or directory" \
		ctl check "$WORK/policy.toml"
	ctl check --json "$WORK/policy.toml" 2>/dev/null |
		jq -e '.details[] | select(.code == "file_unwritable")'
	: >"$WORK/stderr"
	said "cannot write to $eve: No such file or directory; JSON events wait" \
		ctl reload
	in_ns scanner arping -c 1 -w 1 -S 10.0.9.80 -I eth0 "$LAKE" || true
	wait_until 20 eval "ctl status --json | jq -e '.outputs[] |
		select(.name == \"$eve\") | .failed >= 2'"
	(($(grep -c "error: cannot open $eve: No such file" "$WORK/stderr") == 1))
	mkdir "$WORK/missing"
	wait_until 20 written 10.0.9.80
	wait_until 10 grep "info: $eve is written again" "$WORK/stderr"
	ctl status | grep "^output   $eve: [1-9][0-9]* written, 0 waiting, 0 dropped$"
	unsaid ctl check "$WORK/policy.toml"
	unsaid ctl reload
}

# receives ADDRESS: a policy with a receiver there.
receives() {
	cloakd_policy '[[syslog]]' "to = \"tcp://$1:514\"" >"$WORK/policy.toml"
}

# Only of one from whom the host hides on the way that packets take now.
no_peer() {
	local text="syslog.to = \"tcp://10.0.9.77:514\": nothing reaches \
10.0.9.77, as it is none of the [[peers]] and eth0 is cloaked"
	local place
	receives 10.0.9.77
	place=$WORK/policy.toml:$(grep -n '^to = ' "$WORK/policy.toml" |
		cut -d: -f1):6
	said "$place: $text" ctl check "$WORK/policy.toml"
	said "$place: $text" ctl reload
	ctl apply --json "$WORK/policy.toml" 2>/dev/null |
		jq -e '.details[0] | .code == "receiver_not_peer" and .column == 6'
	for address in "$PEER" 127.0.0.1 "$LAKE"; do
		receives "$address"
		unsaid ctl check "$WORK/policy.toml"
		unsaid ctl reload
	done
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
cloakd_start
mapfile -t rules < <(hidden_rule)
cloakd_policy "${rules[@]}" >"$WORK/policy.toml"
line=$(grep -n '"late"' "$WORK/policy.toml" | cut -d: -f1)
ktap_run "check tells of a rule that is hidden" checked
ktap_run "so do apply, reload and diff" applied
ktap_run "metrics where another listens" in_use
ktap_run "metrics in a folder that is not there" no_folder
ktap_run "events in a folder that is not there" no_events
ktap_run "a receiver that is no peer" no_peer
