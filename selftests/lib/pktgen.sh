# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The kernel's own packet generator, which sends a packet in a small part of the
# time that a program takes. Each packet has another source address and port.
#
# Needs ktap.sh and netns.sh. To be sourced.

# pktgen_load: this kernel has it, or the test is skipped.
pktgen_load() {
	ktap_need "module pktgen" modprobe pktgen
}

# pktgen_setup NS DEVICE ADDRESS MAC [SETTING...]: UDP to port 4420 there.
pktgen_setup() {
	local ns=$1 device=$2 address=$3 mac=$4
	shift 4
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$ns" bash -euc '
		device=$1 thread=/proc/net/pktgen/kpktgend_0
		shift
		echo rem_device_all >$thread
		echo "add_device $device" >$thread
		for setting; do
			echo "$setting" >"/proc/net/pktgen/$device"
		done' pktgen "$device" "dst $address" "dst_mac $mac" \
		"pkt_size 60" "delay 0" "src_min 1.0.0.0" \
		"src_max 9.255.255.255" "flag IPSRC_RND" \
		"udp_src_min 1024" "udp_src_max 65535" "flag UDPSRC_RND" \
		"udp_dst_min 4420" "udp_dst_max 4420" "$@"
}

# pktgen_send NS DEVICE COUNT: returns when all are sent.
pktgen_send() {
	# shellcheck disable=SC2016 # for the inner shell
	in_ns "$1" bash -euc '
		echo "count $2" >"/proc/net/pktgen/$1"
		echo start >/proc/net/pktgen/pgctrl
		grep -q "^Result: OK" "/proc/net/pktgen/$1"' \
		pktgen "$2" "$3"
}
