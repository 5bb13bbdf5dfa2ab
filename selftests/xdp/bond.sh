#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A bond is cloaked in generic mode: its driver would hand a native program to its
# ports, where it knows no interface. Native mode is refused, and a native link that
# an earlier release has left is replaced.
#
# where: guest
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/frames.sh"
ktap_need_commands arping jq tcpdump

# bond: made of both ports of the lake on the wire. It gets the address.
bond() {
	netns_attach lake eth1 wire br0
	in_ns lake ip addr flush dev eth0
	in_ns lake ip -batch - <<-EOF2
		link add bond0 type bond mode active-backup miimon 100
		link set eth0 down
		link set eth1 down
		link set eth0 master bond0
		link set eth1 master bond0
		link set bond0 up
	EOF2
	netns_addr lake bond0 "$LAKE/24"
}

# bond_policy NAME [LINE]: for that interface, with that line.
bond_policy() {
	cloakd_policy | sed "s/^name = \"eth0\"/name = \"$1\"\n${2:-}/"
}

# attached NAME HOW: as the daemon tells of it.
attached() {
	ctl status --json | jq -e --arg name "$1" --arg how "$2" \
		'.interfaces[] | select(.name == $name).attached == $how'
}

# answered HOST: by ping, with no MAC known before.
answered() {
	in_ns lake ip neigh flush dev bond0
	in_ns "$1" ip neigh flush dev eth0
	in_ns "$1" ping -n -q -c 1 -W 2 "$LAKE"
}

# came_in: has the lake heard who asked last? The egress half hides the answer.
came_in() { in_ns lake ip neigh show to "$SCANNER" dev bond0 | grep lladdr; }

asks() {
	not answered scanner
	not in_ns scanner arping -q -c 2 -w 1 -i eth0 "$LAKE"
	not came_in
}

# is_cloaked: not one frame leaves it because of a stranger, and the peer is served.
is_cloaked() {
	sends_only none asks
	answered peer
}

by_itself() {
	attached bond0 generic
	is_cloaked
}

told() { ctl alerts | grep -F "$SCANNER"; }

alerted() {
	ctl sources | grep -F "$SCANNER"
	wait_until 10 told
}

refuses_native() {
	ctl_exits 1 apply "$WORK/native.toml" >"$WORK/said"
	cat "$WORK/said"
	grep 'bond0: its driver, bonding, hands native programs .*: attach = "generic"' \
		"$WORK/said"
	attached bond0 generic
	is_cloaked
}

by_pattern() {
	ctl apply "$WORK/pattern.toml"
	in_ns lake ip link add bond1 type bond
	wait_until 10 attached bond1 generic
	in_ns lake ip link del bond1
	ctl apply "$WORK/policy.toml"
}

# dispatched: where the kernel has no dispatcher it is a link, generic all the same.
dispatched() {
	cp "$WORK/dispatcher.toml" "$WORK/policy.toml"
	cloakd_lift
	cloakd_start
	if [[ $(uname -r) == 6.1.* ]]; then
		ctl status | grep '^bond0 .* generic, dispatcher '
	fi
	by_itself
}

fails_over() {
	in_ns lake ip link set eth0 down
	wait_until 10 answered peer
	asks
}

# make_native INTERFACE PIN: what a release that did not know better has left: the
# same program, natively, by a link that is pinned there.
make_native() {
	in_ns lake cat "/sys/class/net/$1/ifindex" >"$WORK/number"
	nsenter --net="/run/netns/$(ns lake)" -- /usr/bin/python3 - \
		"$(<"$WORK/number")" "$2" <<-'EOF2'
		import ctypes, os, struct, sys
		OBJ_PIN, OBJ_GET, PROG_BY_ID, INFO = 6, 7, 13, 15
		LINK_CREATE, LINK_DETACH, XDP, DRIVER = 28, 34, 37, 1 << 2
		number, path = int(sys.argv[1]), sys.argv[2].encode()
		syscall = ctypes.CDLL(None, use_errno=True).syscall
		def bpf(command, layout, *values):
		    attr = ctypes.create_string_buffer(
		        struct.pack(layout, *values), 128)
		    got = syscall(321, command, attr, 128)
		    if got < 0:
		        code = ctypes.get_errno()
		        raise OSError(code, os.strerror(code), command)
		    return got
		name = ctypes.create_string_buffer(path)
		link = bpf(OBJ_GET, "=QII", ctypes.addressof(name), 0, 0)
		info = ctypes.create_string_buffer(64)
		bpf(INFO, "=IIQ", link, 64, ctypes.addressof(info))
		program = bpf(PROG_BY_ID, "=II",
		              struct.unpack_from("=III", info)[2], 0)
		bpf(LINK_DETACH, "=I", link)
		os.unlink(path)
		link = bpf(LINK_CREATE, "=IIII", program, number, XDP, DRIVER)
		bpf(OBJ_PIN, "=QII", ctypes.addressof(name), link, 0)
	EOF2
}

# native_left: with it strangers come in, which is what this test is about.
native_left() {
	cloakd_kill TERM
	make_native bond0 "$WORK/bpf/cloak/links/xdp-$(
		in_ns lake cat /sys/class/net/bond0/ifindex)"
	in_ns lake ip -j link show bond0 | jq -e '.[0].xdp.mode == 1'
	not answered scanner
	came_in
}

replaced() {
	native_left
	cloakd_start
	by_itself
}

# Nothing stays that only looks like a cloak.
not_replaced() {
	native_left
	cp "$WORK/native.toml" "$WORK/policy.toml"
	cloakd_start
	attached bond0 no
	ctl status | grep '^not attached, tried again: bond0: its driver'
	bond_policy bond0 >"$WORK/policy.toml"
	ctl reload
	by_itself
}

# lifted: the ports have nothing, either.
lifted() {
	ctl off
	not eval "in_ns lake ip link show | grep prog/xdp"
	answered scanner
}

cloak_lab
# libxdp pins there, too: "ip netns exec" hides the usual place.
export LIBXDP_BPFFS=$WORK/bpf
ktap_need "a kernel with bonds" modprobe bonding max_bonds=0
bond
bond_policy bond0 >"$WORK/policy.toml"
bond_policy bond0 'attach = "native"' >"$WORK/native.toml"
bond_policy bond0 'dispatcher = true' >"$WORK/dispatcher.toml"
bond_policy 'bond*' >"$WORK/pattern.toml"
ktap_run "the bare bond answers a stranger" answered scanner
cloakd_start
ktap_run "by itself it is generic, and the bond is silent" by_itself
ktap_run "the stranger is told of" alerted
ktap_run "native mode is refused" refuses_native
ktap_run "so is one that a pattern matches" by_pattern
ktap_run "a native link that was left is replaced" replaced
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "also where the policy wants native mode" not_replaced
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "so it is behind the dispatcher of libxdp" dispatched
ktap_run "the other port takes over" fails_over
ktap_run "off" lifted
