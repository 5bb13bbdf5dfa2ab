# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Network namespaces and the links between them. Names get the process id of
# the test as a suffix, so that two tests on one machine do not meet; all is
# removed at the end. Needs ktap.sh. To be sourced.

# ns NAME: full name of a namespace of this test.
ns() { printf 'cl%d-%s' "$$" "$1"; }

# netns_new NAME...: namespaces with the loopback up.
netns_new() {
	local n
	for n in "$@"; do
		ip netns add "$(ns "$n")"
		defer ip netns del "$(ns "$n")"
		in_ns "$n" ip link set lo up
	done
}

# in_ns NAME COMMAND...: "ip" goes there itself, which in a guest takes less than
# half as long as to mount there what a command may look for.
in_ns() {
	local n=cl$$-$1
	shift
	case $1 in
	ip) ip -n "$n" "${@:2}" ;;
	*) ip netns exec "$n" "$@" ;;
	esac
}

# netns_link A DEVICE-A B DEVICE-B [MTU]: a veth pair between two namespaces.
netns_link() {
	local a=$1 dev_a=$2 b=$3 dev_b=$4 mtu=${5:-1500}
	ip link add "$dev_a" netns "$(ns "$a")" mtu "$mtu" type veth \
		peer name "$dev_b" netns "$(ns "$b")" mtu "$mtu"
	in_ns "$a" ip link set "$dev_a" up
	in_ns "$b" ip link set "$dev_b" up
}

# netns_bridge NAME DEVICE: a bridge, in a namespace of its own or another's.
netns_bridge() {
	in_ns "$1" ip link add "$2" type bridge
	in_ns "$1" ip link set "$2" up
}

# netns_attach NS DEVICE BRIDGE-NS BRIDGE [MTU]: a veth pair with one end in NS
# and the other in the bridge.
netns_attach() {
	local port=p-$1-$2
	port=${port:0:15}
	netns_link "$1" "$2" "$3" "$port" "${5:-1500}"
	in_ns "$3" ip link set "$port" master "$4"
}

# netns_addr NS DEVICE ADDRESS/LENGTH...: IPv6 without duplicate detection.
netns_addr() {
	local n=$1 dev=$2 a
	shift 2
	for a in "$@"; do
		if [[ $a == *:* ]]; then
			in_ns "$n" ip addr add "$a" dev "$dev" nodad
		else
			in_ns "$n" ip addr add "$a" dev "$dev"
		fi
	done
}

# netns_tun NS DEVICE: an interface without Ethernet. In a guest nobody has
# loaded the module.
netns_tun() {
	[[ -e /dev/net/tun ]] || modprobe tun
	in_ns "$1" ip tuntap add mode tun name "$2"
}

# missed_nothing FILE: what a tcpdump that has ended says, in FILE: that it has
# seen all that its filter describes.
missed_nothing() {
	grep -q '^0 packets dropped by kernel' "$1" || {
		cat "$1"
		return 1
	}
}
