#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Flows reach collectors as IPFIX, over UDP, TCP and TLS; alerts reach rsyslog
# over TCP and TLS; Prometheus gets its numbers. Receivers that are away hold
# nobody up, and get what they have missed when they are back, also those that
# went without a word.
#
# where: host
# guests: yes
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands curl ipfixDump jq nfacctd nfcapd nfdump nmap openssl \
	promtool rsyslogd socat

scan() {
	in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0 -sS \
		-p "$1" "$LAKE" >"$WORK/nmap"
}

# certificate NAME: for 127.0.0.1, by the authority in $WORK/ca.pem.
certificate() {
	local new=(openssl req -newkey rsa:2048 -nodes -subj "/CN=$1")
	[[ -e $WORK/ca.pem ]] || openssl req -x509 -newkey rsa:2048 -nodes \
		-days 2 -subj /CN=authority -keyout "$WORK/ca.key" \
		-out "$WORK/ca.pem"
	"${new[@]}" -keyout "$WORK/$1.key" -out "$WORK/$1.csr"
	openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/ca.pem" -days 2 \
		-CAkey "$WORK/ca.key" -out "$WORK/$1.pem" \
		-extfile <(echo subjectAltName=IP:127.0.0.1)
}

# receive NAME COMMAND...: a receiver on the lake, for the rest of the test.
receive() {
	local name=$1
	shift
	ip netns exec "$(ns lake)" "$@" >"$WORK/$name.out" 2>&1 &
	echo $! >"$WORK/$name.process"
	defer eval "kill -INT $! 2>/dev/null; kill $! 2>/dev/null || true"
}

collectors() {
	mkdir "$WORK/nfcapd"
	receive nfcapd nfcapd -p 4740 -b 127.0.0.1 -t 3600 -w "$WORK/nfcapd"
	cat >"$WORK/nfacctd.conf" <<-CONF
		nfacctd_ip: 127.0.0.1
		nfacctd_port: 4741
		plugins: print
		aggregate: src_host, dst_host, src_port, dst_port, proto, tcpflags
		print_output: csv
		print_output_file: $WORK/nfacctd.csv
		print_refresh_time: 3
	CONF
	receive nfacctd nfacctd -f "$WORK/nfacctd.conf"
	receive tls socat -u "OPENSSL-LISTEN:4743,bind=127.0.0.1,reuseaddr,$(
		)cert=$WORK/receiver.pem,key=$WORK/receiver.key,$(
		)cafile=$WORK/ca.pem,verify=1" "CREATE:$WORK/tls.ipfix"
}

# A plain TCP receiver is only there later.
tcp_collector() {
	receive tcp socat -u TCP-LISTEN:4742,bind=127.0.0.1,reuseaddr \
		"CREATE:$WORK/tcp.ipfix"
}

rsyslog() {
	cat >"$WORK/rsyslog.conf" <<-CONF
		global(workDirectory="$WORK"
		  defaultNetstreamDriverCAFile="$WORK/ca.pem"
		  defaultNetstreamDriverCertFile="$WORK/receiver.pem"
		  defaultNetstreamDriverKeyFile="$WORK/receiver.key")
		module(load="imptcp")
		module(load="imtcp" streamDriver.name="ossl"
		  streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
		input(type="imptcp" port="6514" address="127.0.0.1" name="plain")
		input(type="imtcp" port="6515" address="127.0.0.1" name="tls")
		template(name="all" type="string"
		  string="%inputname% %pri% %timereported:::date-rfc3339% %app-name% %msgid% %structured-data% %msg%\n")
		action(type="omfile" file="$WORK/syslog" template="all")
	CONF
	receive rsyslog rsyslogd -n -f "$WORK/rsyslog.conf" -i "$WORK/rsyslog.pid"
}

policy() {
	cloakd_policy '[flows]' 'idle = "2s"' '[metrics]' \
		"listen = \"unix:$WORK/metrics.sock\"" 'run_time = true' \
		'[[ipfix]]' 'to = "udp://127.0.0.1:4740"' \
		'[[ipfix]]' 'to = "udp://127.0.0.1:4741"' \
		'[[ipfix]]' 'to = "tcp://127.0.0.1:4742"' \
		'[[ipfix]]' 'to = "tls://127.0.0.1:4743"' \
		"ca = \"$WORK/ca.pem\"" "certificate = \"$WORK/host.pem\"" \
		"key = \"$WORK/host.key\"" \
		'[[syslog]]' 'to = "tcp://127.0.0.1:6514"' \
		'[[syslog]]' 'to = "tls://127.0.0.1:6515"' \
		"ca = \"$WORK/ca.pem\"" "certificate = \"$WORK/host.pem\"" \
		"key = \"$WORK/host.key\""
}

# output NAME FILTER: does the jq expression hold for this output?
output() {
	ctl status --json | jq -e ".outputs[] |
		select(.name == \"$1\") | $2" >/dev/null
}

# collected FILTER [FOLDER]: the flows that nfcapd has, told to write its file.
collected() {
	nfdump -q -R "$WORK/${2:-nfcapd}" \
		-o 'fmt:%sa %da %sp %dp %pr %pkt %flg' "$1"
}

to_nfcapd() {
	scan 22,443
	wait_until 30 output "ipfix udp://127.0.0.1:4740" ".written >= 2"
	pkill -TERM -P $$ -x nfcapd
	wait_until 30 eval "collected 'dst port 443' | grep '$SCANNER'"
	collected 'dst port 443' | grep "$SCANNER *$LAKE .* 443 *TCP"
	cat "$WORK/nfcapd.out"
	grep 'Flows: 2, .* Sequence Errors: 0, Bad Packets: 0' "$WORK/nfcapd.out"
	not grep -iE 'unknown|corrupt|skip|missing' "$WORK/nfcapd.out"
}

to_nfacctd() {
	wait_until 30 grep "$SCANNER,$LAKE,.*,443,.*tcp" "$WORK/nfacctd.csv"
	not grep -v '^INFO ' "$WORK/nfacctd.out"
}

# What waited for the one who was away is told him, in order and once.
to_late_receiver() {
	output "ipfix tcp://127.0.0.1:4742" \
		'.connected == false and .waiting >= 2 and .failed > 0'
	tcp_collector
	wait_until 30 output "ipfix tcp://127.0.0.1:4742" '.written >= 2'
	ipfixDump --in "$WORK/tcp.ipfix" >"$WORK/dumped" 2>"$WORK/said"
	cat "$WORK/said"
	grep -E 'firewallEvent.*: 3' "$WORK/dumped"
	grep -E 'destinationTransportPort.*: 443' "$WORK/dumped"
	(($(grep -c 'destinationTransportPort.*: 443' "$WORK/dumped") == 1))
	test ! -s "$WORK/said"
}

# One who goes away and comes back gets what came up meanwhile.
outage() {
	local to="ipfix tcp://127.0.0.1:4742"
	kill "$(<"$WORK/tcp.process")"
	wait_until 30 output "$to" '.connected == false'
	scan 8443
	wait_until 30 output "$to" '.waiting >= 1 and .connected == false'
	rm "$WORK/tcp.ipfix"
	tcp_collector
	wait_until 30 output "$to" '.waiting == 0 and .connected'
	output "$to" '.dropped == 0'
	ipfixDump --in "$WORK/tcp.ipfix" >"$WORK/dumped"
	grep -E 'destinationTransportPort.*: 8443' "$WORK/dumped"
}

to_tls_receiver() {
	wait_until 30 output "ipfix tls://127.0.0.1:4743" \
		'.connected and .written >= 2'
	ipfixDump --in "$WORK/tls.ipfix" >"$WORK/dumped"
	grep -E 'flowEndReason.*: 1' "$WORK/dumped"
}

to_rsyslog() {
	wait_until 30 grep "^plain 8[45] 20.*Z cloakd [a-z-]* \[origin .*$SCANNER" \
		"$WORK/syslog"
	wait_until 30 grep "^tls .*$SCANNER" "$WORK/syslog"
	cat "$WORK/rsyslog.out"
	not grep -i error "$WORK/rsyslog.out"
}

# A receiver whose certificate is not trusted gets nothing.
mistrust() {
	sed "s|^ca = .*|ca = \"$WORK/host.pem\"|" "$WORK/policy.toml" \
		>"$WORK/mistrust.toml"
	ctl apply "$WORK/mistrust.toml"
	in_ns scanner arping -c 1 -w 1 -S 10.0.9.90 -I eth0 "$LAKE" || true
	wait_until 30 output "syslog tls://127.0.0.1:6515" \
		'.connected == false and (.last_error | test("not trusted"))'
	not grep '^tls .*10.0.9.90' "$WORK/syslog"
	ctl reload
}

# alert ADDRESS: one about a probe in that name.
alert() {
	in_ns scanner arping -c 1 -w 1 -S "$1" -I eth0 "$LAKE" || true
}

# On the peer, into a file of its own.
on_peer() {
	ip netns exec "$(ns peer)" socat -u TCP-LISTEN:6514,reuseaddr \
		"CREATE:$WORK/$1" >"$WORK/$1.out" 2>&1 &
	echo $! >"$WORK/peer.process"
}

on_peer_ends() {
	[[ ! -e $WORK/peer.process ]] ||
		kill -KILL "$(<"$WORK/peer.process")" 2>/dev/null || true
}

# lost_power: the peer is gone, and nobody is told so. What it had of the
# connection is gone as well when it is back.
lost_power() {
	in_ns peer ip link set eth0 down
	kill -KILL "$(<"$WORK/peer.process")"
}

# What the kernel has taken for a receiver that is no more is not delivered: it
# waits, is not counted as written, and comes when the receiver is back.
powerless() {
	local to="syslog tcp://$PEER:6514"
	cat "$WORK/policy.toml" - >"$WORK/powerless.toml" <<-EOF
		[[syslog]]
		to = "tcp://$PEER:6514"
	EOF
	on_peer before
	# The lake asks nobody for his MAC who has not spoken.
	in_ns peer ping -n -q -c 1 -W 2 "$LAKE"
	ctl apply "$WORK/powerless.toml"
	alert 10.0.9.91
	wait_until 30 output "$to" '.written == 1 and .connected'
	wait_until 10 grep -a '10\.0\.9\.91 ' "$WORK/before"
	lost_power
	alert 10.0.9.92
	alert 10.0.9.93
	wait_until 30 output "$to" '.written == 1 and .waiting == 2'
	# A daemon that is killed now leaves them to the next one.
	wait_until 30 output "$to" '.kept == 2'
	ctl status | grep "^output   $to: .* 1 written, 2 waiting (2 on disk)"
	wait_until 60 output "$to" '.connected == false and .failed > 0 and
		.waiting == 2 and .last_error != ""'
	ctl status | grep "^output   $to: not connected, .*; "
	on_peer after
	in_ns peer ip link set eth0 up
	wait_until 30 in_ns peer ping -n -q -c 1 -W 1 "$LAKE"
	wait_until 60 output "$to" '.connected and .written == 3 and
		.waiting == 0 and .dropped == 0 and .last_error == ""'
	ctl status | grep "^output   $to: connected, 3 written, 0 waiting, 0 dropped$"
	wait_until 10 grep -a '10\.0\.9\.93 ' "$WORK/after"
	grep -a '10\.0\.9\.92 ' "$WORK/after"
	ctl reload
}

# Of those who may come, too: what they have done, packet by packet, no more.
all_flows() {
	sed 's/^\[flows\]/&\nall = true/' "$WORK/policy.toml" \
		>"$WORK/all.toml"
	printf '[[ipfix]]\nto = "udp://127.0.0.1:4744"\n' >>"$WORK/all.toml"
	mkdir "$WORK/all"
	receive all nfcapd -p 4744 -b 127.0.0.1 -t 3600 -w "$WORK/all"
	receive echo socat -u TCP-LISTEN:7000,reuseaddr "CREATE:$WORK/echo"
	wait_until 10 eval "in_ns lake ss -Hltn sport = 7000 | grep -q ."
	ctl apply "$WORK/all.toml"
	in_ns peer ping -n -q -c 3 -i 0.1 -W 2 "$LAKE"
	in_ns peer socat -u EXEC:'echo flow' "TCP:$LAKE:7000"
	wait_until 30 output "ipfix udp://127.0.0.1:4744" ".written >= 2"
	kill "$(<"$WORK/all.process")"
	wait_until 30 eval "collected 'dst port 7000' all | grep '$PEER'"
	collected "src ip $PEER and proto icmp" all
	cat "$WORK/all.out"
	(($(collected "src ip $PEER and proto icmp" all | wc -l) == 1))
	collected "src ip $PEER and proto icmp" all | grep ' 3 '
	(($(collected "src ip $PEER and dst port 7000" all | wc -l) == 1))
	grep 'Sequence Errors: 0, Bad Packets: 0' "$WORK/all.out"
	not grep -iE 'unknown|corrupt|skip|missing' "$WORK/all.out"
	ctl reload
}

# scrape: what Prometheus gets, and has nothing to say against.
scrape() {
	in_ns lake curl -sS --unix-socket "$WORK/metrics.sock" \
		http://cloak/metrics >"$WORK/metrics"
	promtool check metrics <"$WORK/metrics"
}

metrics() {
	scrape
	grep 'cloaklake_packets_total{direction="in",verdict="drop",reason="unauthorised"} [1-9]' \
		"$WORK/metrics"
	grep 'cloaklake_alerts_total{class="probe"} [1-9]' "$WORK/metrics"
	grep 'cloaklake_map_entries{map="shadows"} 1' "$WORK/metrics"
	grep 'cloaklake_map_entries{map="connections"} [0-9]' "$WORK/metrics"
	grep 'cloaklake_map_capacity{map="openings"} [1-9]' "$WORK/metrics"
	grep 'cloaklake_interface_attached{interface="eth0"} 1' "$WORK/metrics"
	grep 'cloaklake_interface_refused{interface="eth0"} 0' "$WORK/metrics"
	grep 'cloaklake_receiver_connected{output="syslog tcp://127.0.0.1:6514"} 1' \
		"$WORK/metrics"
	grep 'cloaklake_output_failed_total{output="ipfix tcp://127.0.0.1:4742"} [1-9]' \
		"$WORK/metrics"
	grep 'cloaklake_evidence_packets_total{outcome="lost"} 0' "$WORK/metrics"
	grep 'cloaklake_trial_pending 0' "$WORK/metrics"
	grep '^cloaklake_events_lost_total [0-9]' "$WORK/metrics"
	grep 'cloaklake_program_runs_total{program="ingress"} [1-9]' \
		"$WORK/metrics"
}

# What one would be called for at night: each of them is another number then.
troubled_metrics() {
	ctl apply --confirm 5m "$WORK/policy.toml"
	scrape
	grep 'cloaklake_trial_pending 1' "$WORK/metrics"
	ctl confirm
	kill "$(<"$WORK/tcp.process")"
	wait_until 30 output "ipfix tcp://127.0.0.1:4742" '.connected == false'
	scrape
	grep 'cloaklake_receiver_connected{output="ipfix tcp://127.0.0.1:4742"} 0' \
		"$WORK/metrics"
}

# A rule with a name, one with a number, and one beyond the limit, which shares
# a counter with the first.
rule_metrics() {
	sed 's/^run_time = true/&\nrules = 2/' "$WORK/policy.toml" \
		>"$WORK/rules.toml"
	cat >>"$WORK/rules.toml" <<-EOF
		[[table]]
		address = "$LAKE"
		[[table.rule]]
		name = "ping"
		protocol = "icmp"
		icmp_type = 8
		counter = "echo"
		verdict = "allow"
		[[table.rule]]
		protocol = "tcp"
		destination_port = 22
		verdict = "drop"
		[[table.rule]]
		name = "answers"
		direction = "out"
		counter = "echo"
		verdict = "allow"
	EOF
	ctl apply "$WORK/rules.toml"
	in_ns peer ping -n -q -c 3 -i 0.1 -W 2 "$LAKE"
	scrape
	grep "^cloaklake_rule_packets_total{table=\"$LAKE\",rule=\"ping\",$(
		)verdict=\"allow\"} 3$" "$WORK/metrics"
	grep "^cloaklake_rule_bytes_total{table=\"$LAKE\",rule=\"#2\",$(
		)verdict=\"drop\"} 0$" "$WORK/metrics"
	not grep 'rule="answers"' "$WORK/metrics"
	grep '^cloaklake_rules{listed="no"} 1$' "$WORK/metrics"
	grep '^cloaklake_shared_packets_total{counter="echo"} 6$' \
		"$WORK/metrics"
	grep "^cloaklake_undecided_packets_total{table=\"$LAKE\",$(
		)direction=\"in\"}" "$WORK/metrics"
	ctl reload
}

cloak_lab
defer on_peer_ends
certificate receiver >"$WORK/openssl" 2>&1
certificate host >>"$WORK/openssl" 2>&1
collectors
rsyslog
policy >"$WORK/policy.toml"
cloakd_start
in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
	lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
ktap_run "flows to nfcapd" to_nfcapd
ktap_run "flows to nfacctd" to_nfacctd
ktap_run "flows of all, if wanted" all_flows
ktap_run "flows over TLS" to_tls_receiver
ktap_run "flows to one who comes late" to_late_receiver
ktap_run "flows to one who was away for a while" outage
ktap_run "alerts to rsyslog" to_rsyslog
ktap_run "numbers for Prometheus" metrics
ktap_run "and others where something is wrong" troubled_metrics
ktap_run "hits of rules for Prometheus" rule_metrics
ktap_run "alerts to one who has lost his power" powerless
ktap_run "nothing to whom is not trusted" mistrust
