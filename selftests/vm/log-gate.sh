#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A report in the kernel log fails a command that succeeded.
#
# where: host
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/dmesg.sh"

dir=$(mktemp -d)
defer rm -rf "$dir"

# guest COMMAND: its status and what was said.
guest() {
	status=0
	"$TOP/scripts/vm.sh" --timeout $((60 * ${CLOAK_SLOW:-1})) -- \
		bash -c "$1" \
		>"$dir/said" 2>&1 || status=$?
}

gated() { ! printf '%s\n' "$1" | dmesg_gate /dev/stdin; }
passes() { printf '%s\n' "$1" | dmesg_gate /dev/stdin; }

while IFS= read -r line; do
	ktap_run "gated: $line" gated "[    9.1] $line"
done <<-'EOF'
	WARNING: CPU: 1 PID: 7 at net/core/dev.c:1 f+0x1/0x2
	BUG: KASAN: slab-use-after-free in nvmet_tcp_recv+0x1/0x2
	UBSAN: shift-out-of-bounds in drivers/nvme/tcp/recv.c:3:9
	WARNING: possible circular locking dependency detected
	INFO: task fio:123 blocked for more than 60 seconds.
	rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
	kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
	ODEBUG: free active (active state 0) object: 0 object type: work_struct
	Oops: Oops: 0000 [#1] PREEMPT SMP
	refcount_t: underflow; use-after-free.
EOF

while IFS= read -r line; do
	ktap_run "passes: $line" passes "[    9.1] $line"
done <<-'EOF'
	nvme nvme0: creating 2 I/O queues.
	FAULT_INJECTION: forcing a failure.
	systemd-udevd[77]: Debug mode is off
EOF

guest 'echo "<4>BUG: made up" >/dev/kmsg; exit 0'
ktap_run "a report fails a command that succeeded" test "$status" == 125
ktap_run "the line is shown" grep -q 'BUG: made up' "$dir/said"

guest 'echo c >/proc/sysrq-trigger; sleep 60'
ktap_run "a crash is reported" test "$status" == 125
ktap_run "its back trace is shown" grep -q sysrq_handle_crash "$dir/said"
