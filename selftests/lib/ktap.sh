# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# KTAP output for one test file: subtests are numbered and named here, the plan
# is printed at the end, clean-up runs last in first out. To be sourced first:
#
#   . "$(dirname "$0")/../lib/ktap.sh"
#   ktap_run "reads back what was written" some_function argument
#
# A file that exits before its end, or with no subtest at all, has failed.
set -euo pipefail

KTAP_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the tests
TOP=$(cd "$KTAP_LIB/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

ktap_count=0
ktap_failed=0
ktap_skipped=0
ktap_planned=''
ktap_bailed=no
declare -A ktap_names=()
ktap_deferred=()

# defer COMMAND...: runs it when the test ends, after what is deferred later.
defer() {
	local quoted
	printf -v quoted '%q ' "$@"
	ktap_deferred+=("$quoted")
}

# note TEXT...: a line for whoever reads the log.
note() { printf '# %s\n' "$*"; }

# ktap_plan N: states beforehand how many subtests there are; optional.
ktap_plan() {
	ktap_planned=$1
	printf '1..%d\n' "$1"
}

# ktap_result STATUS NAME [SUFFIX]
ktap_result() {
	ktap_count=$((ktap_count + 1))
	if [[ -n ${ktap_names[$2]:-} ]]; then
		note "two subtests are named '$2'"
		set -- "not ok" "$2" ""
	fi
	ktap_names[$2]=1
	[[ $1 == ok ]] || ktap_failed=$((ktap_failed + 1))
	printf '%s %d %s%s\n' "$1" "$ktap_count" "$2" "${3:-}"
}

ktap_ok() { ktap_result ok "$1"; }

# ktap_fail NAME [REASON...]
ktap_fail() {
	local name=$1
	shift
	(($# == 0)) || note "$*"
	ktap_result "not ok" "$name"
}

# ktap_skip NAME REASON...: for what does not apply here, as a kernel without
# TLS; for a missing program or feature use ktap_need.
ktap_skip() {
	local name=$1
	shift
	: "${1:?a skip needs a reason}"
	ktap_chosen "$name" || return 0
	ktap_skipped=$((ktap_skipped + 1))
	ktap_result ok "$name" " # SKIP $*"
}

# ktap_run NAME COMMAND...: a subtest passes if the command (as a rule a
# function) does. It runs in a subshell with "set -e"; what it prints becomes
# diagnostics.
ktap_run() {
	local name=$1 status=0 flags=$- ktap_level=$((BASH_SUBSHELL + 1))
	shift
	ktap_chosen "$name" || return 0
	set +e
	(
		set -eE
		trap ktap_where ERR
		"$@"
	) 2>&1 | sed -u 's/^/# /'
	status=${PIPESTATUS[0]}
	[[ $flags != *e* ]] || set -e
	if ((status == 0)); then
		ktap_ok "$name"
	else
		ktap_fail "$name" "status $status of: $*"
	fi
	ktap_more_to_run || exit 0
}

# ktap_where: says which command ended a subtest, by the trap of that name. What
# fails in a command substitution does not end it.
ktap_where() {
	((BASH_SUBSHELL == ktap_level)) || return 0
	echo "${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $BASH_COMMAND"
}

# ktap_chosen NAME: is it one of the subtests to run, see ktap_test?
ktap_chosen() {
	[[ -z ${KTAP_CHOSEN:-} || $'\n'$KTAP_CHOSEN$'\n' == *$'\n'"$1"$'\n'* ]]
}

# ktap_more_to_run: is a chosen one still to come, or was none chosen?
ktap_more_to_run() {
	[[ -n ${KTAP_CHOSEN:-} ]] || return 0
	local name
	while IFS= read -r name; do
		[[ -n ${ktap_names[$name]:-} ]] || return 0
	done <<<"$KTAP_CHOSEN"
	return 1
}

# ktap_test FILE [NAME...]: subtests of another test, run as a program of its
# own, are subtests of this one; all of them, or those that are named. With
# the last of these, run by ktap_run, it ends.
ktap_test() {
	local file=$1 line status=0 name
	shift
	while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*) ktap_relay "$line" ;;
		"1..0 # SKIP "*) ktap_skip "${file##*/}" "${line#*SKIP }" ;;
		"KTAP version "* | 1..*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done < <(KTAP_CHOSEN=$(printf '%s\n' "$@") exec "$file" </dev/null 2>&1)
	wait "$!" || status=$?
	((status == 4)) && return
	for name in "$@"; do
		[[ -n ${ktap_names[$name]:-} ]] ||
			ktap_fail "$name" "${file##*/} did not come to that"
	done
	((status == 0)) || ktap_fail "${file##*/} passes" "status $status"
}

# ktap_relay LINE: the result of a subtest elsewhere.
ktap_relay() {
	local verdict=${1%%ok *}ok name=${1#*ok } suffix=''
	name=${name#* }
	if [[ $name == *" # SKIP "* ]]; then
		ktap_skipped=$((ktap_skipped + 1))
		suffix=" # SKIP ${name#* # SKIP }"
		name=${name%% # SKIP *}
	fi
	ktap_result "$verdict" "$name" "$suffix"
}

# ktap_bail REASON...: nothing more can be tested.
ktap_bail() {
	ktap_bailed=yes
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# ktap_skip_all REASON...: the whole file does not apply.
ktap_skip_all() {
	((ktap_count == 0)) || ktap_bail "skipped late: $*"
	ktap_planned=0
	printf '1..0 # SKIP %s\n' "$*"
	exit 4
}

# ktap_need WHAT COMMAND...: skips the file if the command fails, because WHAT
# is missing; where everything must be there (CI), that is a failure.
ktap_need() {
	local what=$1
	shift
	"$@" >/dev/null 2>&1 && return
	if [[ ${CI:-} == true || ${EXPECT_ALL_FEATURES:-} == 1 ]]; then
		ktap_bail "missing here, where nothing may be: $what"
	fi
	ktap_skip_all "missing: $what"
}

# ktap_need_commands COMMAND...
ktap_need_commands() {
	local c
	for c in "$@"; do
		ktap_need "command $c" command -v "$c"
	done
}

# ktap_gtest PROGRAM [ARGUMENT...]: every case of a GoogleTest program is a
# subtest.
ktap_gtest() {
	local log status=0 line name
	log=$(mktemp)
	"$@" --gtest_color=no >"$log" 2>&1 || status=$?
	while IFS= read -r line; do
		# By the shell alone: a process for each line takes a guest longer
		# than the tests.
		name=${line#*"] "}
		name=${name%%[ ,(]*}
		case $line in
		"[       OK ] "*) ktap_ok "$name" ;;
		"[  SKIPPED ] "*"("*) ktap_skip "$name" "as the program says" ;;
		"[  FAILED  ] "*"("*" ms)") ktap_fail "$name" ;;
		*) note "$line" ;;
		esac
	done <"$log"
	rm -f "$log"
	((status == 0)) || ktap_fail "${1##*/} exits with success" "$status"
}

# ktap_finish: end of every test, by trap.
ktap_finish() {
	local status=$? i
	trap - EXIT
	set +e
	for ((i = ${#ktap_deferred[@]} - 1; i >= 0; i--)); do
		eval "${ktap_deferred[i]}" 2>&1 | sed -u 's/^/# clean-up: /'
	done
	((status != 4 || ktap_count > 0)) || exit 4
	if ((status != 0 && ktap_failed == 0)) && [[ $ktap_bailed == no ]]; then
		printf 'Bail out! ended early with status %d\n' "$status"
	fi
	[[ -n $ktap_planned ]] || printf '1..%d\n' "$ktap_count"
	note "pass:$((ktap_count - ktap_failed - ktap_skipped))" \
		"fail:$ktap_failed skip:$ktap_skipped"
	((status == 0 && ktap_failed == 0 && ktap_count > 0)) || exit 1
	exit 0
}

trap ktap_finish EXIT
printf 'KTAP version 1\n'
