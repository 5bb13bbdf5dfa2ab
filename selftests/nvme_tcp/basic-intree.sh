#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Our initiator against the in-tree target of the same kernel: the kinds of
# queues, and what the counters say about the data that was verified.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 400
# cpus: 4
# mem: 1024
set -euo pipefail
# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"
# shellcheck source=selftests/lib/wait.sh
. "$KTAP_LIB/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$KTAP_LIB/modules.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$KTAP_LIB/nvmet.sh"
# shellcheck source=selftests/lib/nvme.sh
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:basic

# debug QUEUE FILE: a file of the only controller in debugfs.
debug() { cat /sys/kernel/debug/nvme_tcp/nvme*/"queue$1/$2"; }

# counter QUEUE NAME
counter() { debug "$1" stats | awk -v n="$2" '$1 == n { print $2 }'; }

# queue_is QUEUE NAME VALUE: what was agreed on.
queue_is() { debug "$1" state | grep -qx "$2 $3"; }

# connected OPTION... -- COMMAND...: runs the command while connected.
connected() {
	local options=()
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	shift
	nvme_connect $nqn 127.0.0.1 4420 "${options[@]}"
	"$@"
	nvme_disconnect $nqn
	wait_while 10 nvme_subsystem $nqn
}

# queues DEFAULT READ POLL: what the kernel log says last.
queues() {
	dmesg | grep 'mapped .* queues' | tail -n 1 |
		grep -q "mapped $1/$2/$3 default/read/poll queues"
}

one_each() {
	queues 1 1 1
	queue_is 1 polled 0
	queue_is 2 polled 0
	queue_is 3 polled 1
	local dev
	dev=$(nvme_device $nqn)
	fio_job "$dev" --rw=write --bs=4k --size=1m
	[[ $(counter 1 tx_in_capsule_bytes) -ge 1048576 ]]
	fio_job "$dev" --rw=read --bs=4k --size=1m
	[[ $(counter 2 rx_c2hdata_bytes) -ge 1048576 ]]
	fio_job "$dev" --rw=read --bs=4k --size=1m --hipri=1
	[[ $(counter 3 rx_c2hdata_bytes) -ge 1048576 ]]
	# From Connect on, a polled queue never wakes its worker.
	[[ $(counter 3 rx_wakeups) -lt 8 ]]
}

polled_writes() {
	fio_job "$(nvme_device $nqn)" --rw=randwrite --bsrange=512-256k \
		--blockalign=512 --iodepth=16 --size=8m --hipri=1 \
		--verify=crc32c --verify_fatal=1 --verify_backlog=16
	[[ $(counter 3 rx_r2ts) -gt 0 ]]
}

# Queues of which every CPU has one of its own.
one_per_cpu() {
	queues 4 0 0
	fio_verify "$(nvme_device $nqn)" --numjobs=4 --size=2m \
		--offset_increment=4m
	local q cpus
	cpus=$(for q in 1 2 3 4; do
		debug "$q" state | awk '$1 == "cpu" { print $2 }'
	done | sort -u | wc -l)
	[[ $cpus == 4 ]]
}

# The offline CPU must not leave a queue that nobody can connect.
offline() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
	connected --nr-io-queues="$1" -- fio_verify_here
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

fio_verify_here() { fio_verify "$(nvme_device $nqn)" --size=1m; }

goes_offline() {
	local dev
	dev=$(nvme_device $nqn)
	fio_job "$dev" --rw=randrw --bs=4k --iodepth=8 --size=4m \
		--time_based --runtime=6 --verify=crc32c --verify_fatal=1 \
		--verify_backlog=16 &
	wait_until 10 test "$(counter 1 rx_completed)" -gt 0
	echo 0 >/sys/devices/system/cpu/cpu2/online
	echo 0 >/sys/devices/system/cpu/cpu3/online
	wait $!
	fio_verify "$dev" --size=1m
	echo 1 >/sys/devices/system/cpu/cpu2/online
	echo 1 >/sys/devices/system/cpu/cpu3/online
	fio_verify "$dev" --size=1m
}

digests() {
	queue_is 1 header_digest 1
	queue_is 1 data_digest 1
	fio_verify "$(nvme_device $nqn)" --bs=64k
	[[ $(counter 1 rx_data_digest_errors) == 0 ]]
	[[ $(counter 1 rx_header_digest_errors) == 0 ]]
}

# At depth, more than one command goes out with one send.
gathered() {
	fio_job "$(nvme_device $nqn)" --rw=randread --bs=4k --iodepth=64 \
		--iodepth_batch_submit=16 --iodepth_batch_complete_min=16 \
		--size=8m
	local capsules sends
	capsules=$(counter 1 tx_capsules)
	sends=$(counter 1 tx_sends)
	echo "$capsules capsules in $sends sends"
	((capsules > 2 * sends))
}

load intree target || ktap_bail "cannot load the target"
load ours initiator || ktap_bail "cannot load the initiator"
defer nvmet_clear
ram_disk 64
nvmet_setup $nqn /dev/ram0 127.0.0.1 4420

ktap_run "a queue for writes, one for reads, one polled" connected \
	--nr-io-queues=1 --nr-write-queues=1 --nr-poll-queues=1 -- one_each
ktap_run "polled writes, verified" connected \
	--nr-io-queues=1 --nr-write-queues=1 --nr-poll-queues=1 -- polled_writes
ktap_run "polled writes with digests, verified" connected \
	--nr-io-queues=1 --nr-write-queues=1 --nr-poll-queues=1 \
	--hdr-digest --data-digest -- polled_writes
ktap_run "a queue for each CPU" connected --nr-io-queues=4 -- one_per_cpu
ktap_run "connects while a CPU is offline" offline 4
ktap_run "connects with two queues while a CPU is offline" offline 2
ktap_run "CPUs go offline and come back under I/O" connected \
	--nr-io-queues=4 -- goes_offline
ktap_run "digests are checked, and right" connected \
	--nr-io-queues=1 --hdr-digest --data-digest -- digests
ktap_run "sends are shared at depth" connected --nr-io-queues=1 -- gathered
ktap_run "the module unloads while connected to nothing" unload initiator
