#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One disk by two paths, under verified I/O: the target says which one to use,
# one is taken away and comes back, and never is there an error.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 300
# cpus: 2
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:multipath

# ana PORT STATE: of the namespace by way of that port.
ana() { echo "$2" >"$NVMET/ports/$1/ana_groups/1/ana_state"; }

# path SERVICE: folder in sysfs of the path by way of that port.
path() {
	local dir
	for dir in $(nvme_controllers $nqn); do
		grep -q "trsvcid=$1" "$dir/address" || continue
		echo "$dir"/nvme*c*n1
	done
}

path_is() { says "$(path "$1")/ana_state" "$2"; }

# reads SERVICE: how many this path has done. The head counts no I/O on 6.1.
reads() {
	local stat
	read -ra stat <"$(path "$1")/stat"
	echo "${stat[0]}"
}

reads_go_by() { (($(reads "$1") > $2)); }

# during_io COMMAND...: while data is written, read and compared on the disk. fio
# says 128 where it was stopped and nothing was wrong before.
during_io() {
	local status=0
	fio --filename="$(nvme_device $nqn)" --name=job --direct=1 \
		--ioengine=io_uring --rw=randrw --bsrange=512-64k \
		--blockalign=512 --iodepth=8 --size=16m --time_based \
		--runtime=600 --rate_iops=300 --verify=crc32c \
		--verify_fatal=1 --verify_backlog=16 --output=/dev/null &
	io=$!
	trap 'kill "$io"' EXIT
	"$@"
	trap - EXIT
	kill -INT "$io"
	wait "$io" || status=$?
	((status == 128)) || { echo "fio: status $status"; return 1; }
}

# uses SERVICE: I/O goes that way. fio takes its time to begin.
uses() {
	wait_until 60 reads_go_by "$1" "$(reads "$1")"
	kill -0 "$io"
}

# changes: the target moves the host from one port to the other and back.
changes() {
	local i
	uses 4420
	for i in 1 2 3; do
		ana 1 inaccessible
		ana 2 optimized
		wait_until 20 path_is 4421 optimized
		wait_until 20 path_is 4420 inaccessible
		uses 4421
		ana 1 optimized
		ana 2 non-optimized
		wait_until 20 path_is 4420 optimized
		uses 4420
	done
}

live() { says "$(dirname "$(path "$1")")/state" live; }

# losses: the port in use is closed.
losses() {
	local i
	for i in 1 2; do
		nvmet_unlink 1 $nqn
		uses 4421
		nvmet_link 1 $nqn
		wait_until 30 live 4420
		uses 4420
	done
}

# While there is no path at all, I/O waits.
none_at_all() {
	ana 1 inaccessible
	ana 2 inaccessible
	wait_until 20 path_is 4420 inaccessible
	wait_until 20 path_is 4421 inaccessible
	ana 2 optimized
	wait_until 20 path_is 4421 optimized
	uses 4421
}

load_ours target
load_ours initiator
defer nvmet_clear
ram_disk 32
nvmet_setup $nqn /dev/ram0
nvmet_port 2 127.0.0.1 4421
ana 2 non-optimized
nvmet_link 2 $nqn
for service in 4420 4421; do
	nvme_connect_only $nqn 127.0.0.1 $service --nr-io-queues=2 \
		--reconnect-delay=1 --ctrl-loss-tmo=120 --keep-alive-tmo=5
done
wait_until 20 nvme_device $nqn
wait_until 20 path_is 4421 non-optimized

ktap_run "I/O follows the ANA states" during_io changes
ktap_run "a path is lost and comes back" during_io losses
ktap_run "I/O waits while no path may be used" during_io none_at_all
ktap_run "disconnect ends both" nvme_disconnect $nqn
