#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# cloakctl top shows what goes on while it goes on, for people and for scripts,
# and leaves the terminal as it was, whichever way it ends.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping jq socat

here=$(dirname "$0")

# on_screen STATUS SHOWN ACTION [OPTION...]: cloakctl top on a terminal; what it
# shows goes to $WORK/screen.
on_screen() {
	local want=$1 got=0
	ip netns exec "$(ns lake)" /usr/bin/python3 "$here/screen.py" \
		"$2" "$3" cloakctl --socket "$WORK/control.sock" top \
		"${@:4}" >"$WORK/screen" || got=$?
	((got == want)) || {
		cat "$WORK/screen"
		echo "exit status $got"
		return 1
	}
}

# Somebody scans, and a peer who is shadowed pings, until the end of the test.
traffic() {
	ctl shadow add "$PEER" --for 5m
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	ip netns exec "$(ns peer)" ping -n -q -i 0.02 -s 1000 "$LAKE" \
		>"$WORK/ping" 2>&1 &
	defer kill $!
	ip netns exec "$(ns scanner)" bash -c "while sleep 0.05; do
		for port in {1..20}; do echo >/dev/udp/$LAKE/\$port; done
	done" >"$WORK/scan" 2>&1 &
	defer kill $!
	wait_until 30 eval "ctl shadow | grep '^$SCANNER'"
}

for_scripts() {
	ctl top --once --json -d 1 >"$WORK/top"
	jq -c 'del(.status)' "$WORK/top"
	[[ $(wc -l <"$WORK/top") == 1 ]]
	jq -e '.status.cloak == "on" and .interval >= 1 and (.status.started |
		test("^20"))' "$WORK/top"
	jq -e 'any(.drops[]; .reason == "unauthorised" and
		.packets_per_second > 1 and .bytes_per_second > 30)' "$WORK/top"
	jq -e ".flows[0] | .src_ip == \"$PEER\" and .bytes_per_second > 1000 and
		.bytes_toclient_per_second > 1000" "$WORK/top"
	jq -e "any(.scanners[]; .address == \"$SCANNER\" and .ports > 4 and
		.probes_per_second > 1 and .shadowed_until)" "$WORK/top"
	jq -e "any(.scanners[]; .address == \"$PEER\" and .shadowed_until)" \
		"$WORK/top"
	jq -e ".alerts[0].text | test(\"$SCANNER\")" "$WORK/top"
	[[ $(ctl top --json -n 3 -d 0.2 | jq -s length) == 3 ]]
}

for_people() {
	ctl top -b -n 2 -d 0.5 >"$WORK/top"
	cat "$WORK/top"
	[[ $(grep -c 'cloak on: eth0 (enforce, [a-z]*); up 00:0' \
		"$WORK/top") == 2 ]]
	grep -E '^in +drop +unauthorised +[1-9]' "$WORK/top"
	grep -E "^ICMP +$PEER +$LAKE +[1-9][0-9.]*k? .* pass$" "$WORK/top"
	grep -E "^$SCANNER +[0-9]" "$WORK/top"
	grep -E "^20.* $SCANNER .*; shadowed until " "$WORK/top"
	not grep -q $'\x1b' "$WORK/top"
}

# However narrow the screen, no line and no row is too much for it.
resized() {
	on_screen 0 'cloak on' resize:30x12 -d 0.2
	# The last frame: between the last home and the end of it.
	awk -v RS='\\^\\[H' 'END { print }' "$WORK/screen" | tr -d '\r' |
		sed 's/\^\[[0-9?]*[a-zA-Z]//g' >"$WORK/rows"
	cat "$WORK/rows"
	(($(grep -c . "$WORK/rows") <= 12))
	awk 'length > 30 { wide = 1 } END { exit wide }' "$WORK/rows"
}

# Alerts of several CPUs, and of a clock that was set, come in no order.
alerts_in_disorder() {
	cat >"$WORK/fake" <<-'EOF'
		while read -r line; do
			case $line in
			*status*) echo '{"ok": true, "result": {"cloak": "off"}}' ;;
			*after*) echo '{"ok": true, "result": [{"number": 8,
				"text": "second", "eve": {"timestamp":
				"2026-11-21T06:39:50.000000+0000"}}]}' |
				tr -d '\n'; echo ;;
			*) echo '{"ok": true, "result": [{"number": 7,
				"text": "first", "eve": {"timestamp":
				"2026-11-21T06:39:51.000000+0000"}}]}' |
				tr -d '\n'; echo ;;
			esac
		done
	EOF
	socat "UNIX-LISTEN:$WORK/fake.sock" "EXEC:bash $WORK/fake" \
		>"$WORK/socat" 2>&1 &
	wait_until 10 test -S "$WORK/fake.sock"
	cloakctl --socket "$WORK/fake.sock" top --once --json -d 0.1 |
		jq -e '[.alerts[].text] == ["second", "first"]'
}

daemon_killed() {
	on_screen 3 'cloak on' "run:kill -KILL $CLOAKD"
	grep 'cloakctl: ' "$WORK/screen"
	ctl_exits 3 top --once
}

cloak_off() {
	ctl off
	ctl top --once -d 0.1 | grep 'cloak off'
	ctl on
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
cloakd_start
traffic
ktap_run "one look as JSON" for_scripts
ktap_run "looks without a terminal" for_people
ktap_run "the key q ends it" on_screen 0 "$SCANNER" key:q -d 0.2
ktap_run "a signal ends it" on_screen 130 'PACKETS/S' signal:INT
ktap_run "another signal ends it" on_screen 143 'PACKETS/S' signal:TERM
ktap_run "it can be stopped and go on" on_screen 0 'PACKETS/S' stop:
ktap_run "the screen changes its size" resized
ktap_run "nothing is shown of a cloak that is off" cloak_off
ktap_run "no alert is passed over" alerts_in_disorder
ktap_run "the daemon ends" daemon_killed
