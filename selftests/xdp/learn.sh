#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A host that only watches learns what it is used for: cloakctl learn makes a
# policy of the flows, which cloakctl check accepts, which changes nothing until
# it is applied, and which then lets through what was seen and nothing else.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq nmap socat

monitor() {
	cloakd_policy '[flows]' 'all = true' 'idle = "2s"' |
		sed '/^name = "eth0"/a action = "monitor"'
}

# serve HOST PORT [REPLY]: somebody answers there.
serve() {
	ip netns exec "$(ns "$1")" socat "TCP-LISTEN:$2,fork,reuseaddr" \
		SYSTEM:'echo hello' >/dev/null 2>&1 &
	defer kill $!
	wait_until 30 eval "in_ns $1 ss -ltn | grep -q ':$2 '"
}

# hears HOST ADDRESS PORT: does a connection come about, and an answer?
hears() {
	[[ $(in_ns "$1" socat -t 2 - "TCP:$2:$3,connect-timeout=1" \
		</dev/null 2>/dev/null) == hello ]]
}

# proposed FILTER: is there a rule for which the jq expression holds?
proposed() {
	ctl learn --json | jq -e ".tables[] | select(.address == \"$LAKE\") |
		any(.rule[]; $1)" >/dev/null
}

used() {
	hears peer "$LAKE" 4420
	hears peer "$LAKE" 4420
	in_ns peer ping -n -q -c 2 -i 0.1 "$LAKE"
	hears lake "$PEER" 8080
	in_ns scanner nmap -n -Pn -sS -p 1-20,4420 "$LAKE" >"$WORK/nmap"
	grep '^4420/tcp open' "$WORK/nmap"
	hears peer "$LAKE" 4421
}

service_learned() {
	wait_until 30 proposed '.name == "tcp-4420-4421" and
		.direction == "in" and .totals.flows == 3 and
		.source == ["10.0.9.10"] and .destination_port == ["4420-4421"] and
		(.covers | length == 2) and .totals.bytes > 0 and .totals.first'
	proposed '.name == "tcp-4420-4421-answers" and .direction == "out"'
	proposed '.name == "icmp-8" and .icmp_type == 8'
	proposed '.name == "to-tcp-8080" and .destination == ["10.0.9.10"]'
	ctl learn --json | jq -e ".left_out[] | select(.why == \"of scanners\") |
		.remotes == [\"$SCANNER\"] and .flows >= 20"
	ctl learn --json | jq -e '.tables | length == 1'
}

no_flows() { [[ -z $(ctl flows --json) ]]; }

# learned [OPTION...]: but for flows without rules, of which there are always
# some more.
learned() { ctl learn --json "$@" | jq 'del(.skipped)'; }

# Flows that have ended are in the file, and the same ones give the same rules.
told_again() {
	wait_until 30 no_flows
	learned >"$WORK/one"
	learned | diff "$WORK/one" -
	learned --from "$WORK/eve.json" | diff "$WORK/one" -
	learned --from - <"$WORK/eve.json" | diff "$WORK/one" -
}

chosen() {
	ctl learn --min-flows 2 | grep '^name = "tcp-' >"$WORK/names"
	diff "$WORK/names" - <<-EOF
		name = "tcp-4420"
		name = "tcp-4420-answers"
	EOF
	ctl learn --address "$LAKE" | grep "^address = \"$LAKE\""
	ctl_exits 1 learn --address 10.0.9.7
	ctl_exits 1 learn --since 2100-01-01T00:00:00
	ctl_exits 2 learn --since yesterday
	ctl_exits 2 learn --address nobody
	ctl_exits 1 learn --from "$WORK/nothing"
}

accepted() {
	ctl learn >"$WORK/learned.toml"
	cat "$WORK/learned.toml"
	grep -E "^#   $PEER port 442[01]: [12] flows?, [0-9]+ bytes, 20" \
		"$WORK/learned.toml"
	grep "^# Left out, of scanners: .*: $SCANNER$" "$WORK/learned.toml"
	ctl check "$WORK/learned.toml"
	ctl status --json | jq -e '.policy.rules == 0'
	cat >>"$WORK/learned.toml" <<-EOF
		[output]
		eve = "$WORK/eve.json"
		[evidence]
		folder = ""
	EOF
	ctl apply "$WORK/learned.toml"
	hears scanner "$LAKE" 4420
}

enforced() {
	sed 's/"monitor"/"enforce"/' "$WORK/learned.toml" >"$WORK/policy.toml"
	ctl reload
	hears peer "$LAKE" 4420
	hears lake "$PEER" 8080
	in_ns peer ping -n -q -c 1 "$LAKE"
	not hears peer "$LAKE" 22
	not hears scanner "$LAKE" 4420
}

cloak_lab
monitor >"$WORK/policy.toml"
cloakd_start
for port in 22 4420 4421; do
	serve lake "$port"
done
serve peer 8080
ktap_run "the host is used" used
ktap_run "rules for what it is used for" service_learned
ktap_run "flows that have ended are learned from as well" told_again
ktap_run "only what is asked for" chosen
ktap_run "the proposal is a policy that drops nothing" accepted
ktap_run "enforced, it lets through what was seen, and no more" enforced
