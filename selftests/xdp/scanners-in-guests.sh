#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One program of each kind that people scan with, in each supported kernel, with
# the cloak attached natively and generically. All that they can do is tried by
# xdp/scanners on this machine only, as an emulated processor takes ten times
# as long.
#
# where: guest
# timeout: 600
. "$(dirname "$0")/../lib/ktap.sh"

export CLOAK_SLOW=$((${CLOAK_SLOW:-1} * 4))
programs=("nmap -sS" "nmap -6 -sS" masscan zmap "hping3 -S" arping arp-scan
	ndisc6 alive6 "scan6 -L")

# scans MODE SUFFIX PROGRAM...
scans() {
	local mode=$1 suffix=$2
	shift 2
	CLOAK_ATTACH=$mode ktap_test "$(dirname "$0")/scanners.sh" \
		"${@/%/ finds nobody$suffix}"
}

scans native "" "${programs[@]}" "nmap -sU" "nmap -sV" "nmap -O" \
	"nmap -6 -O"
scans generic ", generic" "${programs[@]}"
