# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Allocations that fail, in a kernel with fault injection: those that a
# function of one module asks for, itself or by what it calls. Needs ktap.sh. To
# be sourced in a guest.

INJECT_KINDS=(failslab fail_page_alloc)
INJECT_TIMES=1000000

# inject_set KEY VALUE: for every kind of allocation.
inject_set() {
	local kind
	for kind in "${INJECT_KINDS[@]}"; do
		echo "$2" >"/sys/kernel/debug/$kind/$1"
	done
}

# inject_into MODULE: from now on it is this one that gets no memory; loaded
# anew, it has to be said again. Also where it would wait for memory, and each
# failure has a line in the kernel log, by which the gate tells the traces that
# follow from others.
inject_into() {
	local addresses
	mapfile -t addresses < <(awk -v module="[$1]" \
		'$4 == module && tolower($2) == "t" { print $1 }' \
		/proc/kallsyms | sort | sed -n '1p; $p')
	inject_set probability 0
	inject_set require-start "0x${addresses[0]}"
	inject_set require-end "$(printf '%#x' \
		$(((0x${addresses[1]} | 0xfff) + 1)))"
	inject_set ignore-gfp-wait N
	inject_set verbose 1
	inject_set verbose_ratelimit_interval_ms 0
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
}

# inject_within FRAMES COMMAND...: what the module calls counts only where that
# is no more than so many calls away, some five of the allocator's own included;
# farther away than 32 it never does.
inject_within() {
	local status=0
	inject_set stacktrace-depth "$1"
	"${@:2}" || status=$?
	inject_set stacktrace-depth 32
	return "$status"
}

# inject_count: failures since inject_one_in.
inject_count() {
	local kind left count=0
	for kind in "${INJECT_KINDS[@]}"; do
		left=$(<"/sys/kernel/debug/$kind/times")
		count=$((count + INJECT_TIMES - left))
	done
	echo "$count"
}

# inject_one_in N COMMAND...: while the command runs, one allocation in N fails,
# by chance, and at least one in all; the command's exit status is passed on.
inject_one_in() {
	local status=0
	inject_set times $INJECT_TIMES
	inject_set interval $(($1 / 4))
	inject_set probability 25
	"${@:2}" || status=$?
	inject_set probability 0
	echo "$(inject_count) allocations failed"
	(($(inject_count) > 0)) && return "$status"
}
