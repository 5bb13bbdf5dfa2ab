#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What happens while the daemon is dead or hangs is told afterwards, all of it
# and once. Alerts that wait for a receiver outlive the daemon, however it ends;
# a receiver that is away, or does not read, holds up nobody who takes it out of
# the policy, and what it has not got is counted.
#
# where: host
# guests: yes
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands arping curl jq nmap python3 socat

NEWCOMER=10.0.9.67
TO=tcp://127.0.0.1:6514

# policy PORT...: with receivers of alerts at these ports of the lake.
policy() {
	local port
	cloakd_policy '[alerts]' 'per_second = 10000' \
		'[metrics]' "listen = \"unix:$WORK/metrics.sock\""
	for port in "$@"; do
		printf '[[syslog]]\nto = "tcp://127.0.0.1:%d"\n' "$port"
	done
}

# probe ADDRESS: one probe in that name.
probe() { not in_ns scanner arping -c 1 -w 1 -S "$1" -I eth0 "$LAKE"; }

# scan: so many probes of the scanner that most of them are not told singly.
scan() {
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0 -sS \
		-p 1-100 "$LAKE" >"$WORK/nmap"
	in_ns scanner ip neigh del "$LAKE" dev eth0
}

# alerts ADDRESS: how many there have been about it.
alerts() {
	jq -r 'select(.event_type == "alert").src_ip' "$WORK/eve.json" |
		grep -cxF "$1" || true
}

# all_alerts: how many there have been about whomever.
all_alerts() { grep -c '"event_type":"alert"' "$WORK/eve.json"; }

# told_no_more COUNT: there are as many alerts, and that stays so.
told_no_more() { stays 4 eval "((\$(all_alerts) == $1))"; }

# probes ADDRESS: how many the data plane has counted.
probes() {
	ctl sources --limit 65536 --json |
		jq ".[] | select(.address == \"$1\").probes"
}

# all_told ADDRESS: the last alert about it is of all its probes.
all_told() {
	local told
	told=$(jq -r "select(.event_type == \"alert\" and .src_ip == \"$1\") |
		.cloak.probes" "$WORK/eve.json" | tail -n 1)
	echo "$told probes told of, $(probes "$1") counted"
	[[ -n $told && $told == "$(probes "$1")" ]]
}

# restart SIGNAL: another daemon in the place of this one.
restart() {
	cloakd_kill "$1"
	cloakd_start
}

# One who was told of and goes on, and one who comes, while no daemon runs. Each
# gets one alert more, which tells of all probes.
while_dead() {
	local before
	probe "$SCANNER"
	wait_until 10 all_told "$SCANNER"
	before=$(alerts "$SCANNER")
	cloakd_kill KILL
	scan
	probe "$NEWCOMER"
	cloakd_start
	wait_until 10 all_told "$SCANNER"
	wait_until 10 all_told "$NEWCOMER"
	(($(probes "$SCANNER") > 100))
	(($(alerts "$SCANNER") == before + 1 && $(alerts "$NEWCOMER") == 1))
}

# nothing_new: a later daemon tells of somebody else, and of nobody again.
nothing_new() {
	local before
	before=$(all_alerts)
	restart "$1"
	told_no_more "$before"
	probe "$2"
	wait_until 10 all_told "$2"
}

# Pins that a daemon without such notes has left: what that was told by events is
# taken for told.
without_notes() {
	local before
	before=$(alerts "$SCANNER")
	cloakd_kill KILL
	rm "$WORK/bpf/cloak/told"
	cloakd_start
	stays 4 eval "((\$(alerts $SCANNER) == $before))"
	nothing_new KILL 10.0.9.72
}

# crowd: three ARP requests of each of 900 addresses, at once.
crowd() {
	in_ns scanner python3 - <<-'EOT'
		import socket

		wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		wire.bind(("eth0", 0))
		mac = wire.getsockname()[4]
		head = b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001")
		for i in range(3 * 900):
		    who = bytes([10, 1, i // 3 // 250, i // 3 % 250 + 1])
		    wire.send(head + mac + who + bytes(6) + bytes([10, 0, 9, 5]))
	EOT
}

told_crowd() {
	local count
	count=$(jq -r 'select(.event_type == "alert").src_ip' \
		"$WORK/eve.json" | grep '^10\.1\.' | sort -u | wc -l)
	echo "$count of 900 told of"
	((count == 900))
}

# More events at once than are allowed, or the buffer of a daemon that hangs has
# room for: most of the crowd have none.
while_hung() {
	kill -STOP "$CLOAKD"
	crowd
	probe 10.0.9.68
	kill -CONT "$CLOAKD"
	wait_until 60 told_crowd || { told_crowd; return 1; }
	wait_until 10 all_told 10.0.9.68
	(($(alerts 10.0.9.68) == 1))
}

# output NAME FILTER: does the jq expression hold for this output?
output() {
	ctl status --json | jq -e ".outputs[] |
		select(.name == \"$1\") | $2" >/dev/null
}

# receiver: one that takes all, until the end of the test.
receiver() {
	ip netns exec "$(ns lake)" socat -u \
		TCP-LISTEN:6514,bind=127.0.0.1,reuseaddr \
		"CREATE:$WORK/syslog" >"$WORK/socat" 2>&1 &
	RECEIVER=$!
	defer eval "kill $! 2>/dev/null || true"
}

received() { grep -aqF "$1" "$WORK/syslog"; }

# spools: files with what waits for a receiver.
spools() { find "$WORK/state" -name '*.spool'; }

# Its receiver is away when the daemon is stopped, and when another is killed.
kept() {
	probe 10.0.9.80
	wait_until 10 output "syslog $TO" '.waiting >= 1'
	restart TERM
	probe 10.0.9.81
	wait_until 10 output "syslog $TO" '.kept == 2 and .waiting == 2'
	restart KILL
	wait_until 10 output "syslog $TO" '.kept == 2'
	[[ -n $(spools) ]]
}

# The third delivers what both have left, in the order of the probes, and the
# fourth has nothing to deliver.
delivered() {
	wait_until 90 output "syslog $TO" '.waiting == 0 and .written == 2'
	wait_until 10 received 10.0.9.81
	probe 10.0.9.82
	wait_until 10 received 10.0.9.82
	[[ $(grep -aoE '10\.0\.9\.8[012]\b' "$WORK/syslog" | uniq) == \
		$'10.0.9.80\n10.0.9.81\n10.0.9.82' ]]
	[[ -z $(spools) ]]
	restart TERM
	(($(grep -aoF 'origin software' "$WORK/syslog" | wc -l) == 3))
}

# full_disk: for the state of the daemon, while its receiver is away.
full_disk() {
	cloakd_kill TERM
	kill "$RECEIVER" || true
	wait "$RECEIVER" || true
	mkdir -p "$WORK/state"
	mount -t tmpfs -o size=4k tmpfs "$WORK/state"
	defer umount "$WORK/state"
	head -c 4096 /dev/zero >"$WORK/state/full"
	: >"$WORK/stderr"
	cloakd_start
}

# That is said once, and what waits is in memory as before.
no_room() {
	probe 10.0.9.83
	wait_until 10 grep 'No space left .* may not outlive' "$WORK/stderr"
	output "syslog $TO" '.waiting == 1 and .kept == 0'
	hidden
}

delivered_from_memory() {
	wait_until 90 received 10.0.9.83
	(($(grep -c 'may not outlive' "$WORK/stderr") == 1))
}

# deaf PORT...: listens there and never reads.
deaf() {
	in_ns lake sysctl -q net.ipv4.tcp_wmem="4096 4096 4096" \
		net.ipv4.tcp_rmem="4096 4096 4096"
	ip netns exec "$(ns lake)" python3 -c 'import signal, socket, sys
kept = [socket.create_server(("127.0.0.1", int(p))) for p in sys.argv[1:]]
signal.pause()' "$@" >"$WORK/deaf" 2>&1 &
	defer kill $!
	wait_until 10 eval "in_ns lake ss -Hltn | grep -F ':$1 '"
}

lost() {
	ctl status --json | jq -e '.lost.leaving == 0 and .lost.alerts > 0'
}

# They have more than they can send, and one cannot be reached at all. What
# waits for a receiver that is only served otherwise stays.
removed() {
	local port
	policy 6521 6522 6523 6524 >"$WORK/deaf.toml"
	printf '[[syslog]]\nto = "tcp://10.0.9.99:6514"\n' >>"$WORK/deaf.toml"
	ctl apply "$WORK/deaf.toml"
	crowd
	for port in 6521 6522 6523 6524; do
		wait_until 60 output "syslog tcp://127.0.0.1:$port" \
			'.waiting > 200'
	done
	within 5 ip netns exec "$(ns lake)" cloakctl \
		--socket "$WORK/control.sock" apply "$WORK/policy.toml"
	wait_until 20 lost
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://cloak/metrics >"$WORK/metrics"
	grep '^cloaklake_receiver_lost_total{of="alerts"} [1-9]' \
		"$WORK/metrics"
	grep '127.0.0.1:6521: .* not delivered, lost$' \
		"$WORK/stderr"
	# The receiver that is wanted again may have one.
	(($(spools | wc -l) <= 1))
}

# stopped: within what the unit allows.
stopped() {
	ctl apply "$WORK/deaf.toml"
	crowd
	wait_until 60 output "syslog tcp://127.0.0.1:6521" '.waiting > 200'
	kill -TERM "$CLOAKD"
	wait_until 8 cloakd_is_gone
	grep '127.0.0.1:6521: .* not delivered, kept for the next start' "$WORK/stderr"
}

# run NAME COMMAND...: a subtest after which the daemon may be another one.
run() {
	ktap_run "$@"
	CLOAKD=$(<"$WORK/cloakd.pid")
}

cloak_lab
policy 6514 >"$WORK/policy.toml"
cloakd_start
run "scanned while no daemon runs: told once, all of it" while_dead
run "and not once more when it was killed" nothing_new KILL 10.0.9.70
run "nor when it was stopped" nothing_new TERM 10.0.9.71
run "nor when it is the first to take notes" without_notes
run "scanned while the daemon hangs" while_hung
cloakd_kill TERM
rm -rf "$WORK/state"
cloakd_start
run "what waits for a receiver outlives the daemon" kept
receiver
run "it is delivered in order and once" delivered
full_disk
run "a full disk is said" no_room
receiver
run "and keeps nobody from delivering" delivered_from_memory
mount -o remount,size=64m "$WORK/state"
rm "$WORK/state/full"
deaf 6521 6522 6523 6524
run "receivers that do not read are taken out at once" removed
run "and do not hold up the end of the daemon" stopped
