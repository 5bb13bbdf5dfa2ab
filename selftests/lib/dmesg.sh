# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The gate on the kernel log: reports that are a failure wherever they appear.
# To be sourced.

# One extended regular expression a line.
dmesg_reports() {
	cat <<-'EOF'
	WARNING:[[:space:]]
	BUG:[[:space:]]
	Oops
	Kernel panic
	general protection fault
	kernel BUG at
	Call Trace:
	KASAN:
	UBSAN:
	UMIP:
	kmemleak: [0-9]+ new suspected memory leaks
	INFO: task .* blocked for more than
	INFO: rcu.*(stall|detected)
	rcu: INFO: .*(stall|detected)
	INFO: possible .* dead ?lock
	INFO: trying to register non-static key
	possible recursive locking detected
	suspicious RCU usage
	inconsistent lock state
	held lock freed
	lock held when returning to user space
	ODEBUG:
	list_(add|del) corruption
	refcount_t:[[:space:]]
	workqueue lockup
	sleeping function called from invalid context
	scheduling while atomic
	soft lockup
	hard LOCKUP
	Unable to handle kernel
	stack segment fault
	unregister_netdevice: waiting for
	detected buffer overflow
	EOF
}

# What stock kernels say in every guest, or under fault injection, and means
# no harm.
dmesg_harmless() {
	cat <<-'EOF'
	FAULT_INJECTION: forcing a failure
	EOF
}

# dmesg_gate FILE: prints the lines of FILE that must not be there; fails if
# there are any. "Call Trace:" after an injected fault is no report.
dmesg_gate() {
	local found
	found=$(awk '/FAULT_INJECTION: forcing/ { injected = 1 }
		/Call Trace:/ && injected { injected = 0; next }
		{ print }' "$1" |
		grep -aEv -f <(dmesg_harmless) |
		grep -aEn -A 12 -f <(dmesg_reports) | head -n 60) || true
	[[ -z $found ]] && return
	printf '%s\n' "$found"
	return 1
}
