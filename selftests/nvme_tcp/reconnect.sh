#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The target goes away and comes back, the link fails for a while or for good.
# Host and target are in network namespaces of their own, the caller of connect
# too: whatever reconnects has to come from there.
#
#   +-- host -----------+            +-- target ---------+
#   | v0 10.0.0.1/24    |------------| v0 10.0.0.2/24    |
#   +-------------------+            +-------------------+
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 600
# cpus: 2
# mem: 1024
set -euo pipefail
# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"
# shellcheck source=selftests/lib/wait.sh
. "$KTAP_LIB/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$KTAP_LIB/modules.sh"
# shellcheck source=selftests/lib/netns.sh
. "$KTAP_LIB/netns.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$KTAP_LIB/nvmet.sh"
# shellcheck source=selftests/lib/nvme.sh
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:reconnect

# at SECONDS NAME COMMAND...: in the network namespace only, so that /sys stays.
at() { within "$1" nsenter --net="/run/netns/$(ns "$2")" "${@:3}"; }

link() { in_ns host ip link set v0 "$1"; }

# The socket of a port is made where it is linked.
publish() {
	at 20 target ln -s "$NVMET/subsystems/$nqn" "$NVMET/ports/1/subsystems/"
}

connect() {
	# What a subtest that failed has left.
	! nvme_subsystem $nqn >/dev/null || disconnect
	at 60 host nvme connect -t tcp -n $nqn -a 10.0.0.2 -s 4420 \
		--nr-io-queues=2 --reconnect-delay=1 "$@"
	wait_until 20 nvme_device $nqn
}

disconnect() {
	nvme_disconnect $nqn
	wait_while 15 nvme_subsystem $nqn
}

# job SECONDS [DEPTH]: reads and writes with verification, in the background.
job() {
	fio_job "$(nvme_device $nqn)" --rw=randrw --bsrange=512-64k \
		--blockalign=512 --iodepth="${2:-16}" --size=16m --time_based \
		--runtime="$1" --verify=crc32c --verify_fatal=1 \
		--verify_backlog=64 &
	fio_pid=$!
	local before
	before=$(completions)
	wait_until 30 more_than $((before + 100))
	udevadm settle --timeout=$((20 * ${CLOAK_SLOW:-1}))
}

# completions: commands that all queues have completed, by now.
completions() {
	awk '$1 == "rx_completed" { n += $2 } END { print n + 0 }' \
		/sys/kernel/debug/nvme_tcp/*/queue*/stats
}

more_than() { (($(completions) > $1)); }
more_than_or_over() { more_than "$1" || ! kill -0 "$fio_pid"; }

# resets: how often error recovery ran.
resets() { awk '$1 == "resets" { print $2 }' /sys/kernel/debug/nvme_tcp/*/state; }
resets_are() { [[ $(resets) == "$1" ]]; }

target_comes_and_goes() {
	connect --ctrl-loss-tmo=60
	job 12
	local i
	for i in 1 2 3; do
		nvmet_unlink 1 $nqn
		wait_until 20 nvme_is connecting $nqn
		publish
		wait_until 30 nvme_is live $nqn
	done
	wait "$fio_pid"
	[[ $(resets) -ge 3 ]]
	disconnect
}

with_digests() {
	connect --ctrl-loss-tmo=60 --hdr-digest --data-digest
	job 8
	nvmet_unlink 1 $nqn
	wait_until 20 nvme_is connecting $nqn
	publish
	wait_until 30 nvme_is live $nqn
	wait "$fio_pid"
	disconnect
}

# Shorter than anything that would notice: TCP sends it again.
link_down_for_a_second() {
	connect --ctrl-loss-tmo=60 --keep-alive-tmo=15
	job 8
	link down
	sleep 1
	link up
	wait "$fio_pid"
	resets_are 0
	disconnect
}

# Noticed by the keep alive, and mended when the link is back.
link_down_for_long() {
	connect --ctrl-loss-tmo=120 --keep-alive-tmo=2
	job 15
	link down
	wait_until 30 nvme_is connecting $nqn
	stays 4 nvme_is connecting $nqn
	link up
	wait_until 60 nvme_is live $nqn
	wait "$fio_pid"
	disconnect
}

gone_for_good() {
	connect --ctrl-loss-tmo=4 --keep-alive-tmo=2
	job 60
	link down
	wait_while 60 nvme_subsystem $nqn
	if wait "$fio_pid"; then
		echo "I/O went on without a controller"
		return 1
	fi
	link up
}

fails_fast() {
	connect --ctrl-loss-tmo=120 --keep-alive-tmo=2
	local dev
	dev=$(nvme_device $nqn)
	echo 2 >"$(nvme_controllers $nqn)/fast_io_fail_tmo"
	link down
	wait_until 30 nvme_is connecting $nqn
	if within 20 dd if="$dev" of=/dev/null bs=4k count=1 iflag=direct; then
		echo "read without a link"
		return 1
	fi
	nvme_is connecting $nqn
	link up
	wait_until 60 nvme_is live $nqn
	fio_verify "$dev" --size=1m
	disconnect
}

# took COMMAND...: seconds that it took.
took() {
	local start=$SECONDS
	"$@" >/dev/null
	echo $((SECONDS - start))
}

disconnect_while_connecting() {
	connect --ctrl-loss-tmo=600 --keep-alive-tmo=2
	link down
	wait_until 30 nvme_is connecting $nqn
	local s
	s=$(took disconnect)
	link up
	echo "took $s s"
	((s <= 10 * ${CLOAK_SLOW:-1}))
}

delete() {
	echo 1 >"$(nvme_controllers $nqn)/delete_controller"
	wait_while 15 nvme_subsystem $nqn
}

# By sysfs, which is what nvme-cli ends in: before that it would identify every
# namespace, over the very link that is down.
delete_while_io_hangs() {
	connect --ctrl-loss-tmo=600 --keep-alive-tmo=60
	job 60
	link down
	local s
	s=$(took delete)
	link up
	echo "took $s s"
	wait "$fio_pid" || true
	((s <= 8 * ${CLOAK_SLOW:-1}))
}

# Nothing of this hangs while there is no connection.
looks_are_harmless() {
	connect --ctrl-loss-tmo=600 --keep-alive-tmo=2
	link down
	wait_until 30 nvme_is connecting $nqn
	within 10 nvme list >/dev/null
	within 10 nvme list-subsys >/dev/null
	within 10 cat /sys/class/nvme/nvme*/{address,state,transport,subsysnqn}
	within 10 cat /sys/kernel/debug/nvme_tcp/nvme*/{state,queue*/*} \
		>/dev/null
	link up
	wait_until 60 nvme_is live $nqn
	disconnect
}

# There is no way from anywhere else: reconnects come from that namespace.
from_the_namespace() {
	if within 10 nvme connect -t tcp -n $nqn -a 10.0.0.2 -s 4420; then
		echo "connected from the wrong namespace"
		return 1
	fi
	connect --ctrl-loss-tmo=60 --host-iface=v0 --host-traddr=10.0.0.1
	grep -q 'src_addr=10.0.0.1' /sys/class/nvme/nvme*/address
	nvmet_unlink 1 $nqn
	wait_until 20 nvme_is connecting $nqn
	publish
	wait_until 30 nvme_is live $nqn
	fio_verify "$(nvme_device $nqn)" --size=1m
	disconnect
}

# After each, nvme-core looks at the namespaces while it sends on its way what
# had no path: with so much of it, the two surely meet. That is over when I/O
# goes on.
reset_under_io() {
	connect --ctrl-loss-tmo=60
	job 20 256
	local i dir
	dir=$(nvme_controllers $nqn)
	for i in {1..8}; do
		echo 1 >"$dir/reset_controller"
		wait_until 30 nvme_is live $nqn
		wait_until 30 more_than_or_over $(($(completions) + 100))
	done
	wait "$fio_pid"
	disconnect
}

# io_queues_are N: sysfs counts the admin queue as well.
io_queues_are() {
	says "$(nvme_controllers $nqn)/queue_count" $(($1 + 1))
}

queues_change() {
	local n limit=$NVMET/subsystems/$nqn/attr_qid_max before
	before=$(<"$limit")
	connect --ctrl-loss-tmo=60
	io_queues_are 2
	job 12
	for n in 1 2 1; do
		nvmet_unlink 1 $nqn
		wait_until 20 nvme_is connecting $nqn
		echo $n >"$limit"
		publish
		wait_until 30 nvme_is live $nqn
		io_queues_are $n
	done
	wait "$fio_pid"
	echo "$before" >"$limit"
	disconnect
}

unloads_while_connecting() {
	connect --ctrl-loss-tmo=600 --keep-alive-tmo=2
	link down
	wait_until 30 nvme_is connecting $nqn
	within 30 rmmod nvme-tcp
	[[ ! -d /sys/module/nvme_tcp ]]
	link up
}

load intree target || ktap_bail "cannot load the target"
load ours initiator || ktap_bail "cannot load the initiator"
defer nvmet_clear
ram_disk 64
netns_new host target
netns_link host v0 target v0
netns_addr host v0 10.0.0.1/24
netns_addr target v0 10.0.0.2/24
nvmet_subsys $nqn
nvmet_ns $nqn 1 /dev/ram0
nvmet_port 1 10.0.0.2 4420
publish

ktap_run "the target comes and goes under I/O" target_comes_and_goes
ktap_run "the same with digests" with_digests
ktap_run "the link fails for a second" link_down_for_a_second
ktap_run "the link fails for longer than the keep alive" link_down_for_long
ktap_run "ctrl_loss_tmo ends it" gone_for_good
ktap_run "fast_io_fail_tmo fails I/O early" fails_fast
ktap_run "disconnect while connecting" disconnect_while_connecting
ktap_run "deletion while I/O hangs" delete_while_io_hangs
ktap_run "nvme list and sysfs while connecting" looks_are_harmless
ktap_run "reconnects stay in the namespace" from_the_namespace
ktap_run "resets under I/O" reset_under_io
ktap_run "the target comes back with fewer queues, and with more" queues_change
ktap_run "the module unloads while connecting" unloads_while_connecting
