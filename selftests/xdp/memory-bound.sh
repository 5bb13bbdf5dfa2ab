#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The daemon stays below a quarter of the MemoryMax of its unit, in a control
# group with that limit, when everything that it may keep is as full as it gets:
# half a million packets from sources that nobody has seen, all flows wanted, as
# many receivers as a policy may have and all of them away, a disk that is full,
# a terminal that is stopped, followers who do not read, and as many members of
# the group as get in who send without end or do not read. What finds no room is
# counted, nobody is woken in vain, and root still gets in.
#
# where: host
# guests: yes
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/cgroup.sh"
ktap_need_commands curl hping3 jq python3 setpriv

PACKETS=500000
MEMBERS=28 # of the connections that the daemon has, the others are root's
LIMIT=512 # MiB; the rest of MemoryMax is for the largest policy

policy() {
	local port
	cloakd_policy '[flows]' 'all = true' 'idle = "1s"' \
		'[alerts]' 'per_second = 10000' \
		'[metrics]' "listen = \"unix:$WORK/metrics.sock\"" |
		sed "s|^eve = .*|eve = \"$WORK/small/eve.json\"|"
	for port in {4701..4716}; do
		printf '[[ipfix]]\nto = "tcp://127.0.0.1:%d"\n' "$port"
		printf '[[syslog]]\nto = "tcp://127.0.0.1:%d"\n' "$port"
	done
}

# terminal: where the daemon writes its lines, which nobody reads.
terminal() {
	mkfifo "$WORK/terminal"
	exec 9<>"$WORK/terminal"
}

# follow WHAT: one who asks for it and does not read.
follow() {
	ip netns exec "$(ns lake)" cloakctl --socket "$WORK/control.sock" \
		"$1" --follow >/dev/null &
	defer kill -KILL $!
	sleep 0.5
	kill -STOP $!
}

dropped() {
	ctl drops --json |
		jq '[.[] | select(.verdict == "drop").packets] | add // 0'
}

# What is lost on the way to the lake is less than a fifth.
has_dropped() { (($(dropped) >= PACKETS * 4 / 5)); }

# has_carried BEFORE: has the cable brought that many to the lake since then?
carried() { in_ns wire cat /sys/class/net/p-lake-eth0/statistics/tx_packets; }
has_carried() { (($(carried) - $1 >= PACKETS)); }

# flood: hping3 has a new source for each packet. It ends when it is to, however
# long the daemon takes to answer meanwhile.
flood() {
	local hping before
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	before=$(carried)
	ip netns exec "$(ns scanner)" hping3 -q -n --flood --rand-source -S \
		-p ++1 "$LAKE" >"$WORK/hping" 2>&1 &
	hping=$!
	wait_until 300 has_carried "$before" || {
		kill -INT "$hping"
		return 1
	}
	kill -INT "$hping"
	wait "$hping" || true
	wait_until 300 has_dropped
	echo "$(dropped) packets were dropped"
}

# Receivers who are away are called from time to time, not for each item: their
# threads sleep meanwhile.
asleep() {
	local switches
	switches=$(cat "/proc/$CLOAKD"/task/*/status |
		awk '/^voluntary_ctxt_switches:/ { sum += $2 }
			END { print sum }')
	echo "its threads went to sleep $switches times"
	((switches < PACKETS / 5))
}

# output NAME FILTER: does the jq expression hold for all outputs like that?
output() {
	ctl status --json | jq -e "[.outputs[] | select(.name |
		startswith(\"$1\")) | $2] | length > 0 and all" >/dev/null
}

# Full, and what came then was counted.
full() {
	wait_until 60 output "ipfix " '.dropped > 0 and .waiting > 40000'
	output "syslog " '.waiting > 0 and .connected == false'
	ctl status --json | jq -c '.outputs[] | {name, waiting, dropped}'
	ctl status --json | jq -c '.events, .accounting, .alerts'
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://cloak/metrics >"$WORK/metrics"
	grep -E '^cloaklake_output_dropped_total\{.*ipfix.*\} [1-9]' \
		"$WORK/metrics"
}

# What maps of the daemon take, each once, in octets; clients come and go.
maps() {
	{ cat "/proc/$CLOAKD/fdinfo"/* || true; } 2>/dev/null |
		awk '/^pos:/ { size = 0 } /^memlock:/ { size = $2 }
			/^map_id:/ { bytes[$2] = size }
			END { for (id in bytes) sum += bytes[id]; print sum + 0 }'
}

# Its own at the worst moment, and that of its maps, which is charged to it.
bounded() {
	local own maps
	own=$(($(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' \
		"/proc/$CLOAKD/status") / 1024))
	maps=$(($(maps) / 1048576))
	echo "$own MiB and $maps MiB of maps, of $LIMIT MiB"
	((own > 0 && maps > 0 && own + maps < LIMIT))
}

# The same as the kernel counts, which would have ended the daemon. That what
# bounded() adds up is in it shows that the daemon was in the group.
within_limit() {
	local peak maps
	peak=$(($(cgroup_peak) / 1048576))
	maps=$(($(maps) / 1048576))
	echo "$peak MiB at most, of $LIMIT MiB"
	cgroup_wants
	grep -qx "$CLOAKD" "$CGROUP/cgroup.procs"
	((peak > maps && peak < LIMIT))
}

# crowd: all members of the group that get in, half of whom send.
crowd() {
	ip netns exec "$(ns lake)" setpriv --reuid nobody --regid nogroup \
		--clear-groups "$TOP/selftests/xdp/clients.py" \
		"$WORK/control.sock" $((MEMBERS / 2)) $((MEMBERS / 2)) \
		>"$WORK/told" 2>&1 &
	CROWD=$!
	defer kill "$CROWD"
}

# control FILTER: does the jq expression hold for the control socket?
control() {
	ctl status --json | jq -e ".control | $1" >/dev/null
}

# They were refused, were told why, and hold much, but no more than they may.
crowded() {
	wait_until 60 control '.crowded_out > 20'
	wait_until 60 control '.held_bytes > 40 * 1048576'
	stays 5 control '.held_bytes < 128 * 1048576'
	kill -0 "$CROWD"
	ctl status --json | jq -c .control
	tail -n 1 "$WORK/told"
	tail -n 1 "$WORK/told" | jq -e '.busy > 0 and length == 1' >/dev/null
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://cloak/metrics >"$WORK/metrics"
	grep -E '^cloaklake_control_refused_total\{cause="no_room"\} [1-9]' \
		"$WORK/metrics"
}

# The largest answer that there is.
all_sources() {
	local count
	count=$(ctl sources --limit 65536 --json | jq length)
	echo "$count sources"
	((count > 1000))
}

# Nobody else waits for those who do not read.
answers() {
	within 20 ip netns exec "$(ns lake)" cloakctl \
		--socket "$WORK/control.sock" status
	hidden
}

ktap_need "a control group with a limit of memory" \
	cgroup_new cloakd "$LIMIT"
cloak_lab
chmod 711 "$WORK" # the crowd passes
mkdir "$WORK/small"
mount -t tmpfs -o size=64k tmpfs "$WORK/small"
defer umount "$WORK/small"
policy >"$WORK/policy.toml"
terminal
mv "$WORK/terminal" "$WORK/stdout"
CLOAKD_RUN=(cgroup_exec)
cloakd_start --group nogroup
follow alerts
follow flows
ktap_run "many packets, each of another source" flood
ktap_run "who is away is not called for each of them" asleep
ktap_run "full, and counted beyond" full
ktap_run "below a quarter of MemoryMax" bounded
ktap_run "all sources can be asked for" all_sources
crowd
ktap_run "members of the group crowd the control socket" crowded
ktap_run "and that takes no more" bounded
ktap_run "the daemon answers root, the host is hidden" answers
ktap_run "never short of memory" within_limit
