#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The cloak's user space under the address, undefined behaviour and leak
# sanitizers: its unit tests, then daemon and command for once from the start to
# the end with all that has buffers. What has threads is under the thread
# sanitizer. Any report fails.
#
# where: host
# asked: yes
# timeout: 1500
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need "clang with sanitizers" \
	test -n "$(clang -print-file-name=libclang_rt.tsan-x86_64.a | grep /)"
ktap_need_commands curl jq nmap setarch

REPORT=99 # the exit status of a program that had something to report

build() {
	make -s -C "$TOP/xdp" O="$TOP/build/xdp" sanitized
}

# quietly COMMAND...: says only what a program that has failed said at last.
quietly() {
	local status=0
	"$@" >"$WORK/said" 2>&1 || status=$?
	((status == 0)) || tail -n 60 "$WORK/said"
	grep -E '^\[  (PASSED|SKIPPED)' "$WORK/said" | head -n 1
	return "$status"
}

# The kernel's random addresses may be where the sanitizer wants its own.
threads() { quietly setarch -R "$TOP/build/xdp/sanitized/threads"; }

units() { quietly "$TOP/build/xdp/sanitized/unit"; }

policy() {
	cloakd_policy '[flows]' 'idle = "2s"' 'all = true' \
		'[metrics]' "listen = \"unix:$WORK/metrics.sock\"" \
		'[[ipfix]]' 'to = "udp://127.0.0.1:4740"' \
		'[[ipfix]]' 'to = "tcp://127.0.0.1:4741"' \
		'[[syslog]]' 'to = "tcp://127.0.0.1:4742"' "$@"
}

rules() {
	policy '[[table]]' "address = \"$LAKE\"" '[[table.rule]]' \
		'name = "logins"' 'protocol = "tcp"' 'destination_port = 22' \
		'state = "new"' 'verdict = "drop"'
}

scan() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0 -sS \
		-p 1-200 "$LAKE"
	wait_until 60 events '.event_type == "alert"'
	wait_until 60 eval 'ctl sources --json | jq -e "length > 0"'
}

apply() {
	rules >"$WORK/rules.toml"
	ctl check "$WORK/rules.toml"
	ctl_exits 1 diff "$WORK/rules.toml"
	ctl apply --confirm 60s "$WORK/rules.toml"
	ctl confirm
	echo 'verdict = "maybe"' | ctl_exits 4 apply -
	in_ns peer nmap -n -Pn --disable-arp-ping -sT -p 22,80 "$LAKE"
	ctl rules
	ctl counters
	ctl authorise 10.0.9.77 --for 1h
	ctl revoke 10.0.9.77
	ctl reload
}

# One receiver never says whether it is there, the others are not.
flows() {
	scan >"$WORK/nmap"
	wait_until 60 eval 'ctl flows --json | jq -e "length > 0"'
	wait_until 60 events '.event_type == "flow"'
	wait_until 60 eval "ctl status --json | jq -e '[.outputs[] |
		select(.name | test(\"4740|4742\")) | .written + .waiting] |
		all(. > 0)'"
	in_ns peer ping -n -q -c 2 "$LAKE"
	wait_until 60 ctl learn
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://cloak/metrics >"$WORK/metrics"
	ctl alerts
	ctl drops
	ctl shadow
	ctl status
}

# ended STATUS: the daemon has, and neither it nor any command has a report.
ended() {
	local reports
	tail -n 5 "$WORK/stderr"
	reports=$(find "$WORK" -maxdepth 1 -name 'report.*')
	[[ -z $reports ]] || { cat "$WORK"/report.*; return 1; }
	(($1 == 0)) || { echo "exit status $1"; return 1; }
}

ktap_run "programs are built" build
cloak_lab
PATH=$TOP/build/xdp/sanitized:$PATH
export TSAN_OPTIONS=halt_on_error=1:exitcode=$REPORT
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=$REPORT
export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:exitcode=$REPORT
ktap_run "what has threads has no data races" threads
ktap_run "unit tests" units
ASAN_OPTIONS+=:log_path=$WORK/report
UBSAN_OPTIONS+=:log_path=$WORK/report
policy >"$WORK/policy.toml"
cloakd_start
ktap_run "the daemon survives a scan" scan
ktap_run "policies" apply
ktap_run "flows, and who receives them" flows
kill -TERM "$CLOAKD"
status=0
wait "$CLOAKD" || status=$?
ktap_run "it ends without a report, a leak or an error" ended "$status"
