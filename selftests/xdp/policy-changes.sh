#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An administrator who changes the policy sees beforehand what it would change.
#
# where: host
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq

# in_force: the policy in force, as the daemon tells of it.
in_force() { ctl status --json | jq -c .policy; }

diff_finds() {
	local before said
	before=$(in_force)
	said=$(ctl_exits 1 diff "$WORK/open.toml")
	diff - <(printf '%s\n' "$said") <<-EOF2
		+ peers guests
		+     access = "full"
		+     prefixes = "$SCANNER"
		+ table $LAKE
		+     action = "enforce"
		+     default = "allow"
		+     rule 1: count in icmp name "echo" counter "ping"
		+ counter ping
		  alerts
		-     per_second = 100
		+     per_second = 50
		$WORK/open.toml would add 3, remove 0, change 1
	EOF2
	[[ $(in_force) == "$before" ]]
}

diff_in_json() {
	ctl_exits 1 diff --json "$WORK/open.toml" | jq -e '
		.added == 3 and .changed == 1 and .removed == 0 and
		(.changes[] | select(.kind == "alerts").settings ==
		 [{"key": "per_second", "before": 100, "after": 50}])'
	ctl_exits 0 diff --json "$WORK/policy.toml" | jq -e '.changes == []'
}

diff_follows() {
	ctl apply "$WORK/open.toml"
	ctl_exits 0 diff "$WORK/open.toml"
	ctl_exits 1 diff - <"$WORK/policy.toml" | grep '^- peers guests$'
	ctl reload
	ctl_exits 0 diff "$WORK/policy.toml"
}

diff_refuses() {
	printf '[alerts]\nsources = true\n' >"$WORK/bad.toml"
	diff <(ctl_exits 4 check "$WORK/bad.toml") \
		<(ctl_exits 4 diff "$WORK/bad.toml")
	ctl_exits 2 diff "$WORK/none.toml"
	ctl_exits 2 diff
	not ctl --socket "$WORK/none.sock" diff "$WORK/policy.toml"
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
cloakd_policy '[[peers]]' 'name = "guests"' "prefixes = [\"$SCANNER\"]" \
	'[alerts]' 'per_second = 50' '[[table]]' "address = \"$LAKE\"" \
	'[[table.rule]]' 'name = "echo"' 'protocol = "icmp"' \
	'verdict = "count"' 'counter = "ping"' >"$WORK/open.toml"
cloakd_start
ktap_run "diff shows what apply would change" diff_finds
ktap_run "diff in JSON" diff_in_json
ktap_run "diff compares with what is in force" diff_follows
ktap_run "diff tells of errors as check does" diff_refuses
