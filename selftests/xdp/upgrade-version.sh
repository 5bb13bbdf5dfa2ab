#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Daemons of releases whose maps are of different versions follow each other
# (xdp/tests/probe/other_version.h). All that time the peer is served, so is
# somebody who was authorised at run time, and a scanner goes on, with a look at
# every frame that leaves the host.
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
other=$TOP/build/xdp/other
ktap_need "build/xdp/other/cloakd (make -C xdp tests)" test -x "$other/cloakd"

GUEST=192.0.2.11
version=$(awk '$2 == "CLOAK_ABI_VERSION" { print $3 }' "$TOP/xdp/abi/base.h")

# let_in: from its other address the peer asks for the lake, which does not ask
# everybody for somebody it has not heard of.
let_in() {
	ctl authorise "$GUEST" --for 1h
	in_ns peer ip neigh flush dev eth0
	in_ns peer ping -n -q -I "$GUEST" -c 1 -W 5 "$LAKE"
}

# taken_over FOLDER: the daemon ends as systemd ends it, that of FOLDER begins.
taken_over() {
	cloakd_kill TERM
	: >"$WORK/stderr"
	PATH=$1:$PATH cloakd_start
	echo "$CLOAKD" >"$WORK/pid"
}

# upgrade FOLDER: both are served, and nobody hears of it.
upgrade() {
	silent scanned pinged pinged_from "$GUEST" taken_over "$1"
}

# there_and_back: to the other release and to this one again.
there_and_back() {
	ctl status --json | jq -e '.interfaces[0].dispatcher'
	upgrade "$other"
	CLOAKD=$(<"$WORK/pid")
	upgrade "$TOP/build/xdp"
	CLOAKD=$(<"$WORK/pid")
	ctl status --json | jq -e '.interfaces[0].dispatcher'
	wait_until 20 served
}

# said FROM TO: what becomes of the one version.
said() {
	grep -F "version $1 of the maps was replaced by version $2: " \
		"$WORK/stderr"
	not grep -F lost "$WORK/stderr"
}

authorised() {
	ctl status --json |
		jq -e --arg guest "$GUEST" \
			'[.. | strings] | any(. == $guest or . == $guest + "/32")'
}

pins() { (cd "$WORK/bpf/cloak" && find . ! -name 'xdp-*' | sort); }

# refused: cloakctl of one release does not misread the maps of the other, when
# there is no daemon to ask.
refused() {
	not in_ns lake cloakctl --socket "$WORK/none" \
		--pin-dir "$WORK/bpf/cloak" drops 2>&1 |
		grep -F "belongs to another version"
}

lifted() {
	cloakd_kill KILL
	ctl off
	not test -e "$WORK/bpf/cloak"
	sees scanner
}

wire_lab
in_ns peer ip addr add "$GUEST/24" dev eth0
policy native >"$WORK/policy.toml"
cloakd_start
ktap_run "somebody is authorised" let_in
pins >"$WORK/pins"
capture "$WORK/wire"
ktap_run "no packet is lost, none goes to others" upgrade "$other"
CLOAKD=$(<"$WORK/pid")
ktap_run "the daemon tells of it" said "$version" 1000
ktap_run "who was authorised still is" authorised
ktap_run "the peer is served" wait_until 20 served
ktap_run "the scanner is told of anew" scanned wait_until 10 told
ktap_run "cloakctl of the former release says why it cannot" refused
ktap_run "and back: no packet is lost, none goes to others" \
	upgrade "$TOP/build/xdp"
CLOAKD=$(<"$WORK/pid")
ktap_run "and back: the daemon tells of it" said 1000 "$version"
ktap_run "and back: who was authorised still is" authorised
ktap_run "and back: the peer is served" wait_until 20 served
ktap_run "and back: its pins are those of this release" \
	diff "$WORK/pins" <(pins)
capture_end
taken_over "$other"
ktap_run "off takes away what another release has left" lifted

sed -i '/^name = "eth0"/a dispatcher = true' "$WORK/policy.toml"
export LIBXDP_BPFFS=$WORK/bpf
if [[ $(uname -r) == 6.1.* ]]; then
	cloakd_start
	ctl on
	let_in
	capture "$WORK/wire"
	ktap_run "behind the dispatcher of libxdp, too" there_and_back
	CLOAKD=$(<"$WORK/cloakd.pid")
	capture_end
else
	ktap_skip "behind the dispatcher of libxdp, too" \
		"this kernel does not let it call the cloak"
fi
