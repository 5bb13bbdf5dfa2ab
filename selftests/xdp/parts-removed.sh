#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What somebody else takes off a cloaked interface is put back at once, counted
# and told of: a filter of tc, its clsact, or the link of XDP.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq tc bpftool curl
former=$TOP/build/xdp/tests/former-20.bpf.o
ktap_need "build/xdp/tests/former-20.bpf.o (make -C xdp tests)" test -f "$former"

# Where our filters are, as tc shows it.
OURS='handle 0xc10a '

# filter WAY: whether ours is there.
filter() { in_ns lake tc filter show dev eth0 "$1" | grep "$OURS"; }

# removed PART: how often the daemon has found it gone.
removed() { ctl status --json | jq ".removed.$1"; }

# more PART THAN: it was found gone since.
more() { (($(removed "$1") > $2)); }

# told TEXT: the log has a line about eth0 with it.
told() { grep -h "others have removed $1 of eth0; put back" "$WORK"/std*; }

# qdisc: with it goes the filter.
qdisc() {
	local before
	before=$(removed egress)
	filter egress
	in_ns lake tc qdisc del dev eth0 clsact
	wait_until 10 more egress "$before"
	filter egress
	told 'the egress half'
	ctl status | grep '^removed  .* egress [1-9]'
	hidden
}

filter_alone() {
	local before
	before=$(removed egress)
	in_ns lake tc filter del dev eth0 egress
	wait_until 10 more egress "$before"
	filter egress
	hidden
}

# Another program under our name is not ours.
replaced() {
	local before
	before=$(removed egress)
	in_ns lake tc filter replace dev eth0 egress prio 1 handle 0xc10a \
		bpf bytecode '1,6 0 0 0,'
	wait_until 10 more egress "$before"
	filter egress
	hidden
}

# forced: links cannot be replaced, but root can detach them.
forced() {
	local before index
	before=$(removed ingress)
	index=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	bpftool link detach pinned "$WORK/bpf/cloak/links/xdp-$index"
	wait_until 10 more ingress "$before"
	told 'the ingress half'
	ctl status --json | jq -e '.interfaces[0] |
		.attached == "native" and .egress'
	hidden
}

# taken: what comes in is somebody else's for a while, what leaves is not.
taken() {
	local index
	index=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	kill -STOP "$CLOAKD"
	bpftool link detach pinned "$WORK/bpf/cloak/links/xdp-$index"
	in_ns lake ip link set eth0 xdp object "$former" section xdp.frags
	kill -CONT "$CLOAKD"
	wait_until 10 eval "ctl status | grep 'another XDP program'"
	filter egress
	in_ns lake ip link set eth0 xdp off
	wait_until 10 eval \
		'ctl status --json | jq -e ".interfaces[0].attached == \"native\""'
	hidden
}

answering() {
	cat <<-EOF2
		[[interface]]
		name = "eth0"
		mode = "addresses"

		[cloak]
		addresses = ["$LAKE"]

		[[table]]
		address = "10.0.9.7"
		rule = [{verdict = "reject", protocol = "tcp"}]

		[[peers]]
		name = "initiators"
		prefixes = ["$PEER"]

		[output]
		eve = ""

		[evidence]
		folder = ""
	EOF2
}

both_filters() {
	local before
	answering >"$WORK/answering.toml"
	ctl apply "$WORK/answering.toml"
	filter ingress
	before=$(removed answers)
	in_ns lake tc qdisc del dev eth0 clsact
	wait_until 10 more answers "$before"
	filter ingress
	filter egress
	told 'the egress half and the filter for answers'
	ctl reload
	not filter ingress
}

counted() {
	local part
	curl -s --unix-socket "$WORK/metrics.sock" http://cloak/metrics \
		>"$WORK/metrics"
	for part in ingress egress answers; do
		grep "^cloaklake_removed_total{part=\"$part\"} $(removed $part)\$" \
			"$WORK/metrics"
	done
}

# What is taken off on purpose, or goes with its interface, is not missing.
on_purpose() {
	local before
	before=$(ctl status --json | jq -c .removed)
	ctl off
	sees scanner
	ctl on
	hidden
	in_ns lake ip link del eth0
	wait_until 10 eval \
		'ctl status --json | jq -e ".interfaces[0].present == false"'
	netns_attach lake eth0 wire br0
	netns_addr lake eth0 "$LAKE/24"
	wait_until 10 filter egress
	wait_until 10 hidden
	[[ $(ctl status --json | jq -c .removed) == "$before" ]]
}

# With no daemon that would put it back.
half_left() {
	local index
	cloakd_kill KILL
	index=$(in_ns lake cat /sys/class/net/eth0/ifindex)
	bpftool link detach pinned "$WORK/bpf/cloak/links/xdp-$index"
	filter egress
	ctl off
	not filter egress
	not test -e "$WORK/bpf/cloak"
	sees scanner
}

# A policy that comes while the pins are lost is refused, and changes nothing.
pins_lost() {
	cloakd_kill TERM
	cloakd_start_in_mounts
	umount --lazy "$WORK/bpf"
	ctl_exits 1 authorise "$SCANNER"
	ctl_exits 1 reload
	hidden
	filter egress
	mount -t bpf bpf "$WORK/bpf"
	wait_until 10 test -e "$WORK/bpf/cloak/links"
	hidden
	filter egress
}

cloak_lab
cloakd_policy '[metrics]' "listen = \"unix:$WORK/metrics.sock\"" \
	>"$WORK/policy.toml"
cloakd_start
ktap_run "clsact comes back, and the egress half" qdisc
ktap_run "also where the filter alone was removed" filter_alone
ktap_run "also from under another program" replaced
ktap_run "the ingress half that was detached by force comes back" forced
ktap_run "so does the filter for answers" both_filters
ktap_run "the egress half stays where ingress cannot come back" taken
ktap_run "all are counted for Prometheus" counted
ktap_run "what goes on purpose does not count" on_purpose
ktap_run "off takes away a half that is left" half_left
ktap_run "a lost pin is no part that is missing" pins_lost
