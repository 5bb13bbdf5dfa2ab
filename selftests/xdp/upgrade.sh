#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon of a later release takes the place of the former one, and back:
# its object differs and has a map more (xdp/tests/probe/next.bpf.c). All that
# time the peer is served and a scanner goes on, with a look at every frame that
# leaves the host.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands jq socat tcpdump
next=$TOP/build/xdp/next
ktap_need "build/xdp/next/cloakd (make -C xdp tests)" test -x "$next/cloakd"

tag() { in_ns lake ip -j -d link show eth0 | jq -r '.[0].xdp.prog.tag'; }

# upgrade FOLDER: the daemon ends as systemd ends it, that of FOLDER begins.
upgrade() {
	local before
	before=$(dropped)
	tag >"$WORK/tag"
	cloakd_kill TERM
	PATH=$1:$PATH cloakd_start
	echo "$CLOAKD" >"$WORK/pid"
	not grep -qx "$(tag)" "$WORK/tag"
	(($(dropped) >= before)) || { echo "the counters began anew"; return 1; }
}

wire_lab
policy native >"$WORK/policy.toml"
cloakd_start
capture "$WORK/wire"
ktap_run "the scanner is told of" scanned wait_until 10 told
for to in "$next" "$TOP/build/xdp"; do
	way="to the next release"
	[[ $to == "$next" ]] || way="and back"
	ktap_run "no packet of the peer is lost, none goes to others: $way" \
		silent scanned pinged upgrade "$to"
	CLOAKD=$(<"$WORK/pid")
	ktap_run "the peer is served: $way" wait_until 20 served
done
capture_end
ktap_run "off" ctl off
ktap_run "the bare host answers again" sees scanner
