#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What an idle queue costs: the machine's memory with and without 500 connected
# queues of depth 128, the sockets of both ends included. And that what busy
# queues needed comes back when they are idle, and everything when they end.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 240
# alone: yes
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:memory
counters=/sys/kernel/debug/nvmet_tcp/port-1/counters
queues=/sys/kernel/debug/nvmet_tcp/port-1/queues
here=$(cd "$(dirname "$0")" && pwd)
count=500
limit=64

load_ours target
load_intree initiator
null_disk 64
nvmet_setup $nqn /dev/nullb0
defer nvmet_clear

# free_kib: after everything that can be dropped has been dropped.
free_kib() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemFree:/ { print $2 }' /proc/meminfo
}

hold() {
	coproc PEER {
		PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 \
			"$here/hold.py" 127.0.0.1 4420 $nqn "$1" 128
	}
	# shellcheck disable=SC2153 # of the coprocess
	peer=$PEER_PID
	read -r -t 120 -u "${PEER[0]}" line
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

idle_queues() {
	local before after each peer line
	hold 1
	let_go
	before=$(free_kib)
	hold $count
	after=$(free_kib)
	let_go
	each=$(((before - after) / count))
	echo "an idle queue costs $each KiB"
	((each <= limit))
}

trimmed() { (($(commands) <= 4)); }

busy_then_idle() {
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=2 --keep-alive-tmo=30
	fio_job "$(nvme_device $nqn)" --rw=randrw --bs=4k --iodepth=128 \
		--numjobs=2 --size=8m
	echo "commands when busy: $(commands)"
	wait_until 20 trimmed
	echo "commands when idle: $(commands)"
	nvme_disconnect $nqn
}

ktap_run "$count idle queues cost no more than $limit KiB each" idle_queues
ktap_run "idle queues give the memory of busy times back" busy_then_idle
