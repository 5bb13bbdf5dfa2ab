#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a test reports: of its own subtests what ended them, and where it runs
# some of another one what became of these, and of no other.
#
# where: host
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

dir=$(mktemp -d)
defer rm -rf "$dir"

# script NAME: standard input is the body of a test.
script() {
	{
		printf '#!/usr/bin/env bash\n. %q\n' "$KTAP_LIB/ktap.sh"
		cat
	} >"$dir/$1"
	chmod +x "$dir/$1"
}

# reports STATUS [LINE...]: what a test says that has this body, but for notes.
reports() {
	local status=0 want=$1
	shift
	script outer
	"$dir/outer" >"$dir/said" || status=$?
	cat "$dir/said"
	grep -v '^#' "$dir/said" | diff - <(printf '%s\n' 'KTAP version 1' "$@")
	((status == want))
}

some() {
	reports 0 'ok 1 first' 'ok 2 works' 'ok 3 last' '1..3' <<-EOF
		ktap_run first true
		ktap_test $dir/inner works last
	EOF
	grep '^# clean-up: cleaned$' "$dir/said"
	not grep 'at the end' "$dir/said"
}

all() {
	reports 1 'ok 1 works' 'not ok 2 breaks' 'ok 3 last' \
		'ok 4 is left out # SKIP why not' 'not ok 5 inner passes' \
		'1..5' <<<"ktap_test $dir/inner"
}

failing() {
	reports 1 'not ok 1 breaks' 'not ok 2 inner passes' '1..2' \
		<<<"ktap_test $dir/inner breaks"
}

absent() {
	reports 1 'ok 1 works' 'not ok 2 nowhere' '1..2' \
		<<<"ktap_test $dir/inner works nowhere"
}

cut_short() {
	script short <<<'ktap_run begun true; exit 3; ktap_run never true'
	reports 1 'ok 1 begun' 'Bail out! ended early with status 3' \
		'not ok 2 never' 'not ok 3 short passes' '1..3' \
		<<<"ktap_test $dir/short begun never"
}

not_here() {
	script none <<<'ktap_skip_all "no reason"'
	reports 0 'ok 1 none # SKIP no reason' '1..1' \
		<<<"ktap_test $dir/none whatever"
}

# Also where the command that fails says nothing itself.
named() {
	reports 1 'not ok 1 differs' '1..1' <<-'EOF'
		differs() { [[ a == b ]]; true; }
		ktap_run differs differs
	EOF
	grep '^# outer:[0-9]*: \[\[ a == b \]\]$' "$dir/said"
}

file_gone() {
	reports 0 'ok 1 goes on' '1..1' <<-'EOF'
		. "$KTAP_LIB/wait.sh"
		gone() { until not says /nowhere/at-all text; do :; done; }
		ktap_run "goes on" gone
	EOF
}

script inner <<-'EOF'
	defer echo cleaned
	ktap_run works true
	ktap_run breaks false
	ktap_run last echo said
	ktap_skip "is left out" "why not"
	note "at the end"
EOF
ktap_run "those that are named" some
ktap_run "all of them" all
ktap_run "one that fails" failing
ktap_run "one that is not there" absent
ktap_run "one that ends early" cut_short
ktap_run "one that does not apply" not_here
ktap_run "what ended a subtest is named" named
ktap_run "a file that is gone ends none" file_gone
