#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a target offers beside I/O: referrals, discovery that stays connected
# and hears of changes, authentication, sizes that are configured.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:services
discovery=nqn.2014-08.org.nvmexpress.discovery
host=nqn.2014-08.org.nvmexpress:uuid:5f8a31d4-0c7e-4b6e-9d0c-0d1a2b3c4d5e
counters=/sys/kernel/debug/nvmet_tcp/port-1/counters

load_ours target mdts=6
load_intree initiator
ram_disk 32
nvmet_subsys $nqn
nvmet_ns $nqn 1 /dev/ram0
nvmet_port 1 127.0.0.1 4420 param_inline_data_size=16384
nvmet_link 1 $nqn
defer nvmet_clear

counter() { awk -v name="$1" '$1 == name { print $2 }' $counters; }

discovered() { within 30 nvme discover -t tcp -a 127.0.0.1 -s 4420; }

referral() {
	local dir=$NVMET/ports/1/referrals/elsewhere log
	mkdir "$dir"
	echo tcp >"$dir/addr_trtype"
	echo ipv4 >"$dir/addr_adrfam"
	echo 192.0.2.77 >"$dir/addr_traddr"
	echo 4999 >"$dir/addr_trsvcid"
	echo 1 >"$dir/enable"
	log=$(discovered)
	rmdir "$dir"
	echo "$log"
	grep -A 8 'subtype: *discovery' <<<"$log" | grep -A 3 'trsvcid: *4999' |
		grep -q 'traddr: *192.0.2.77'
	not grep -q 192.0.2.77 <<<"$(discovered)"
}

# heard: the event for a changed discovery log page.
heard() { grep -q 'NVME_AEN=0x70f002' "$events"; }

persistent() {
	local events=/run/events
	stdbuf -oL udevadm monitor --kernel --property \
		--subsystem-match=nvme >$events &
	trap 'kill %1' EXIT
	wait_until 10 grep -q KERNEL $events
	within 30 nvme discover -t tcp -a 127.0.0.1 -s 4420 --persistent
	[[ $(nvme_state $discovery) == live ]]
	not heard
	nvmet_subsys $nqn-2
	nvmet_link 1 $nqn-2
	wait_until 20 heard
	[[ $(nvme_state $discovery) == live ]]
	nvmet_unlink 1 $nqn-2
	nvme_disconnect $discovery
	wait_while 10 nvme_subsystem $discovery
}

# In-capsule data of 16 KiB needs no R2T; 20 KiB do.
sizes() {
	local dev ctrl
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=1
	dev=$(nvme_device $nqn)
	ctrl=$(nvme id-ctrl "$(basename "$(nvme_controllers $nqn)" |
		sed 's,^,/dev/,')")
	grep -E '^(mdts|ioccsz)' <<<"$ctrl"
	grep -qx 'mdts *: 6' <<<"$ctrl"
	grep -qx 'ioccsz *: 1028' <<<"$ctrl"
	(($(<"/sys/block/${dev##*/}/queue/max_hw_sectors_kb") == 256))
	fio_job "$dev" --rw=write --bs=16k --size=256k
	[[ $(counter tx_r2t) == 0 ]]
	fio_job "$dev" --rw=write --bs=20k --size=200k
	[[ $(counter tx_r2t) == 10 ]]
	nvme_disconnect $nqn
}

# Read by a connection when it is made, as the other parameters are.
prioritised() {
	local file=/sys/module/nvmet_tcp/parameters/so_priority
	[[ $(priority_counted sport 5 allowed) == 0 ]]
	echo 5 >$file
	(($(priority_counted sport 5 allowed) > 100))
	echo 0 >$file
}

secret() { nvme gen-dhchap-key --hmac="$1" --nqn=$host | tail -n 1; }

# allowed OPTION...: connects, and its data is right.
allowed() {
	nvme_connect $nqn 127.0.0.1 4420 --hostnqn=$host "$@"
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
	wait_while 10 nvme_subsystem $nqn
}

turned_away() {
	not nvme_connect_only $nqn 127.0.0.1 4420 --hostnqn=$host "$@"
}

authentication() {
	local mine theirs
	mine=$(secret 1)
	theirs=$(secret 3)
	nvmet_secrets $nqn $host "$mine" "$theirs"
	allowed --dhchap-secret="$mine"
	allowed --dhchap-secret="$mine" --dhchap-ctrl-secret="$theirs"
	turned_away
	turned_away --dhchap-secret="$theirs"
	allowed --dhchap-secret="$mine"
}

ktap_run "a referral is part of discovery while it is there" referral
ktap_run "persistent discovery hears of a change" persistent
ktap_run "MDTS and in-capsule size as configured" sizes
ktap_run "so_priority of the target" prioritised
nvmet_authenticates "only hosts that know the secret" $host authentication
ktap_run "the module unloads" eval "nvmet_clear; unload target"
