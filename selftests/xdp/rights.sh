#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon with the capabilities that its unit leaves it, on kernels that ask
# for CAP_SYS_ADMIN to open perf events (kernel.perf_event_paranoid is 3): it
# starts, gives up what only the start takes, and has no need of it later.
#
# where: guest
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping jq setpriv taskset

# unit_rights: the bounding set of the unit as setpriv(1) takes it.
unit_rights() {
	sed -n 's/^CapabilityBoundingSet=//p' "$TOP/xdp/etc/cloakd.service" |
		sed 's/CAP_/,+/g; s/ //g; s/.*/-all&/' | tr '[:upper:]' '[:lower:]'
}

# with_rights SET: from now on cloakd_start starts it with no more than these.
with_rights() {
	cat >"$WORK/bin/cloakd" <<-EOF
		#!/bin/sh
		exec setpriv --bounding-set=$1 --inh-caps=-all --no-new-privs \\
			-- "$TOP/build/xdp/cloakd" "\$@"
	EOF
	chmod +x "$WORK/bin/cloakd"
}

# paranoid N: who may open perf events.
paranoid() { echo "$1" >/proc/sys/kernel/perf_event_paranoid; }

# cpu1 0|1: takes that CPU away and brings it back.
cpu1() { echo "$1" >/sys/devices/system/cpu/cpu1/online; }

# rings: how many perf events the daemon has open, some for each CPU.
rings() {
	find "/proc/$CLOAKD/fd" -lname 'anon_inode:\[perf_event\]' | wc -l
}

# rings_are N: it looks for other CPUs each second.
rings_are() { (($(rings) == $1)); }

# every FIELD VALUE: what all threads of the daemon have.
every() {
	local values
	values=$(cat "/proc/$CLOAKD/task"/*/status | sed -n "s/^$1:\t//p" |
		sort -u)
	[[ $values == "$2" ]] || { echo "$1 is $values, not $2"; return 1; }
}

# told_of ADDRESS [COMMAND...]: a probe in that name raises an alert.
told_of() {
	local address=$1
	shift
	not "$@" ip netns exec "$(ns scanner)" \
		arping -c 1 -w 1 -S "$address" -I eth0 "$LAKE"
	wait_until 30 events ".event_type == \"alert\" and
		.src_ip == \"$address\""
}

# Exactly net_admin (12), perfmon (38) and bpf (39) are left.
given_up() {
	local field threads=("/proc/$CLOAKD/task"/*)
	((${#threads[@]} > 1))
	for field in CapEff CapPrm CapBnd; do
		every "$field" 000000c000001000
	done
	every CapInh 0000000000000000
	hidden
}

off_and_on() {
	ctl off
	sees scanner
	ctl on
	hidden
	told_of 10.0.9.68
}

evidence_elsewhere() {
	sed "s|^folder = .*|folder = \"$WORK/elsewhere\"|" \
		"$WORK/policy.toml" >"$WORK/elsewhere.toml"
	ctl apply "$WORK/elsewhere.toml"
	told_of 10.0.9.69
	wait_until 30 eval "compgen -G '$WORK/elsewhere/*.pcapng'"
	ctl reload
}

# It is said, and nothing else is the worse for it.
no_run_time() {
	printf '[metrics]\nrun_time = true\n' | cat "$WORK/policy.toml" - \
		>"$WORK/measured.toml"
	ctl apply "$WORK/measured.toml"
	grep 'cannot measure programs: .*; metrics.run_time needs a restart' \
		"$WORK/stderr"
	ctl reload
	hidden
}

# ended: the daemon, whichever subtest has started it, is no more.
ended() {
	local pid
	pid=$(<"$WORK/cloakd.pid")
	kill "$pid"
	wait_while 30 kill -0 "$pid"
}

said_once() { (($(grep -c ' of CPU 1: ' "$WORK/stderr") == 1)); }

# Whose events may be read is read; else that is said, and the next one can.
cpu_comes() {
	local both
	both=$(rings)
	((both > 0 && both % 2 == 0)) || { echo "$both rings"; return 1; }
	paranoid 2
	cpu1 0
	wait_until 30 rings_are $((both / 2))
	cpu1 1
	wait_until 30 rings_are "$both"
	told_of 10.0.9.70 taskset -c 1
	cpu1 0
	wait_until 30 rings_are $((both / 2))
	paranoid 3
	cpu1 1
	wait_until 30 said_once
	stays 3 said_once
	hidden
	ended
	cloakd_start
	told_of 10.0.9.71 taskset -c 1
}

# For one that is started again it is reason to end.
supervised() {
	local status=0
	ended
	cpu1 0
	NOTIFY_SOCKET=$WORK/notify cloakd_start
	cpu1 1
	wait "$CLOAKD" || status=$?
	((status == 1))
	hidden
}

# least: without CAP_SYS_ADMIN it starts where that is not asked for.
least() {
	with_rights -all,+bpf,+net_admin,+perfmon
	not in_ns lake cloakd --policy "$WORK/policy.toml" \
		--socket "$WORK/control.sock" --pin-dir "$WORK/bpf/cloak" \
		--state-dir "$WORK/state" >"$WORK/refused" 2>&1
	cat "$WORK/refused"
	grep 'cannot open the perf buffer events of CPU 0: ' "$WORK/refused"
	paranoid 2
	cloakd_start
	hidden
}

cloak_lab
mkdir "$WORK/bin"
PATH=$WORK/bin:$PATH
with_rights "$(unit_rights)"
paranoid 3
cloakd_policy >"$WORK/policy.toml"
cloakd_start
ktap_run "what the start takes is given up" given_up
ktap_run "off and on without it" off_and_on
ktap_run "other evidence without it" evidence_elsewhere
ktap_run "programs that cannot be measured any more" no_run_time
ktap_run "a CPU that comes later" cpu_comes
ktap_run "a CPU that comes later, under systemd" supervised
ktap_run "a start without it" least
