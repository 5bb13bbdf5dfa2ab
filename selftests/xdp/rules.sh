#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tables of 5,120 rules for each of several local addresses, through cloakd:
# what they decide about real connections, what is counted and logged, and that
# nothing is lost while they are replaced.
#
# where: host guest
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq socat ping

# An emulated processor has fewer, and only natively is speed a question.
MANY=5120 seconds=1 ROUND=10000
if grep -q cloak.run= /proc/cmdline; then
	MANY=128 seconds=120 ROUND=500
fi
OTHERS=(10.0.9.21 10.0.9.22 10.0.9.23)

# table ADDRESS [LINE...]: a table that lets in ping, 4420, and what the lines
# say; its other rules are for hosts that are not here.
table() {
	local address=$1
	shift
	printf '[[table]]\naddress = "%s"\ndefault = "drop"\n' "$address"
	printf '%s\n' "$@"
	awk -v many="$MANY" 'BEGIN {
		print "rule = ["
		print "{name = \"out\", direction = \"out\", verdict = \"allow\"},"
		print "{name = \"ping\", protocol = \"icmp\", " \
			"counter = \"ping\", verdict = \"allow\"},"
		print "{name = \"guard\", protocol = \"tcp\", " \
			"destination_port = 2049, verdict = \"drop\"},"
		print "{name = \"told\", protocol = \"udp\", " \
			"destination_port = 7, verdict = \"log\"},"
		for (i = 5; i < many; i++)
			printf "{name = \"host-%d\", source = \"10.%d.%d.%d\", " \
				"protocol = \"tcp\", destination_port = %d, " \
				"counter = \"group-%d\", verdict = \"allow\"},\n",
				i, 16 + i % 64, int(i / 250), i % 250,
				1024 + i, i % 1024
		print "{name = \"last\", source = \"10.0.9.0/24\", " \
			"protocol = \"tcp\", destination_port = 4420, " \
			"counter = \"storage\", verdict = \"allow\"}]"
	}'
}

policy() {
	local address
	cloakd_policy
	for address in "$LAKE" "${OTHERS[@]}"; do
		table "$address"
	done
}

# reaches ADDRESS PORT: does a TCP connection of the peer come about?
reaches() {
	in_ns peer socat -u OPEN:/dev/null "TCP:$1:$2,connect-timeout=1"
}

# counted NAME: packets under a shared counter.
counted() {
	ctl counters --json |
		jq --arg name "$1" '.[] | select(.name == $name) | .packets'
}

# hits ADDRESS RULE: packets that matched it.
hits() {
	ctl rules "$1" --json | jq --arg name "$2" \
		'.[0].rule[] | select(.name == $name) | .packets'
}

quick() {
	local begun=${EPOCHREALTIME/./}
	{
		cloakd_policy
		table "$LAKE"
	} >"$WORK/one.toml"
	ctl apply "$WORK/one.toml"
	local took=$((${EPOCHREALTIME/./} - begun))
	echo "$MANY rules read, compiled and swapped in after $took us"
	((took < seconds * 1000000 * ${CLOAK_SLOW:-1}))
}

decides() {
	local address
	for address in "$LAKE" "${OTHERS[@]}"; do
		reaches "$address" 4420
		not reaches "$address" 2049
		not reaches "$address" 22
		[[ $(hits "$address" last) -gt 0 ]]
		[[ $(hits "$address" guard) -gt 0 ]]
	done
	ctl drops --json | jq -e 'any(.reason == "rule" and .packets > 0)'
	ctl drops --json | jq -e 'any(.reason == "table" and .packets > 0)'
}

lists() {
	ctl rules "$LAKE" --hit | grep -E '^3 +[1-9].* drop .* guard '
	ctl rules --hit --json | jq -e 'length == 4'
	ctl status | grep "^rules *$((MANY * 4)) in 4 tables"
	ctl counters | grep -E '^storage +[1-9]'
	ctl counters --json |
		jq -e "length == $((MANY > 1029 ? 1026 : MANY - 3))"
	ctl_exits 2 rules 10.0.9
}

logs() {
	in_ns peer bash -c "echo x >/dev/udp/$LAKE/7"
	wait_until 5 grep "rule told of $LAKE: udp $PEER:.* > $LAKE:7, .* drop: table" \
		"$WORK/stderr"
}

monitors() {
	{
		cloakd_policy
		table "$LAKE" 'action = "monitor"'
	} >"$WORK/monitor.toml"
	ctl apply "$WORK/monitor.toml"
	reaches "$LAKE" 2049
	ctl drops --json | jq -e \
		'any(.reason == "rule" and .verdict == "would drop")'
	ctl reload
	not reaches "$LAKE" 2049
}

# pings: as fast as they are answered, so that a gap shows, be it for less than a
# millisecond. In rounds: a ping that is stopped leaves its last one unanswered.
pings() {
	until [[ -e $WORK/replaced ]]; do
		in_ns peer ping -q -f -c "$ROUND" -W 1 "$LAKE"
	done | grep transmitted >"$WORK/pings"
}

# by_turns: two policies, both of which let pings through.
by_turns() {
	local i
	for ((i = 0; i < 4; i++)); do
		ctl apply "$WORK/one.toml" && ctl reload || return
	done 2>"$WORK/warnings"
}

replaced() {
	local before after sent status=0
	before=$(counted ping)
	pings &
	by_turns || status=$?
	: >"$WORK/replaced"
	wait $!
	cat "$WORK/pings"
	((status == 0)) || { cat "$WORK/warnings"; return 1; }
	not grep -v ' 0% packet loss' "$WORK/pings"
	sent=$(awk '{ sent += $1 } END { print sent }' "$WORK/pings")
	after=$(counted ping)
	echo "$before packets counted, then $after; $sent were sent"
	((after - before == sent))
}

outlived() {
	local before
	before=$(counted storage)
	cloakd_kill KILL
	not reaches "$LAKE" 2049
	reaches "$LAKE" 4420
	cloakd_start
	echo "$before packets before, $(counted storage) now"
	(($(counted storage) > before))
}

cloak_lab
for address in "${OTHERS[@]}"; do
	netns_addr lake eth0 "$address/24"
done
for port in 4420 2049 22; do
	ip netns exec "$(ns lake)" socat -u \
		"TCP-LISTEN:$port,fork,reuseaddr" OPEN:/dev/null &
	defer kill $!
done
policy >"$WORK/policy.toml"
ktap_run "check finds no fault in $((MANY * 4)) rules" \
	ctl_exits 0 check "$WORK/policy.toml"
cloakd_start
ktap_run "$MANY rules are in force within $seconds s" quick
ktap_run "all of them are back" ctl reload
ktap_run "rules decide about connections to each address" decides
ktap_run "rules, counters and status say so" lists
ktap_run "a rule that logs" logs
ktap_run "a table that only watches" monitors
ktap_run "no packet and no count is lost while rules are replaced" replaced
ktap_run "rules and counters outlive the daemon" outlived
