#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What an idle queue costs: the machine's memory with and without 1,000 connected
# queues of depth 128, the sockets of both ends included. And that what busy
# queues needed comes back when they are idle, and everything when they end.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 300
# alone: yes
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/memory.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:memory
counters=/sys/kernel/debug/nvmet_tcp/port-1/counters
queues=/sys/kernel/debug/nvmet_tcp/port-1/queues
here=$(cd "$(dirname "$0")" && pwd)
count=1000
limit=64
# Where the checkers keep books of every object, that is more than the object.
! slow_kernel || limit=$((limit * 4))

load_ours target
load_intree initiator
null_disk 64
nvmet_setup $nqn /dev/nullb0
defer nvmet_clear

# private_kib PID: memory of its own.
private_kib() {
	awk '/^Private_/ { n += $2 } END { print n }' "/proc/$1/smaps_rollup"
}

hold() {
	coproc PEER {
		PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 \
			"$here/hold.py" 127.0.0.1 4420 $nqn "$1" 128
	}
	# shellcheck disable=SC2153 # of the coprocess
	peer=$PEER_PID
	read -r -t $((120 * ${CLOAK_SLOW:-1})) -u "${PEER[0]}" line
	[[ $line == ready ]]
}

let_go() {
	kill "$peer"
	wait "$peer" || true
	wait_until 30 no_connections
}

no_connections() { grep -qx 'connections 0' $counters; }

# commands: how many exist, in all queues.
commands() {
	awk -F'commands=' '{ split($2, a, " "); n += a[1] } END { print n + 0 }' \
		$queues
}

trimmed() { (($(commands) <= $1)); }

# A first connection makes what exists once only.
idle_queues() {
	local peer line own before all
	hold 1
	let_go
	before=$(free_kib)
	hold $count
	wait_until 60 trimmed 0
	own=$(private_kib "$peer")
	all=$((before - $(free_kib) - own))
	let_go
	echo "$count idle queues cost $all KiB, $((all / count)) KiB each"
	# Less than their sockets need would be a wrong figure.
	((all > count * 4 && all <= limit * 1024))
}

busy_then_idle() {
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=2 --keep-alive-tmo=30
	fio_job "$(nvme_device $nqn)" --rw=randrw --bs=4k --iodepth=128 \
		--numjobs=2 --size=8m
	echo "commands when busy: $(commands)"
	wait_until 20 trimmed 4
	echo "commands when idle: $(commands)"
	nvme_disconnect $nqn
}

ktap_run "$count idle queues cost no more than $limit MiB" idle_queues
ktap_run "idle queues give the memory of busy times back" busy_then_idle
