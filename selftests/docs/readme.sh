#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the README tells to type works as it stands there: a target, an
# initiator, a cloak between them and everybody else, and the way back.
#
# where: guest
# modules: ours
# timeout: 300
# mem: 1024
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"

PATH=$TOP/build/xdp:$PATH
policy=/etc/cloaklake/policy.toml

# block HEADING N: the Nth indented block under a heading.
block() {
	awk -v heading="## $1" -v n="$2" '
	/^## / { own = $0 == heading; in_block = 0; next }
	!own { next }
	/^    / { if (!in_block) count++; in_block = 1 }
	!/^    / && !/^$/ { in_block = 0 }
	in_block && count == n { print substr($0, 5) }' "$TOP/README.md"
}

# typed HEADING N: runs a block line by line as a person would.
typed() {
	local text
	text=$(block "$1" "$2")
	[[ -n $text ]]
	note "${text//$'\n'/$'\n# '}"
	bash -xeuo pipefail -c "$text"
}

# There is no systemd here: its line stands for the daemon in the background.
# What is typed runs in a shell of its own, which knows of no waiting yet.
systemctl() {
	. "$KTAP_LIB/wait.sh"
	[[ $* == "enable --now cloakd" ]]
	cloakd >/tmp/cloakd 2>&1 &
	wait_until 20 test -S /run/cloaklake/control.sock
	wait_until 20 cloakctl status
}
export -f systemctl
export KTAP_LIB

# An initiator and somebody else on the wire.
on_initiator() { nsenter --net="/run/netns/$(ns initiator)" "$@"; }
reaches() { in_ns "$1" ping -c 1 -W 2 10.77.0.1; }

sees_disk() { [[ $(lsblk -bno SIZE /dev/nvme0n1) == $((1 << 30)) ]]; }

initiator_types() {
	export -f typed block note
	export TOP
	on_initiator bash -euc 'typed "An initiator" 1'
	wait_until 10 sees_disk
}

reads_and_writes() {
	fio --name=w --filename=/dev/nvme0n1 --direct=1 --rw=write --size=4m \
		--bs=64k --verify=crc32c --output-format=terse >/dev/null
}

write_policy() {
	mkdir -p "${policy%/*}"
	block "The cloak" 1 >"$policy"
	grep -q '^name = "eth0"' "$policy"
}

netns_new wire initiator stranger
netns_bridge wire br0
netns_attach initiator eth0 wire br0
netns_attach stranger eth0 wire br0
netns_addr initiator eth0 10.77.0.2/16
netns_addr stranger eth0 10.77.0.66/16
ip link add eth0 type veth peer name lake netns "$(ns wire)"
in_ns wire ip link set lake up master br0
ip addr add 10.77.0.1/16 dev eth0
ip link set eth0 up
mkdir -p /var/log/cloaklake

ktap_run "a target" typed "A target" 1
ktap_run "an initiator" initiator_types
ktap_run "the disk works" reads_and_writes
ktap_run "a policy" write_policy
ktap_run "the cloak, at first to see what it would do" typed "The cloak" 2
ktap_run "it is enforced" grep -q enforce <(cloakctl status)
ktap_run "a stranger finds nobody" not reaches stranger
ktap_run "the initiator does" reaches initiator
ktap_run "the disk works behind the cloak" reads_and_writes
ktap_run "the administrator's commands" typed "The cloak" 3
ktap_run "the last of them has lifted the cloak" reaches stranger
ktap_run "the initiator leaves" nvme disconnect -n ramdisk
ktap_run "the target goes" typed "A target" 2
ktap_run "with its modules" test ! -e /sys/module/nvmet_tcp
