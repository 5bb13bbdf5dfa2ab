#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A controller that does not answer any more holds up no reboot: neither while
# it counts as live, with reads that wait for it, nor while reconnecting.
#
# where: host
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"

# In the guest: connected over a link that fails, and then a reboot, which is
# the last word that is heard of it.
if [[ ${1:-} == inside ]]; then
	. "$KTAP_LIB/wait.sh"
	. "$KTAP_LIB/modules.sh"
	. "$KTAP_LIB/netns.sh"
	. "$KTAP_LIB/nvmet.sh"
	. "$KTAP_LIB/nvme.sh"
	nqn=nqn.2026-01.net.cloaklake:reboot
	load ours target
	load ours initiator
	netns_new target
	ip link add v0 type veth peer name v0 netns "$(ns target)"
	ip addr add 10.0.0.1/24 dev v0
	ip link set v0 up
	in_ns target ip link set v0 up
	netns_addr target v0 10.0.0.2/24
	ram_disk 16
	nvmet_subsys $nqn
	nvmet_ns $nqn 1 /dev/ram0
	nvmet_port 1 10.0.0.2 4420
	nsenter --net="/run/netns/$(ns target)" \
		ln -s "$NVMET/subsystems/$nqn" "$NVMET/ports/1/subsystems/"
	within 30 nvme connect -t tcp -n $nqn -a 10.0.0.2 -s 4420 \
		--ctrl-loss-tmo=600 --keep-alive-tmo="$3"
	wait_until 20 nvme_device $nqn
	dev=$(nvme_device $nqn)
	udevadm settle --timeout=$((20 * ${CLOAK_SLOW:-1}))
	ip link set v0 down
	dd if="$dev" of=/dev/null bs=4k iflag=direct &
	wait_until 30 nvme_is "$2" $nqn
	echo "rebooting"
	reboot --force
	sleep 1000
fi

# reboots STATE KATO: each guest ends without a word, and in time.
reboots() {
	local kernel status
	for kernel in 6.1 6.12; do
		status=0
		"$TOP/scripts/vm.sh" --kernel $kernel --modules ours \
			--timeout $((100 * ${CLOAK_SLOW:-1})) -- \
			"$TOP/selftests/nvme_tcp/reboot.sh" \
			inside "$@" >"$log" 2>&1 || status=$?
		cat "$log"
		grep -qx rebooting "$log" && ((status == 123)) || return
	done
}

log=$(mktemp)
defer rm -f "$log"
ktap_run "a reboot while reads wait" reboots live 120
ktap_run "a reboot while reconnecting" reboots connecting 2
