#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A port belongs to the network namespace it was made in: it is reached there
# and nowhere else, does not keep the namespace alive, and goes with it. The
# policy that cloakctl proposes names it and the initiator that is connected.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 200
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"
. "$KTAP_LIB/netns.sh"
ktap_need_commands jq

nqn=nqn.2026-01.net.cloaklake:netns
counters=/sys/kernel/debug/nvmet_tcp/port-1/counters
cloakctl=$TOP/build/xdp/cloakctl
here=$(cd "$(dirname "$0")" && pwd)

load_ours target
ram_disk 16
nvmet_subsys $nqn
nvmet_ns $nqn 1 /dev/ram0
nvmet_port 1 0.0.0.0 4420
defer nvmet_clear

netns_new lake
netns_new host
netns_link lake eth0 host veth-host
netns_addr lake eth0 198.51.100.1/24
netns_addr host veth-host 198.51.100.2/24

# net_of NS COMMAND...: "ip netns exec" would mount a sysfs without configfs in
# it.
net_of() { nsenter --net="/run/netns/$(ns "$1")" "${@:2}"; }

# link_in NS: enables the port from within.
link_in() {
	net_of "$1" ln -s "$NVMET/subsystems/$nqn" \
		"$NVMET/ports/1/subsystems/$nqn"
}

held() { [[ $(sed -n 's/^connected //p' $counters) == 2 ]]; }
gone() { [[ $(sed -n 's/^connections //p' $counters) == 0 ]]; }
listening() { in_ns "$1" ss -Hltn | grep -q :4420; }

propose() { net_of lake "$cloakctl" from-nvmet "$@"; }

# proposes INITIATORS: for the port as it is, and these initiators, a JSON list.
proposes() {
	propose --json | jq -e --arg nqn $nqn --argjson initiators "$1" '
		.services == [{address: "198.51.100.1", ports: [4420]}] and
		.interfaces == ["eth0"] and .gateways == [] and
		.ports[0].subsystems == [$nqn] and
		.initiators == $initiators'
}

proposed() {
	local policy
	load_ours initiator
	link_in lake
	proposes '[]'
	net_of host nvme connect -t tcp -n $nqn -a 198.51.100.1 -s 4420
	wait_until 20 nvme_device $nqn
	proposes '["198.51.100.2"]'
	policy=$(propose)
	net_of lake "$cloakctl" check - <<<"$policy"
	grep '^addresses = \["198.51.100.1"\]' <<<"$policy"
	grep '^destination_port = \[4420\]' <<<"$policy"
	grep '^prefixes = \["198.51.100.2"\]' <<<"$policy"
	nvme_disconnect $nqn
	wait_until 20 proposes '[]'
	unload initiator
	nvmet_unlink 1 $nqn
}

reached_only_there() {
	link_in lake
	listening lake
	not listening host
	not within 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/4420'
	in_ns host env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 \
		"$here/hold.py" 198.51.100.1 4420 $nqn >/dev/null 2>&1 &
	wait_until 20 held
}

# The other end of a veth pair vanishes only when the namespace is really gone.
namespace_ends() {
	[[ $(in_ns host ip -br link show veth-host) == veth-host* ]]
	ip netns del "$(ns lake)"
	wait_while 20 in_ns host ip link show veth-host
	gone
}

# No rules of udev answer to dmsetup in a guest.
dm() { dmsetup --noudevrules --noudevsync "$@"; }

# silent_disk: /dev/dm-0, which answers nothing until it is resumed.
silent_disk() {
	null_disk 16
	dm create silent --table "0 32768 linear /dev/nullb0 0"
	nvmet_ns $nqn 2 /dev/dm-0
	dm suspend --nolockfs --noflush silent
}

# taken N: the port has had so many commands.
taken() { (($(sed -n 's/^rx_capsules //p' $counters) >= $1)); }

# The connection and the namespace go at once, the command when its disk likes.
disk_is_silent() {
	silent_disk
	nvmet_unlink 1 $nqn
	netns_new lake
	netns_link lake eth0 host veth-host
	netns_addr lake eth0 198.51.100.1/24
	netns_addr host veth-host 198.51.100.2/24
	link_in lake
	in_ns host env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 \
		"$here/hold.py" 198.51.100.1 4420 $nqn 1 128 2 \
		>/dev/null 2>&1 &
	# Two of Connect, one that enables the controller, one for the disk.
	wait_until 20 taken 4
	ip netns del "$(ns lake)"
	wait_while 10 in_ns host ip link show veth-host
	not gone
	dm resume silent
	wait_until 20 gone
	rmdir "$NVMET/subsystems/$nqn/namespaces/2"
	dm remove silent
}

port_can_be_removed() {
	nvmet_unlink 1 $nqn
	link_in host
	listening host
	nvmet_unlink 1 $nqn
	not listening host
}

proposal="cloakctl proposes a policy for the port and who is connected"
if [[ -x $cloakctl ]]; then
	ktap_run "$proposal" proposed
else
	ktap_skip "$proposal" "the cloak is not built (make xdp)"
fi
ktap_run "a port is reached in its namespace only" reached_only_there
ktap_run "the namespace ends with connections open, and the port with it" \
	namespace_ends
ktap_run "the namespace ends though a disk does not answer" disk_is_silent
ktap_run "what is left of the port can be removed, and made anew elsewhere" \
	port_can_be_removed
ktap_run "the module unloads" eval "nvmet_clear; unload target"
