#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Nanoseconds per packet in the cloak's data plane on this machine: the empty
# program, the cloak, its rules in growing numbers, other ways to look the same
# rules up, xdp-filter and nftables, all in one run; then packets per second of
# a stranger over a pair of veth interfaces, dropped by each of them.
#
# usage: scripts/bench-xdp.sh [--repeat N]
#   --repeat N   runs of a program for one figure (default 100000); ten times as
#                many frames go over veth
#
# The results are in build/bench: xdp.txt, xdp.json.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
repeat=100000
while (($# > 0)); do
	case $1 in
	--repeat) repeat=$2 && shift 2 ;;
	*)
		sed -n 's/^# \{0,1\}//; /^usage/,/^$/p' "$0" >&2
		exit 2
		;;
	esac
done

tests=$BUILD/xdp/tests
out=$BUILD/bench
bench=$tests/bench
work=$(mktemp -d)
netns=cloak-bench-$$
pins=/sys/fs/bpf/cloak-bench-$$

cleanup() {
	ip netns del "$netns" 2>/dev/null || true
	rm -rf -- "$work" "$pins"
}
trap cleanup EXIT

# row NAME NANOSECONDS: another line of the table.
row() { printf '%-64s %8s\n' "$1" "$2"; }

# The packet of a stranger, as bytes.
stranger() {
	printf '\x52\x54\0\0\0\x05\x52\x54\0\0\0\x66\x08\0\x45\0\0\x28\0\x01'
	printf '\0\0\x40\x06\0\0\xc0\0\x02\x42\xc0\0\x02\x05\x9c\x40\x11\x44'
	printf '\0\0\0\0\0\0\0\0\x50\x02\x02\0\0\0\0\0'
}

# xdp-filter's program that denies everything, as its package has it.
xdp_filter() {
	local object ns
	object=$(find /usr/lib -name xdpfilt_dny_all.o 2>/dev/null | head -n 1)
	[[ -n $object ]] || return 0
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	stranger >"$work/frame"
	bpftool -L prog loadall "$object" "$pins" 2>"$work/load" || {
		cat "$work/load" >&2
		return 0
	}
	ns=$(for _ in 1 2 3 4 5; do
		bpftool prog run pinned "$pins/xdpfilt_dny_all" \
			data_in "$work/frame" repeat "$repeat" |
			grep -oE '[0-9]+ns' | tr -d ns
	done | sort -n | head -n 1)
	row "xdp-filter: deny, TCP of a stranger" "$ns"
}

# nft_with RULES: nanoseconds for a frame that the last rule lets in. A raw
# chain at the interface, the earliest that nftables has.
nft_with() {
	{
		echo 'flush ruleset; table netdev t { chain c {'
		echo 'type filter hook ingress device eth0 priority 0;'
		echo 'policy drop;'
		"$bench" --nft "$1"
		printf '}\n}\n'
	} >"$work/nft"
	ip netns exec "$netns" nft -f "$work/nft" || return 1
	ip netns exec "$netns" "$bench" --live eth0 "$1" --repeat 20000
}

nftables() {
	local rules ns
	command -v nft >/dev/null || return 0
	for rules in 0 100 1000 5120; do
		ns=$(nft_with "$rules") || continue
		row "nftables: from the driver on, $rules rules" "$ns"
	done
	ip netns exec "$netns" nft flush ruleset
}

# set_up_pair: eth0 and eth1, of which eth1 takes in what eth0 is told to send
# without an XDP program too, for nftables.
set_up_pair() {
	ip netns add "$netns"
	ip -n "$netns" link add eth0 type veth peer name eth1
	ip netns exec "$netns" ethtool -K eth1 gro on
	ip -n "$netns" link set eth0 up
	ip -n "$netns" link set eth1 up
}

# sent_over_veth NAME: packets per second that reach what drops them at eth1.
sent_over_veth() {
	local rate
	rate=$(ip netns exec "$netns" "$bench" --send eth0 eth1 \
		--repeat $((repeat * 10)))
	row "veth: $1" "$rate"
}

veth() {
	ip netns exec "$netns" "$bench" --veth eth0 eth1 \
		--repeat $((repeat * 10))
	if [[ -e $pins/xdpfilt_dny_all ]]; then
		# ip would change /sys together with the namespace
		nsenter --net="/run/netns/$netns" bpftool net attach xdpdrv \
			pinned "$pins/xdpfilt_dny_all" dev eth1
		sent_over_veth "xdp-filter, deny"
		ip -n "$netns" link set dev eth1 xdpdrv off
	fi
	if command -v nft >/dev/null; then
		ip netns exec "$netns" nft -f - <<-'END'
			table netdev t {
				chain c {
					type filter hook ingress device eth1 priority 0
					policy drop
				}
			}
		END
		sent_over_veth "nftables, policy drop at the interface"
	fi
}

make -s -C "$TOP/xdp" O="$BUILD/xdp" "$bench" "$tests/alternatives.bpf.o"
mkdir -p "$out"
{
	"$bench" --repeat "$repeat" --json "$work/xdp.json" \
		--alternatives "$tests/alternatives.bpf.o"
	xdp_filter
	set_up_pair
	nftables
	printf '\n%-64s %8s\n' 'PACKETS PER SECOND' /s
	veth
} | tee "$out/xdp.txt"
jq --rawfile text "$out/xdp.txt" '. + [$text | split("\n")[] |
	select(test("^(xdp-filter|nftables)")) |
	capture("^(?<name>.*[^ ]) +(?<ns>[0-9.]+)$") |
	.ns |= tonumber] + [$text | split("\n")[] | select(test("^veth:")) |
	capture("^(?<name>.*[^ ]) +(?<packets_per_s>[0-9]+)$") |
	.packets_per_s |= tonumber]' "$work/xdp.json" >"$out/xdp.json"
echo "in $out: xdp.txt, xdp.json"
