#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that can be taken away while hosts write to it: the port, the
# subsystem, the namespace, the module. Hosts connect all the while, so some
# meet a port that is about to close.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 360
# alone: yes
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:removal
here=$(cd "$(dirname "$0")" && pwd)
ns=$NVMET/subsystems/$nqn/namespaces/1

load_ours target
load_intree initiator
null_disk 64
nvmet_setup $nqn /dev/nullb0

# start_load: mixed I/O in the background that outlives reconnects.
start_load() {
	local before
	before=$(writes)
	nvme_connect $nqn 127.0.0.1 4420 --reconnect-delay=1 \
		--ctrl-loss-tmo=120 --keep-alive-tmo=5
	fio_job "$(nvme_device $nqn)" --rw=randrw --bsrange=512-128k \
		--blockalign=512 --iodepth=16 --rate_iops=200 \
		--time_based --runtime=100 &
	load=$!
	wait_until 30 wrote_since "$before"
}

# writes: how many the disk of the target has done.
writes() {
	local stat
	read -ra stat </sys/block/nullb0/stat
	echo "${stat[4]}"
}

wrote_since() { (($(writes) > $1)); }

stop_load() {
	nvme_disconnect $nqn
	wait "$load" || true
	wait_while 20 nvme_subsystem $nqn
}

# during_load COMMAND...: runs it while a host writes; the host is served again
# when it is done.
during_load() {
	local load
	start_load
	"$@"
	wait_until 60 nvme_is live $nqn
	stop_load
}

port_removal() {
	local i
	for i in 1 2 3 4; do
		wait_until 60 nvme_is live $nqn
		nvmet_unlink 1 $nqn
		nvmet_link 1 $nqn
	done
}

# The namespace goes, and another host comes, while data of a write is awaited.
withheld() {
	local peer
	coproc HOST { PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 \
		"$here/withhold.py" 127.0.0.1 4420 $nqn; }
	peer=$HOST_PID
	read -r -t 30 -u "${HOST[0]}"
	within 10 bash -c "echo 0 >$ns/enable"
	within 20 nvme connect -t tcp -a 127.0.0.1 -s 4420 -n $nqn
	nvme_disconnect $nqn
	echo 1 >"$ns/enable"
	kill "$peer"
	wait "$peer" || true
}

namespace_off() {
	local i
	for i in 1 2 3; do
		echo 0 >"$ns/enable"
		echo 1 >"$ns/enable"
	done
}

# The port and its folder, while connections are being torn down.
port_folder() {
	nvmet_unlink 1 $nqn
	rmdir $NVMET/ports/1
	nvmet_port 1
	nvmet_link 1 $nqn
}

unload_and_load() {
	nvmet_unlink 1 $nqn
	unload target
	load_ours target
	nvmet_link 1 $nqn
}

# Connections of every age while the port comes and goes: T24 of the list.
connecting() {
	local i peer
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/storm.py" \
		127.0.0.1 4420 $nqn &
	peer=$!
	for i in {1..12}; do
		nvmet_unlink 1 $nqn
		nvmet_link 1 $nqn
	done
	kill "$peer"
	wait "$peer" || true
	nvme_connect $nqn
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
}

# However fast hosts connect, closing the port does not wait for a pause.
flooded() {
	local i peers=()
	for i in 1 2 3; do
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - <<-END &
			import socket
			while True:
			    try:
			        socket.create_connection(("127.0.0.1", 4420)).close()
			    except OSError:
			        pass
		END
		peers+=($!)
	done
	for i in 1 2 3; do
		within 20 rm "$NVMET/ports/1/subsystems/$nqn"
		nvmet_link 1 $nqn
	done
	kill "${peers[@]}"
	wait "${peers[@]}" || true
}

ktap_run "port closed and opened under load" during_load port_removal
ktap_run "port removed with its folder under load" during_load port_folder
ktap_run "module unloaded and loaded under load" during_load unload_and_load
ktap_run "T24 port closed while hosts connect" connecting
ktap_run "port closed while a host connects as fast as it can" flooded
ktap_run "all is taken down" nvmet_clear

# Last, and left as it is: for each command to a namespace that is disabled,
# nvmet itself (nvmet_subsys_nsid_exists() of 6.1.192 and 6.12.117) keeps a
# reference to the namespace for good. The folder of its subsystem can be
# removed, but then the memory of both is used after it was freed.
nvmet_setup $nqn /dev/nullb0
ktap_run "namespace disabled while a host withholds data" withheld
ktap_run "namespace disabled and enabled under load" during_load namespace_off
nvmet_unlink 1 $nqn
