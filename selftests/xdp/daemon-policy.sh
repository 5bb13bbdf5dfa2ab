#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Policies come into force as a whole or not at all, whichever way they come;
# peers can be let in for a while; only those who may ask are answered.
#
# where: host
# guests: yes
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq setpriv strace

# bad COMMAND...: is refused with the place, and nothing changes.
bad() {
	local before said
	before=$(ctl status --json | jq -c .policy)
	said=$("$@")
	echo "$said"
	grep -q "bad.toml:12:8: output.text = 7: expected true or false" \
		<<<"$said"
	[[ $(ctl status --json | jq -c .policy) == "$before" ]]
	hidden
}

bad_reload() {
	local before
	before=$(ctl status --json | jq -c .policy)
	cp "$WORK/bad.toml" "$WORK/policy.toml"
	: >"$WORK/stderr"
	kill -HUP "$CLOAKD"
	wait_until 5 grep 'not reloaded; nothing was changed' "$WORK/stderr"
	grep 'policy.toml:12:8: output.text = 7: expected' "$WORK/stderr"
	ctl_exits 4 reload
	[[ $(ctl status --json | jq -c .policy) == "$before" ]]
	cloakd_policy >"$WORK/policy.toml"
	hidden
}

bad_start() {
	not timeout 20 cloakd --policy "$WORK/bad.toml" \
		--socket "$WORK/second.sock" --pin-dir "$WORK/bpf/second" \
		--state-dir "$WORK/empty" 2>"$WORK/second"
	grep 'bad.toml:12:8: output.text = 7: expected' "$WORK/second"
	not test -e "$WORK/bpf/second"
}

# mistaken FILTER: does it hold for what the status says of mistakes?
mistaken() { ctl status --json | jq -e ".policy.mistakes | $1"; }

# A right that it cannot give up is no reason to leave half of a policy in force.
keeps_rights() {
	cloakd_kill TERM
	: >"$WORK/stderr"
	CLOAKD_RUN=(strace -D -f --seccomp-bpf -qqq -o /dev/null
		-e trace=capset -e inject=capset:error=EPERM)
	cloakd_start --group daemon
	grep 'warning.*cannot give up CAP_SYS_ADMIN' "$WORK/stderr"
	ctl status --json | jq -e --arg policy "$WORK/policy.toml" \
		'.policy.source == $policy'
	hidden
	cloakd_kill TERM
}

# As after a reboot: nothing is on, and the file is wrong since a while.
boots_with_mistake() {
	ctl off
	cloakd_kill KILL
	sees scanner
	cp "$WORK/bad.toml" "$WORK/policy.toml"
	: >"$WORK/stderr"
	cloakd_start --group daemon
	hidden
	grep 'policy.toml:12:8: output.text = 7: expected' "$WORK/stderr"
	grep 'in force is what was before' "$WORK/stderr"
	mistaken 'length == 1 and (.[0] | contains("policy.toml:12:8: "))'
	ctl status | grep '^mistake  .*policy.toml:12:8: output.text = 7'
	ctl status | grep "^policy   $WORK/state/in-force.toml"
	[[ $(stat -c %a "$WORK/state/in-force.toml") == 600 ]]
	ctl_exits 4 reload
	mistaken 'length == 1'
	hidden
}

# Neither does it matter that there is no file at all.
boots_without_file() {
	cloakd_kill KILL
	rm "$WORK/policy.toml"
	cloakd_start --group daemon
	hidden
	mistaken '.[0] | contains("policy.toml: No such file")'
	cloakd_policy >"$WORK/policy.toml"
	ctl reload
	mistaken '. == null'
	hidden
}

# The one on trial is kept when somebody has confirmed it, no sooner.
kept_when_confirmed() {
	cloakd_policy '[[peers]]' 'name = "guests"' \
		"prefixes = [\"$SCANNER\"]" >"$WORK/open.toml"
	ctl apply --confirm 60s "$WORK/open.toml"
	not grep guests "$WORK/state/in-force.toml"
	ctl confirm
	grep guests "$WORK/state/in-force.toml"
	ctl reload
	not grep guests "$WORK/state/in-force.toml"
	hidden
}

# What cannot be kept is in force all the same.
not_kept() {
	ctl reload
	rm "$WORK/state/in-force.toml"
	mkdir "$WORK/state/in-force.toml"
	ctl_exits 0 reload | grep 'the policy could not be kept'
	rmdir "$WORK/state/in-force.toml"
	ctl_exits 0 reload
	hidden
}

opened() {
	cloakd_policy '[[peers]]' 'name = "guests"' \
		"prefixes = [\"$SCANNER\"]" >"$WORK/open.toml"
	ctl apply "$WORK/open.toml"
	sees scanner
	ctl status | grep "^policy .*/open.toml"
	kill -HUP "$CLOAKD"
	wait_until 5 not sees scanner
	hidden
}

for_a_while() {
	ctl authorise "$SCANNER" --for 6s
	sees scanner
	ctl status --json | jq -e ".authorised[0].peer == \"$SCANNER\""
	wait_until 10 not sees scanner
	ctl status --json | jq -e '.authorised == []'
}

until_revoked() {
	sees scanner
	ctl revoke "$SCANNER"
	hidden
	ctl_exits 1 revoke "$SCANNER"
	ctl_exits 1 revoke "$PEER" | grep 'by the policy, group initiators'
	ctl_exits 1 authorise "$PEER" | grep 'already'
	ctl_exits 2 authorise 10.0.9.66/24
	ctl_exits 2 authorise "$SCANNER" --for ever
}

bound_to_mac() {
	ctl authorise "$SCANNER" --mac 52:54:00:00:00:01
	hidden
	ctl authorise "$SCANNER" \
		--mac "$(in_ns scanner cat /sys/class/net/eth0/address)"
	sees scanner
	ctl revoke "$SCANNER"
	hidden
}

# as_nobody GROUPS STATUS
as_nobody() {
	local got=0
	chmod 755 "$WORK"
	chmod 666 "$WORK/control.sock"
	setpriv --reuid=65534 --regid=65534 "$1" "$TOP/build/xdp/cloakctl" \
		--socket "$WORK/control.sock" status || got=$?
	((got == $2))
}

full_disk() {
	cloakd_policy >"$WORK/small.toml"
	sed -i "s|^eve.*|eve = \"$WORK/small/eve.json\"|" "$WORK/small.toml"
	dd if=/dev/zero of="$WORK/small/fill" bs=4k 2>/dev/null || true
	ctl apply "$WORK/small.toml"
	not in_ns scanner arping -c 1 -w 1 -S 10.0.9.68 -I eth0 "$LAKE"
	wait_until 5 eval "ctl status | grep 'No space left on device'"
	rm "$WORK/small/fill"
	wait_until 5 grep '"src_ip":"10.0.9.68"' "$WORK/small/eve.json"
	wait_until 5 eval \
		"ctl status --json | jq -e '[.outputs[].waiting] | add == 0'"
}

monitored() {
	cloakd_policy | sed 's/^name = "eth0"/&\naction = "monitor"/' \
		>"$WORK/monitor.toml"
	ctl apply "$WORK/monitor.toml"
	sees scanner
	wait_until 5 grep 'monitor mode, nothing was dropped' "$WORK/stdout"
	ctl drops | grep '^in *would drop'
	ctl reload
	hidden
}

cloak_lab
# Mounted before the daemon starts, which may have mounts of its own.
mkdir "$WORK/small"
mount -t tmpfs -o size=64k tmpfs "$WORK/small"
defer umount "$WORK/small"
cloakd_policy >"$WORK/policy.toml"
{
	printf '[output]\n\n\n\n\n\n\n\n\n\n\ntext = 7\n'
	cloakd_policy | sed 1,3d
} >"$WORK/bad.toml"
ktap_run "check finds no fault in a good policy" \
	ctl_exits 0 check "$WORK/policy.toml"
ktap_run "check names the fault of a bad policy" \
	ctl_exits 4 check "$WORK/bad.toml"
ktap_run "a daemon does not start with a bad policy" bad_start
cloakd_start --group daemon
ktap_run "apply of a bad policy changes nothing" \
	bad ctl_exits 4 apply "$WORK/bad.toml"
ktap_run "reload of a bad policy changes nothing" bad_reload
ktap_run "a right that stays is told" keeps_rights
cloakd_start --group daemon
ktap_run "a start with a bad policy puts back what was in force" \
	boots_with_mistake
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "so does one without a policy" boots_without_file
CLOAKD=$(<"$WORK/cloakd.pid")
ktap_run "what was confirmed is kept" kept_when_confirmed
ktap_run "what cannot be kept is in force" not_kept
ktap_run "apply opens, reload closes" opened
ktap_run "let in for a while" for_a_while
ktap_run "let in until revoked" ctl authorise "$SCANNER"
cloakd_kill KILL
cloakd_start --group daemon
ktap_run "the next daemon knows who was let in" until_revoked
ktap_run "let in with one MAC only" bound_to_mac
ktap_run "root may ask" ctl status
ktap_run "others may not" as_nobody --clear-groups 5
ktap_run "the group may" as_nobody \
	"--groups=$(getent group daemon | cut -d: -f3)" 0
ktap_run "monitor mode drops nothing and tells" monitored
ktap_run "a full disk loses no alert" full_disk
