#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The policy that is proposed for the NVMe/TCP ports of this host keeps those
# who use them connected, and hides the ports from everybody else.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq socat ss

BEHIND=10.0.7.7

# port ID TYPE ADDRESS SERVICE: a port as configfs shows it.
port() {
	local dir=$WORK/configfs/nvmet/ports/$1
	mkdir -p "$dir/subsystems/nqn.2026-11.org.example:$1"
	echo "$2" >"$dir/addr_trtype"
	echo "$3" >"$dir/addr_traddr"
	echo "$4" >"$dir/addr_trsvcid"
}

# serve PORT: what a target does as far as TCP goes: it sends back.
serve() {
	in_ns lake socat "TCP-LISTEN:$1,reuseaddr,fork" EXEC:cat &
	defer kill $!
	wait_until 10 eval "in_ns lake ss -tlnH 'sport = :$1' | grep ."
}

# use NAME HOST OPTION: a connection to the target that lasts.
use() {
	mkfifo "$WORK/$1.in"
	in_ns "$2" socat - "TCP:$LAKE:4420$3" <"$WORK/$1.in" >"$WORK/$1.out" &
	defer kill $!
	exec {fd}>"$WORK/$1.in"
	fds[$1]=$fd
	works "$1"
}

# works NAME: what is sent comes back.
works() {
	local word=$RANDOM-$SECONDS
	echo "$word" >&"${fds[$1]}"
	wait_until 10 grep "^$word$" "$WORK/$1.out"
}

propose() { ctl from-nvmet --configfs "$WORK/configfs" "$@"; }

no_ports() {
	ctl_exits 1 from-nvmet --configfs "$WORK/none" |
		grep "no NVMe/TCP port is configured below $WORK/none/nvmet"
	mkdir -p "$WORK/empty/nvmet/ports/1"
	echo rdma >"$WORK/empty/nvmet/ports/1/addr_trtype"
	ctl_exits 1 from-nvmet --configfs "$WORK/empty"
}

# The loopback has no wire, and what has no address cannot be hidden.
left_out() {
	propose >/dev/null 2>"$WORK/said"
	grep 'port 8 is left out' "$WORK/said"
	grep 'port 9 is left out: "unset 4420"' "$WORK/said"
}

proposed() {
	propose >"$WORK/proposal.toml"
	ctl check "$WORK/proposal.toml"
	propose | ctl check -
	grep 'action = "monitor"' "$WORK/proposal.toml"
	propose --json | jq -e --arg lake "$LAKE" --arg peer "$PEER" \
		--arg behind "$BEHIND" --arg router "$SCANNER" '
		.interfaces == ["eth0"] and
		.services == [{address: $lake, ports: [4420, 8009]}] and
		(.initiators | sort) == ([$peer, $behind] | sort) and
		.gateways == [$router] and
		[.ports[].port] == ["1", "2"]'
	diff <(propose --json | jq -j .policy) "$WORK/proposal.toml"
}

in_use() {
	propose --enforce >"$WORK/proposal.toml"
	cat >>"$WORK/proposal.toml" <<-EOF2
		[output]
		eve = "$WORK/eve.json"
		[evidence]
		folder = ""
	EOF2
	ctl apply "$WORK/proposal.toml"
	works near
	works far
	sees peer
	not sees scanner
	not in_ns scanner socat -T 2 - "TCP:$LAKE:4420,connect-timeout=2" \
		</dev/null
}

# To the addresses of the ports NVMe only, and nothing is lost of it.
nothing_else() {
	not in_ns peer socat -T 2 - "TCP:$LAKE:22,connect-timeout=2" </dev/null
	ctl rules --json | jq -e '
		[.[0].rule[] | select(.name == "nvme")][0].packets > 0'
}

declare -A fds=()
cloak_lab
in_ns scanner ip addr add "$BEHIND/32" dev lo
in_ns lake ip route add "$BEHIND/32" via "$SCANNER"
ktap_run "without a port there is nothing to propose" no_ports
port 1 tcp 0.0.0.0 4420
port 2 tcp "$LAKE" 8009
port 8 tcp 127.0.0.1 4420
port 9 tcp unset 4420
serve 4420
serve 22
use near peer ''
use far scanner ",bind=$BEHIND"
ktap_run "what cannot be hidden is left out" left_out
ktap_run "a policy is proposed for ports, initiators and routers" proposed
cloakd_policy >"$WORK/policy.toml"
cloakd_start
ktap_run "initiators stay connected, others see nothing" in_use
ktap_run "the addresses serve nothing else" nothing_else
