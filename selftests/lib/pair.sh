# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# One initiator against one target, the whole life of a connection, with every
# byte verified. Needs ktap.sh. To be sourced in a guest.

# shellcheck source=selftests/lib/wait.sh
. "$KTAP_LIB/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$KTAP_LIB/modules.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$KTAP_LIB/nvmet.sh"
# shellcheck source=selftests/lib/nvme.sh
. "$KTAP_LIB/nvme.sh"

PAIR_NQN=nqn.2026-01.net.cloaklake:pair
PAIR_SIZES=(512 1k 4k 8k 16k 64k 128k 1m)

pair_set_up() {
	ram_disk 64
	nvmet_setup $PAIR_NQN /dev/ram0 127.0.0.1 4420
	nvmet_port 2 ::1 4420
	nvmet_link 2 $PAIR_NQN
}

pair_discover() {
	local log
	log=$(within 30 nvme discover -t tcp -a 127.0.0.1 -s 4420)
	grep -q "subnqn: *$PAIR_NQN\$" <<<"$log" || { echo "$log"; return 1; }
	grep -q 'traddr: *127.0.0.1$' <<<"$log" || { echo "$log"; return 1; }
}

# pair_io ADDRESS SIZES [OPTION...]: connect, verify at each size, disconnect.
pair_io() {
	local address=$1 sizes=$2
	shift 2
	nvme_connect $PAIR_NQN "$address" 4420 "$@"
	# shellcheck disable=SC2086 # the sizes are words
	fio_blocks "$(nvme_device $PAIR_NQN)" $sizes
	nvme_disconnect $PAIR_NQN
	wait_while 10 nvme_subsystem $PAIR_NQN
}

# Writes of every kind in flight at once, on all queues.
pair_parallel() {
	nvme_connect $PAIR_NQN 127.0.0.1 4420 --nr-io-queues=2 "$@"
	fio_job "$(nvme_device $PAIR_NQN)" --rw=randrw --bsrange=512-256k \
		--blockalign=512 --iodepth=32 --numjobs=2 --size=16m \
		--offset_increment=24m --verify=crc32c --verify_fatal=1 \
		--verify_backlog=32
	nvme_disconnect $PAIR_NQN
}

# Data in one piece that two allocations share.
pair_adjacent() {
	nvme_connect $PAIR_NQN 127.0.0.1 4420 "$@"
	within 60 python3 "$KTAP_LIB/../pair/adjacent.py" "$(nvme_device $PAIR_NQN)"
	nvme_disconnect $PAIR_NQN
}

pair_run_adjacent() {
	local plain="data that goes on into the next allocation"
	local digest="the same with a data digest"
	if [[ -e /proc/sys/vm/nr_hugepages ]]; then
		ktap_run "$plain" pair_adjacent
		ktap_run "$digest" pair_adjacent --data-digest
	else
		ktap_skip "$plain" "this kernel has no huge pages"
		ktap_skip "$digest" "this kernel has no huge pages"
	fi
}

# Longer than the keep alive time-out without I/O, and still there.
pair_keep_alive() {
	nvme_connect $PAIR_NQN 127.0.0.1 4420 --keep-alive-tmo=2
	stays 6 nvme_is live $PAIR_NQN
	nvme_disconnect $PAIR_NQN
}

pair_reconnect() {
	local dev
	nvme_connect $PAIR_NQN 127.0.0.1 4420 --reconnect-delay=1 \
		--keep-alive-tmo=2 --ctrl-loss-tmo=60
	dev=$(nvme_device $PAIR_NQN)
	nvmet_unlink 1 $PAIR_NQN
	wait_until 20 nvme_is connecting $PAIR_NQN
	nvmet_link 1 $PAIR_NQN
	wait_until 30 nvme_is live $PAIR_NQN
	fio_verify "$dev"
	nvme_disconnect $PAIR_NQN
}

pair_unload() {
	local name
	nvmet_clear
	unload initiator
	unload target
	for name in nvme_tcp nvmet_tcp; do
		[[ ! -d /sys/module/$name ]] || return 1
	done
}

# pair_test INITIATOR TARGET: each of them ours or intree.
pair_test() {
	load "$2" target || ktap_bail "cannot load the target"
	load "$1" initiator || ktap_bail "cannot load the initiator"
	defer nvmet_clear
	ktap_run "target comes up" pair_set_up
	ktap_run "nvme discover" pair_discover
	ktap_run "verified I/O from 512 B to 1 MiB" \
		pair_io 127.0.0.1 "${PAIR_SIZES[*]}"
	ktap_run "the same with header and data digests" \
		pair_io 127.0.0.1 "${PAIR_SIZES[*]}" --hdr-digest --data-digest
	ktap_run "header digest alone" pair_io 127.0.0.1 "4k 64k" --hdr-digest
	ktap_run "data digest alone" pair_io 127.0.0.1 "4k 64k" --data-digest
	ktap_run "without SQ flow control" \
		pair_io 127.0.0.1 "4k 64k" --disable-sqflow
	ktap_run "IPv6" pair_io ::1 "4k 64k"
	ktap_run "mixed sizes at depth on two queues" pair_parallel
	ktap_run "mixed sizes at depth with digests" \
		pair_parallel --hdr-digest --data-digest
	pair_run_adjacent
	ktap_run "an idle connection stays" pair_keep_alive
	ktap_run "reconnects after the target went away" pair_reconnect
	ktap_run "both modules unload" pair_unload
}
