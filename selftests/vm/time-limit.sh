#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A guest never outlives its time limit, nor the script that started it.
#
# where: host
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

# machines: processes of QEMU whose guest was started for this tree by a script
# that descends from this test.
machines() {
	local p
	for p in $(pgrep -f "cloak.top=$TOP "); do
		descends "$p" && echo "$p"
	done
	return 0
}

# descends PID: is it a child of the script started last?
descends() { [[ $(ps -o ppid= -p "$1" | tr -d ' ') == "$script" ]]; }
running() { [[ -n $(machines) ]]; }

start=$SECONDS status=0
"$TOP/scripts/vm.sh" --timeout 8 -- sleep 1000 >/dev/null 2>&1 || status=$?
ktap_run "limit has a status of its own" test "$status" == 124
ktap_run "limit is kept" test "$((SECONDS - start))" -le $((15 * ${CLOAK_SLOW:-1}))

"$TOP/scripts/vm.sh" --timeout 60 -- sleep 1000 >/dev/null 2>&1 &
script=$!
wait_until 20 running
machine=$(machines)
kill -KILL "$script"
gone() { ! kill -0 "$machine"; }
ktap_run "guest goes with a script that is killed" wait_until 10 gone
