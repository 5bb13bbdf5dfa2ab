#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The initiator gets no memory: when it connects, and when it is reset, each
# allocation on the way fails once; under I/O, one in forty does, on all paths.
# No crash, nothing lost, no wrong byte, and I/O goes on when there is memory
# again.
#
# where: guest
# kernels: debug
# modules: ours
# timeout: 600
# cpus: 2
# mem: 1024
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"
. "$KTAP_LIB/inject.sh"

nqn=nqn.2026-01.net.cloaklake:no-memory
here=$(cd "$(dirname "$0")" && pwd)

load_intree target
load_ours initiator
inject_into nvme_tcp
null_disk 64
nvmet_setup $nqn /dev/nullb0
nvmet_subsys $nqn-empty
nvmet_link 1 $nqn-empty
defer nvmet_clear

# Most of an attempt would be to wait for RCU again and again.
echo 1 >/sys/kernel/rcu_expedited

# Of these some five are the allocator's own. What is asked for farther away is
# what nvme-core makes of a controller in sysfs and the block layer of a tag
# set: two more would be twice as many attempts, in calls that fail nearer by.
near=10

no_memory() {
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/no_memory.py" "$@"
}

without() { inject_within $near no_memory "$@"; }

# stay_connected OPTION...: with an attempt to reconnect each second, until one
# succeeds.
stay_connected() {
	nvme_connect $nqn 127.0.0.1 4420 --reconnect-delay=1 \
		--ctrl-loss-tmo=600 "$@"
}

# What counts allocations here counts from the boot, so this is ahead of all
# that lets them fail by chance.
reset_without() {
	local sysfs disk status=0
	stay_connected --nr-io-queues=1
	sysfs=$(nvme_controllers $nqn)
	disk=$(nvme_device $nqn)
	without reset "$sysfs" "$disk" failslab &&
		without reset "$sysfs" "$disk" fail_page_alloc || status=$?
	nvme_disconnect $nqn
	return $status
}

io() {
	stay_connected --nr-io-queues=2
	inject_one_in 40 fio_job "$(nvme_device $nqn)" --rw=randrw \
		--bsrange=512-128k --blockalign=512 --iodepth=16 --size=4m \
		--verify=crc32c --verify_fatal=1 --verify_backlog=16
	wait_until 20 nvme_is live $nqn
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
}

resets() {
	local i
	for i in 1 2 3; do
		echo 1 >"$(nvme_controllers $nqn)/reset_controller" || true
		wait_until 60 nvme_is live $nqn || return
	done
}

io_and_resets() {
	stay_connected --nr-io-queues=2 --hdr-digest --data-digest
	inject_one_in 400 resets
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
}

ktap_run "each allocation of connecting fails once" \
	without connect $nqn-empty 4420
ktap_run "each allocation of a reset fails once" reset_without
ktap_run "connecting with one allocation in 400 failing" \
	inject_one_in 400 no_memory often $nqn-empty 4420
ktap_run "verified I/O with one allocation in 40 failing" io
ktap_run "resets with one allocation in 400 failing" io_and_resets
ktap_run "the module unloads" eval "nvmet_clear; unload initiator"
