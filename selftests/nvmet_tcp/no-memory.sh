#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The target gets no memory: when a port begins to listen, and when a host
# connects, writes, reads and goes, each allocation on the way fails once; under
# load, one in forty does, on all paths. No crash, nothing lost, no wrong byte,
# no host that waits for an answer, and hosts are served when there is memory
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
counters=/sys/kernel/debug/nvmet_tcp/port-1/counters
here=$(cd "$(dirname "$0")" && pwd)

load_ours target
load_intree initiator
inject_into nvmet_tcp
null_disk 64
nvmet_subsys $nqn
nvmet_ns $nqn 1 /dev/nullb0
nvmet_port 1
defer nvmet_clear

listen_without() {
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/no_memory.py" \
		$NVMET/subsystems/$nqn $NVMET/ports/1
}

# serve_without KIND: what counts allocations counts from the boot, so this is
# ahead of all that lets them fail by chance.
serve_without() {
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/no_memory_hosts.py" \
		"$1" 127.0.0.1 4420 $nqn
}

no_connections() { grep -qx 'connections 0' $counters; }

# serves: a host that connects now is served, with the right data.
serves() {
	nvme_connect $nqn
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
	wait_until 20 no_connections
}

try_to_connect() {
	local i
	for i in {1..20}; do
		! nvme_connect_only $nqn 127.0.0.1 4420 --nr-io-queues=2 ||
			nvme_disconnect $nqn
	done
}

# timed_out: did a command wait for an answer that never came?
timed_out() { dmesg | grep 'nvme.*timeout'; }

# io OPTION...: the disk has all of its memory beforehand, for what the target
# calls would get none either.
io() {
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=2 --reconnect-delay=1 \
		--ctrl-loss-tmo=600 "$@"
	fio_job "$(nvme_device $nqn)" --rw=write --bs=128k --size=16m
	inject_one_in 40 fio_job "$(nvme_device $nqn)" --rw=randrw \
		--bsrange=512-128k --blockalign=512 --iodepth=16 --size=16m \
		--verify=crc32c --verify_fatal=1 --verify_backlog=16
	not timed_out
	wait_until 60 nvme_is live $nqn
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
	wait_until 20 no_connections
}

ktap_run "each allocation of listening fails once" listen_without
nvmet_link 1 $nqn
ktap_run "a host is served after that" serves
ktap_run "each slab allocation of serving a host fails once" \
	serve_without failslab
ktap_run "each page allocation of serving a host fails once" \
	serve_without fail_page_alloc
ktap_run "T19 hosts connect with one allocation in 400 failing" \
	inject_one_in 400 try_to_connect
ktap_run "verified I/O with one allocation in 40 failing" io
ktap_run "the same with digests" io --hdr-digest --data-digest
ktap_run "the module unloads" eval "nvmet_clear; unload target"
