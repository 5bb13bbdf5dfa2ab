#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# 64 local addresses with 5,120 rules each: such a policy is put in force, and
# another one like it in its place, within the memory that the unit of the daemon
# has; the last rule of the last table decides, and nobody else sees the host.
#
# where: host
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/cgroup.sh"
ktap_need_commands jq socat

TABLES=64
RULES=5120
LIMIT=$(($(sed -n 's/^MemoryMax=\([0-9]*\)G$/\1/p' \
	"$TOP/xdp/etc/cloakd.service") * 1024))
LAST=10.0.9.$((100 + TABLES)) # the address of the last table

# tables SEED PORT: no two rules say the same; the very last one of all lets the
# peer reach that port.
tables() {
	awk -v seed="$1" -v port="$2" -v tables=$TABLES -v rules=$RULES \
		-v peer="$PEER" '
	function rule(name, source, port) {
		printf "[[table.rule]]\nname = \"%s\"\nsource = \"%s\"\n" \
			"protocol = \"tcp\"\ndestination_port = %d\n" \
			"verdict = \"allow\"\n", name, source, port
	}
	BEGIN {
		srand(seed)
		for (t = 1; t <= tables; t++) {
			printf "[[table]]\naddress = \"10.0.9.%d\"\n" \
				"default = \"drop\"\n", 100 + t
			for (r = 1; r < rules - 1; r++)
				rule("r" r, sprintf("10.%d.%d.0/%d",
					16 + int(240 * rand()),
					int(256 * rand()), 24 + r % 2),
					1 + r % 60000)
			print "[[table.rule]]\nname = \"answers\"\n" \
				"direction = \"out\"\nverdict = \"allow\""
			rule("last", peer, port)
		}
	}'
}

# in_force PORT OTHER: every rule is there, and what the last says happens.
in_force() {
	local rules
	ctl apply "$WORK/policy-$1.toml"
	rules=$(ctl rules --json | grep -o '"number"' | wc -l)
	((rules == TABLES * RULES)) || { echo "$rules rules"; return 1; }
	in_ns peer socat -u OPEN:/dev/null "TCP:$LAST:$1,connect-timeout=10"
	not in_ns peer socat -u OPEN:/dev/null \
		"TCP:$LAST:$2,connect-timeout=1"
	hidden
}

# Not all of them are told, which would be no answer but a flood.
mistaken() {
	sed 's/^name = "r/name = "r /' "$WORK/policy-4420.toml" \
		>"$WORK/mistaken.toml"
	ctl_exits 4 apply "$WORK/mistaken.toml" >"$WORK/told"
	tail -n 1 "$WORK/told"
	grep 'has 327[0-9]* errors, of which these are the first 1000' \
		"$WORK/told"
	(($(grep -c ': table.rule.name = ' "$WORK/told") == 1000))
	in_ns peer socat -u OPEN:/dev/null "TCP:$LAST:4421,connect-timeout=10"
}

within_limit() {
	local peak
	peak=$(($(cgroup_peak) / 1048576))
	echo "$peak MiB at most, of $LIMIT MiB"
	cgroup_wants
	grep -qx "$CLOAKD" "$CGROUP/cgroup.procs"
	((peak > 200 && peak < LIMIT))
}

ktap_need "a control group with a limit of memory" \
	cgroup_new largest "$LIMIT"
cloak_lab
in_ns lake ip addr add "$LAST/24" dev eth0
for port in 4420 4421; do
	ip netns exec "$(ns lake)" socat -u \
		"TCP-LISTEN:$port,bind=$LAST,fork,reuseaddr" OPEN:/dev/null &
	defer kill $!
	{ cloakd_policy; tables "$port" "$port"; } >"$WORK/policy-$port.toml"
done
cloakd_policy >"$WORK/policy.toml"
CLOAKD_RUN=(cgroup_exec)
cloakd_start
ktap_run "$TABLES tables of $RULES rules" in_force 4420 4421
ktap_run "other $TABLES tables in their place" in_force 4421 4420
ktap_run "a third of a million mistakes change nothing" mistaken
ktap_run "never short of the unit's memory" within_limit
