#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The BPF object without its daemon: xdp-loader, ip and bpftool attach it as
# Documentation/xdp/data-plane.rst says. With empty maps everything passes; an
# entry for the interface, made by bpftool, hides the host from everybody.
#
# where: guest
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands bpftool jq xdp-loader

OBJECT=$TOP/build/xdp/cloak.bpf.o
PINS=/sys/fs/bpf

# on_lake COMMAND...: with the mounts of the guest, where pins last.
on_lake() { nsenter --net="/run/netns/$(ns lake)" -- "$@"; }

# documented TOOL: the line about it, for the object that was built; a variable
# for the tool may stand before it.
documented() {
	local line
	line=$(sed -n "s|^    \(\([A-Z_]*=[^ ]* \)\?$1 .*\)|\1|p" \
		"$TOP/Documentation/xdp/data-plane.rst")
	[[ $line == *cloak.bpf.o* ]] || { echo "nothing about $1"; return 1; }
	echo "${line/cloak.bpf.o/$OBJECT}"
}

# unpin: each loader makes maps of its own.
unpin() { rm -rf "${PINS:?}"/*; }

attached() {
	on_lake ip -json -detail link show dev eth0 |
		jq -e '.[0].xdp.prog.id > 0'
}

everybody() {
	attached
	sees peer
	sees scanner
}

by_xdp_loader() {
	local line
	line=$(documented xdp-loader)
	eval "on_lake env $line"
	on_lake xdp-loader status eth0 | grep cloak_ingress
	everybody
	on_lake xdp-loader unload eth0 --all
	not attached
}

by_ip() {
	local line
	line=$(documented 'ip link')
	eval "on_lake env $line"
	everybody
	on_lake ip link set dev eth0 xdp off
	not attached
}

by_bpftool() {
	local line
	line=$(documented bpftool)
	eval "on_lake env $line"
	on_lake bpftool net attach xdp pinned "$PINS/cloak/cloak_ingress" \
		dev eth0
	everybody
}

# interface: the number of eth0 as bpftool takes it, octet by octet.
interface() {
	local number
	number=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	echo $((number & 255)) $((number >> 8 & 255)) 0 0
}

# A scope and a mode that nobody knows count as the strictest.
filled() {
	# shellcheck disable=SC2046 # octets are words
	bpftool map update name interfaces_0 key $(interface) \
		value 255 255 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	not sees peer
	not sees scanner
	# shellcheck disable=SC2046
	bpftool map delete name interfaces_0 key $(interface)
	everybody
}

cloak_lab
ktap_run "by xdp-loader" by_xdp_loader
ktap_run "by ip" by_ip
unpin
ktap_run "by bpftool" by_bpftool
ktap_run "an entry by bpftool hides the host" filled
