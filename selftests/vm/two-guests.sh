#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Both kernels at the same time, with a disk each; the clock that counts
# instructions comes to the same figure twice.
#
# where: host
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"

dir=$(mktemp -d)
defer rm -rf "$dir"

# guest NAME OPTION... -- COMMAND: in the background, its output in a file.
guest() {
	local name=$1
	shift
	"$TOP/scripts/vm.sh" --timeout $((100 * ${CLOAK_SLOW:-1})) "$@" \
		>"$dir/$name" 2>&1 &
}

# shellcheck disable=SC2016 # for the guest
command='echo a >/dev/vda; read -r x </dev/vda; echo "$x $(uname -r)"'
guest one --kernel 6.1 --disk 8 -- bash -c "$command"
guest two --kernel 6.12 --disk 8 -- bash -c "$command"
wait
ktap_run "6.1 runs" grep -q '^a 6\.1\.' "$dir/one"
ktap_run "6.12 runs beside it" grep -q '^a 6\.12\.' "$dir/two"

# A loop of a fixed length, timed by the guest's clock, which is exact only to
# what interrupts and start-up add.
# shellcheck disable=SC2016 # for the guest
command='s=${EPOCHREALTIME/./}; for ((i = 0; i < 20000; i++)); do :; done
	echo $((${EPOCHREALTIME/./} - s))'
guest one --icount -- bash -c "$command"
guest two --icount -- bash -c "$command"
wait
a=$(<"$dir/one") b=$(<"$dir/two")
note "microseconds of guest time: $a and $b"
near() { ((a > 0 && (a - b) * 50 < a && (b - a) * 50 < a)); }
ktap_run "instruction clock repeats to 2 %" near
