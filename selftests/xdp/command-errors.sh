#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each way in which cloakctl can fail has a word and an exit status, which
# scripts may rely on; with --json there is an object on standard output,
# whoever has found the error, and a sentence on standard error in any case.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq setpriv socat stdbuf

# fails EXIT WORD COMMAND...: with that exit status, object and a sentence.
fails() {
	local exit=$1 word=$2 got=0
	shift 2
	"$@" >"$WORK/object" 2>"$WORK/sentence" || got=$?
	cat "$WORK/object" "$WORK/sentence"
	((got == exit)) || { echo "exit status $got, not $exit"; return 1; }
	jq -se --arg word "$word" 'length == 1 and (.[0] | .ok == false and
		.error.code == $word and .error.message != "")' "$WORK/object"
	grep '^cloakctl: .' "$WORK/sentence"
}

usage() {
	fails 2 usage cloakctl --json
	fails 2 usage cloakctl --json check
	fails 2 usage cloakctl check --json
	fails 2 usage cloakctl -j nonsense
	fails 2 usage cloakctl --json apply "$WORK/policy.toml" --confirm
	fails 2 usage cloakctl status --json --loud
	fails 2 usage cloakctl top --delay soon --json
	fails 2 usage cloakctl flows --follow --top 3 --json
	fails 2 usage cloakctl --json help nonsense
	fails 2 usage cloakctl --json alerts --since ever
	grep 'status --help"' <<<"$(cloakctl status --loud 2>&1)"
	[[ -z $(cloakctl status --loud 2>/dev/null) ]]
	cloakctl --json --version
	cloakctl --json status --help
}

# cloak_is WORD: what status says of the cloak while no daemon runs.
cloak_is() {
	fails 3 no_daemon ctl --json status
	jq -e --arg word "$1" '.error.details.cloak == $word' "$WORK/object"
	grep "^cloak  *$1\$" <<<"$(ctl status 2>/dev/null)"
}

# stranger ARGUMENT...: cloakctl of who may do nothing.
stranger() {
	setpriv --reuid=65534 --regid=65534 --clear-groups cloakctl "$@"
}

no_daemon() {
	cloak_is off
	fails 3 no_daemon ctl --json apply "$WORK/policy.toml"
	fails 1 off ctl --json drops
	fails 1 off ctl --json flows
	fails 1 off ctl --json shadow list
	fails 1 failed cloakctl --json --socket "$WORK/policy.toml/none.sock" \
		counters
	chmod 755 "$WORK"
	chmod 644 "$WORK/policy.toml"
	fails 5 not_permitted stranger --json --socket "$WORK/none.sock" \
		--pin-dir "$WORK/bpf/cloak" on --policy "$WORK/policy.toml"
}

bad_files() {
	fails 1 unreadable ctl --json check "$WORK/none.toml"
	fails 1 unreadable ctl --json apply "$WORK/none.toml"
	fails 2 unreadable ctl --json diff "$WORK/none.toml"
	fails 1 unreadable ctl --json learn --from "$WORK/none.json"
	fails 4 policy ctl --json check "$WORK/bad.toml"
	jq -e '.error.details[0] | .line == 1 and .key == "output.text"' \
		"$WORK/object"
}

asked() {
	fails 4 policy ctl --json apply "$WORK/bad.toml"
	fails 4 policy ctl --json diff "$WORK/bad.toml"
	fails 2 bad_request ctl --json authorise 10.0.9.66/24
	fails 1 failed ctl --json revoke 10.0.9.77
	fails 1 failed ctl --json rules 10.0.9.77
}

# The daemon waits for nobody who may write to a pipe one day; the command does.
pipes() {
	mkdir "$WORK/policy.d"
	mkfifo "$WORK/policy.d/pipe.toml"
	fails 1 failed ctl --json --timeout 10s reload
	grep "$WORK/policy.d/pipe.toml is no regular file" "$WORK/sentence"
	rm -r "$WORK/policy.d"
	mv "$WORK/policy.toml" "$WORK/kept.toml"
	mkfifo "$WORK/policy.toml"
	fails 1 failed ctl --json --timeout 10s reload
	grep "$WORK/policy.toml is no regular file" "$WORK/sentence"
	mv "$WORK/kept.toml" "$WORK/policy.toml"
	cloakctl check <(cloakd_policy)
	cloakd_policy | cloakctl check /dev/stdin
}

# document ARGUMENT...: it is done, and one object says so.
document() {
	ctl --json "$@" >"$WORK/object"
	jq -se 'length == 1 and (.[0] | type == "object" and has("ok") == false)' \
		"$WORK/object" || { echo "of $1:"; cat "$WORK/object"; return 1; }
}

done_in_json() {
	document authorise 10.0.9.78
	document revoke 10.0.9.78
	document reload
	document apply "$WORK/policy.toml"
	document apply --confirm 1h "$WORK/policy.toml"
	document confirm
	document apply --confirm 1h "$WORK/policy.toml"
	document confirm --undo
	document shadow add 10.0.9.79
	document shadow drop 10.0.9.79
	document off
	document on
	document diff "$WORK/policy.toml"
	document check "$WORK/policy.toml"
}

# lost EXIT COMMAND...: what it says does not come out, and that is told.
lost() {
	local exit=$1 got=0
	shift
	"$@" >/dev/full 2>"$WORK/sentence" || got=$?
	cat "$WORK/sentence"
	((got == exit)) || { echo "exit status $got, not $exit"; return 1; }
	grep 'cannot write to standard output: No space' "$WORK/sentence"
}

# A reader that leaves is nobody's mistake; but it is not done.
unread() {
	local got=0
	mkfifo "$WORK/fifo"
	exec 7<>"$WORK/fifo"
	exec 8>"$WORK/fifo" 7>&-
	(trap '' PIPE; ctl status) >&8 2>"$WORK/sentence" || got=$?
	exec 8>&-
	((got == 1)) || { echo "exit status $got"; return 1; }
	not grep . "$WORK/sentence"
}

output_lost() {
	lost 1 ctl status
	lost 1 ctl --json status
	lost 1 stdbuf -o0 cloakctl help
	lost 1 cloakctl --help
	lost 1 cloakctl --version
	lost 1 cloakd --version
	lost 2 ctl diff "$WORK/policy.toml"
	lost 4 ctl --json check "$WORK/bad.toml"
	lost 1 timeout 60 ip netns exec "$(ns lake)" cloakctl --json \
		--socket "$WORK/control.sock" top -d 0.1
	unread
}

# unwelcome: who is neither root nor in the group.
unwelcome() {
	chmod 755 "$WORK"
	fails 5 not_permitted stranger --json --socket "$WORK/control.sock" \
		status
	chmod 666 "$WORK/control.sock"
	fails 5 not_permitted stranger --json --socket "$WORK/control.sock" \
		status
}

on_trial() {
	ctl apply --confirm 1h "$WORK/policy.toml"
	fails 1 on_trial ctl --json apply "$WORK/policy.toml"
	fails 1 on_trial ctl --json reload
	ctl confirm
	fails 1 failed ctl --json confirm
}

# log_in: a connection from the peer to the lake, which SSH_CONNECTION names.
log_in() {
	ip netns exec "$(ns lake)" socat "TCP-LISTEN:2222,bind=$LAKE" PIPE &
	defer kill "$!"
	wait_until 10 eval "in_ns lake ss -tlnH 'sport = :2222' | grep ."
	ip netns exec "$(ns peer)" socat "TCP:$LAKE:2222,bind=$PEER:40022" PIPE &
	defer kill "$!"
	wait_until 10 eval "in_ns lake ss -tnH 'dport = :40022' | grep ESTAB"
	export SSH_CONNECTION="$PEER 40022 $LAKE 2222"
}

would_cut() {
	cloakd_policy | sed "s/$PEER/10.0.9.11/" >"$WORK/cuts.toml"
	fails 1 would_cut ctl --json apply "$WORK/cuts.toml"
	fails 1 would_cut ctl --json apply --confirm 1h "$WORK/cuts.toml"
	ctl off
	fails 1 off ctl --json drops
	fails 1 off ctl --json authorise 10.0.9.77
	fails 1 off ctl --json shadow add 10.0.9.77
	fails 1 off ctl --json sources
	cloakd_kill TERM
	fails 1 would_cut ctl --json on -f "$WORK/cuts.toml"
}

# answers WORD EXIT SAYS: what comes of a daemon that says that.
answers() {
	printf '%s\n' "$3" >"$WORK/says"
	socat "UNIX-LISTEN:$WORK/fake.sock,unlink-early" \
		"SYSTEM:head -n 1 >/dev/null; cat $WORK/says" &
	wait_until 10 test -S "$WORK/fake.sock"
	fails "$2" "$1" cloakctl --json --socket "$WORK/fake.sock" counters
	wait "$!" || true
	rm -f "$WORK/fake.sock"
}

strange_daemons() {
	answers no_answer 1 nonsense
	answers no_answer 1 '{"ok": false}'
	answers busy 1 '{"ok": false, "error": {"code": "busy"}}'
	answers unknown_command 1 \
		'{"ok": false, "error": {"code": "unknown_command"}}'
	answers failed 1 '{"ok": false, "error": {"code": "of tomorrow"}}'
}

# locked_events: the file with them is where the caller may not look.
locked_events() {
	mkdir -m 700 "$WORK/locked"
	cat >"$WORK/fake" <<-EOF
		read -r line
		case \$line in
		*status*) echo '{"ok": true, "result": {"outputs": [{"name":
			"$WORK/locked/eve.json"}]}}' | tr -d '\n'; echo ;;
		*) echo '{"ok": true, "result": []}' ;;
		esac
	EOF
	chmod 755 "$WORK"
	socat "UNIX-LISTEN:$WORK/fake.sock,fork,mode=666" \
		"EXEC:bash $WORK/fake" >"$WORK/socat" 2>&1 &
	# shellcheck disable=SC2064 # of this one
	trap "kill $!" EXIT
	wait_until 10 test -S "$WORK/fake.sock"
	fails 1 unreadable stranger --json --socket "$WORK/fake.sock" learn
	rm "$WORK/fake.sock"
}

# silent_later: a daemon that says a first thing and then hangs.
silent_later() {
	echo '{"ok": true, "result": {"cloak": "off"}}' >"$WORK/says"
	socat "UNIX-LISTEN:$WORK/fake.sock" \
		"SYSTEM:head -n 1 >/dev/null; cat $WORK/says; cat >/dev/null" \
		>"$WORK/socat" 2>&1 &
	wait_until 10 test -S "$WORK/fake.sock"
	fails 1 no_answer cloakctl --json --timeout 300ms \
		--socket "$WORK/fake.sock" top --once
	rm -f "$WORK/fake.sock"
}

# cloak_alone: it stays on when the daemon is killed; who may see that is told.
cloak_alone() {
	CLOAKD=$(<"$WORK/cloakd.pid")
	ctl on
	cloakd_kill KILL
	cloak_is on
	chmod 755 "$WORK"
	fails 3 no_daemon stranger --json --socket "$WORK/none.sock" \
		--pin-dir "$WORK/bpf/cloak" status
	jq -e '.error.details | .cloak == "unknown" and
		(.reason | test("denied"))' "$WORK/object"
	grep '^cloak  *unknown: .*denied' <<<"$(stranger \
		--socket "$WORK/none.sock" --pin-dir "$WORK/bpf/cloak" \
		status 2>/dev/null)"
	fails 5 not_permitted stranger --json --socket "$WORK/none.sock" \
		--pin-dir "$WORK/bpf/cloak" off
	cloak_is on
}

# hung_daemon: one that hears and says nothing.
hung_daemon() {
	local i
	cloakd_start
	kill -STOP "$CLOAKD"
	fails 1 no_answer ctl --json --timeout 300ms counters
	fails 1 no_answer ctl --json --timeout 300ms alerts --follow
	# Each leaves a connection behind, until there is room for no more.
	for ((i = 0; i < 20; i++)); do
		fails 1 no_answer ctl --json --timeout 50ms counters
	done
	fails 1 no_answer ctl --json --timeout 300ms status
	fails 1 no_answer ctl --json --timeout 300ms off
	kill -CONT "$CLOAKD"
	ctl --timeout 0s counters >/dev/null
	fails 2 usage ctl --json --timeout soon counters
}

# documented: the manual has each word, and no other.
documented() {
	local words manual=$TOP/Documentation/man/cloakctl.8.rst
	words=$(sed -n 's/.*{Failure::[A-Za-z]*, "\(.*\)"}.*/\1/p' \
		"$TOP/xdp/model/control.cpp" | sort)
	[[ $words == "$(sed -n 's/^[1-5]  *\([a-z_]*\)  .*/\1/p' "$manual" |
		sort)" ]] || { echo "the manual has others"; return 1; }
	grep -c . <<<"$words"
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
{
	echo 'output.text = 7'
	cloakd_policy | sed 1,3d
} >"$WORK/bad.toml"
ktap_run "usage" usage
ktap_run "no_daemon, and off" no_daemon
ktap_run "unreadable, and policy" bad_files
cloakd_start
ktap_run "what the daemon refuses" asked
ktap_run "pipes" pipes
ktap_run "not_permitted" unwelcome
ktap_run "what is done is an object" done_in_json
ktap_run "output that is lost" output_lost
ktap_run "on_trial" on_trial
log_in
ktap_run "would_cut, and off" would_cut
ktap_run "no_answer, busy, unknown_command" strange_daemons
ktap_run "no_answer within a time" hung_daemon
ktap_run "no_answer later" silent_later
ktap_run "unreadable, where nobody may look" locked_events
ktap_run "no_daemon, and what status says" cloak_alone
ktap_run "the manual has each word" documented
