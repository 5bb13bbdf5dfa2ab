#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What each option of a connection does, seen from outside. Kinds of queues are
# in basic-intree, the times that govern recovery in reconnect, digests and SQ
# flow control in pair/.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 300
# cpus: 3
# append: isolcpus=2
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:options
host=nqn.2014-08.org.nvmexpress:uuid:5f8a31d4-0c7e-4b6e-9d0c-0d1a2b3c4d5e

# connected OPTION... -- COMMAND...: runs the command while connected.
connected() (
	local options=()
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	shift
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=2 "${options[@]}"
	trap 'nvme_disconnect $nqn; wait_while 10 nvme_subsystem $nqn' EXIT
	"$@"
)

fio_verify_disk() { fio_verify "$(nvme_device $nqn)" --size=1m; }

# refused WHY OPTION...: no connection, and the kernel says why.
refused() {
	local why=$1 lines
	lines=$(dmesg | wc -l)
	shift
	if nvme_connect_only $nqn 127.0.0.1 4420 "$@"; then
		nvme_disconnect $nqn
		return 1
	fi
	dmesg | tail -n +$((lines + 1)) | grep -q "$why"
	[[ -z $(nvme_controllers $nqn) ]]
}

# sockets OPTION...: of the initiator, one for each queue.
sockets() { ss -Htn "$@" state established dport = :4420; }

all_sockets() {
	local option=$1 what=$2
	sockets "$option"
	[[ $(sockets "$option" | grep -c "$what") == 3 ]]
}

depth_of_16() {
	says "$(nvme_controllers $nqn)/sqsize" 15
	# That of the path; a head above several paths has none.
	(($(cat "$(nvme_controllers $nqn)"/nvme*n1/queue/nr_requests) <= 16))
	fio_verify "$(nvme_device $nqn)" --size=1m --iodepth=64
}

from_127_0_0_2() {
	all_sockets -n ' 127\.0\.0\.2:'
	grep -q src_addr=127.0.0.2 "$(nvme_controllers $nqn)/address"
}

# fabrics [,OPTION]: connects without nvme-cli, which in this version refuses a
# second connection itself.
fabrics() {
	printf 'nqn=%s,transport=tcp,traddr=127.0.0.1,trsvcid=4420%s' $nqn "$1" \
		>/dev/nvme-fabrics
}

# A second connection to the same place needs to be asked for.
duplicates() (
	trap 'nvme_disconnect $nqn; wait_while 10 nvme_subsystem $nqn' EXIT
	fabrics ,nr_io_queues=1
	not fabrics ,nr_io_queues=1
	[[ $(nvme_controllers $nqn | wc -l) == 1 ]]
	fabrics ,nr_io_queues=1,duplicate_connect
	[[ $(nvme_controllers $nqn | wc -l) == 2 ]]
)

keep_alive_of_7() { says "$(nvme_controllers $nqn)/kato" 7; }

# cpus: which of them serve the I/O queues that are in use.
cpus() {
	cat /sys/kernel/debug/nvme_tcp/nvme*/queue[1-9]*/state |
		awk '$1 == "state" { live = $2 == "live" }
			$1 == "cpu" && live { print $2 }' | sort -n | xargs
}

# The kernel lets such a CPU have no queue of its own. Who submits from there does
# the work of sending himself, at most.
none_on_2() {
	[[ $(</sys/devices/system/cpu/isolated) == 2 ]]
	[[ $(cpus) == "0 1" ]]
	fio_verify "$(nvme_device $nqn)" --size=1m --cpus_allowed=2
}

prioritised() {
	local file=/sys/module/nvme_tcp/parameters/so_priority
	[[ $(priority_counted dport 5 connected -- fio_verify_disk) == 0 ]]
	echo 5 >$file
	(($(priority_counted dport 5 connected -- fio_verify_disk) > 100))
	echo 0 >$file
}

# kind_of_workqueue: 1 where each CPU has workers of its own.
kind_of_workqueue() { cat /sys/devices/virtual/workqueue/nvme_tcp_wq/per_cpu; }

unbound() {
	[[ $(kind_of_workqueue) == 1 ]]
	unload initiator
	load ours initiator wq_unbound=1
	[[ $(kind_of_workqueue) == 0 ]]
	connected -- fio_verify_disk
}

secret() { nvme gen-dhchap-key --hmac="$1" --nqn=$host | tail -n 1; }


authentication() {
	local mine theirs
	mine=$(secret 1)
	theirs=$(secret 2)
	nvmet_secrets $nqn $host "$mine" "$theirs"
	connected --hostnqn=$host --dhchap-secret="$mine" -- fio_verify_disk
	connected --hostnqn=$host --dhchap-secret="$mine" \
		--dhchap-ctrl-secret="$theirs" -- fio_verify_disk
	refused 'queue 0' --hostnqn=$host --dhchap-secret="$theirs"
	refused 'queue 0' --hostnqn=$host
	refused 'queue 0' --hostnqn=$host --dhchap-secret="$mine" \
		--dhchap-ctrl-secret="$mine"
}

load intree target || ktap_bail "cannot load the target"
load ours initiator || ktap_bail "cannot load the initiator"
defer nvmet_clear
ram_disk 32
nvmet_setup $nqn /dev/ram0
ip link add other type dummy
ip link set other up

ktap_run "queue_size" connected --queue-size=16 -- depth_of_16
ktap_run "keep_alive_tmo" connected --keep-alive-tmo=7 -- keep_alive_of_7
ktap_run "tos" connected --tos=32 -- all_sockets --tos 'tos:0x20'
ktap_run "host_traddr" connected --host-traddr=127.0.0.2 -- from_127_0_0_2
ktap_run "host_traddr that is not of this host" \
	refused 'queue 0' --host-traddr=203.0.113.1
ktap_run "host_iface" connected --host-iface=lo -- \
	all_sockets -n ' 127\.0\.0\.1%lo:'
ktap_run "host_iface from where the target is not reached" \
	refused 'queue 0' --host-iface=other
ktap_run "host_iface that is not there" \
	refused 'no such interface: absent' --host-iface=absent
ktap_run "duplicate_connect" duplicates
ktap_run "no queue is served on an isolated CPU" connected --nr-io-queues=3 -- \
	none_on_2
ktap_run "so_priority of the initiator" prioritised
ktap_run "wq_unbound" unbound
nvmet_authenticates "dhchap_secret and dhchap_ctrl_secret" $host authentication
ktap_run "the module unloads" unload initiator
