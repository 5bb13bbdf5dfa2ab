#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs one test in the guest, then sees that it left nothing behind: both
# modules can be unloaded, and a kernel with kmemleak has no leak to report.
#
# usage (by selftests/run.sh): run-test.sh FILE
set -uo pipefail

leaks=/sys/kernel/debug/kmemleak

# unload_all: what still has users must not; unloading waits for the last work.
unload_all() {
	local m i status=0
	for m in nvme-tcp nvmet-tcp; do
		for ((i = 0; i < 50; i++)); do
			[[ -d /sys/module/${m//-/_} ]] || break
			rmmod "$m" 2>/dev/null && break
			sleep 0.2
		done
		[[ -d /sys/module/${m//-/_} ]] || continue
		echo "# left behind: $m is in use and cannot be unloaded"
		status=1
	done
	return "$status"
}

# scan: twice, because an object counts once it was unreferenced both times.
scan() {
	[[ -e $leaks ]] || return 0
	local report
	echo scan >"$leaks"
	sleep 6
	echo scan >"$leaks"
	report=$(sed 's/^/# /' "$leaks")
	[[ $report == *unreferenced* ]] || return 0
	echo "# left behind: memory that nothing refers to"
	printf '%s\n' "$report"
	return 1
}

if [[ -e $leaks ]]; then
	echo scan=off >"$leaks"
	echo clear >"$leaks"
fi
status=0
"$1" 2>&1 || status=$?
unload_all || ((status)) || status=1
scan || ((status)) || status=1
exit "$status"
