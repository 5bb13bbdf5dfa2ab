#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The programs that people scan with, each as they use it: none finds the
# cloaked host, no frame leaves the host because of it, and it is told who
# scanned and how. Meanwhile the authorised peer is served. Without the cloak
# each of them finds the host, so it would have.
#
# nmap -sI and -b are left out: they need a third host that plays along.
#
# usage: [CLOAK_ATTACH=generic] scanners.sh
#
# where: host
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
ktap_need_commands arp-scan arping atk6-alive6 hping3 jq masscan ndisc6 nmap \
	scan6 socat tcpdump zmap

# How the cloak is attached, and what that adds to the names of subtests.
ATTACH=${CLOAK_ATTACH:-native}
ADDED=''
[[ $ATTACH == native ]] || ADDED=", $ATTACH"
SLOW=${CLOAK_SLOW:-1}

# What the programs are to find: a closed port, one with a banner, an echo.
CLOSED=21
BANNER=22
BANNER_TEXT=SSH-2.0-OpenSSH_9.2p1
PORTS=$CLOSED,$BANNER

# become NUMBER: the scanner gets addresses that nobody had before, so that what
# is told of them was done by one program. It knows the way to the lake.
become() {
	in_ns scanner ip -batch - <<-END
		addr flush dev eth0
		addr add 192.0.2.$1/24 dev eth0
		addr add 2001:db8::$1/64 dev eth0 nodad
		addr add fe80::$1/64 dev eth0 nodad
		neigh replace $LAKE dev eth0 nud permanent lladdr $LAKE_MAC
		neigh replace $LAKE6 dev eth0 nud permanent lladdr $LAKE_MAC
	END
}

# All of them are given to a verb: VERB NAME KINDS FOUND COMMAND... KINDS is
# what the probes are to be called, FOUND matches what the program says when
# there is somebody.

# with_nmap VERB OPTIONS KINDS FOUND OPTION...
with_nmap() {
	"$1" "nmap $2" "$3" "$4" nmap -n --reason --max-retries 0 \
		--max-rtt-timeout 150ms --host-timeout 20 "${@:5}"
}

# nmap_up VERB OPTIONS KINDS [OPTION...]: is the host up?
nmap_up() {
	with_nmap "$1" "$2" "$3" \
		'received (arp|nd|echo|timestamp|port|proto|reset|syn)' \
		-sn "${@:4}"
}

# nmap_ports VERB OPTIONS KINDS FOUND OPTION...: what of the ports?
nmap_ports() {
	with_nmap "$1" "$2" "$3" "$4" -Pn --disable-arp-ping "${@:5}"
}

nmap4() {
	local v=$1 open=" open +ssh" state=' (open|closed|unfiltered) |-unreach'
	local other=--disable-arp-ping
	nmap_up "$v" -PR arp -PR "$LAKE"
	nmap_up "$v" -PE ping "$other" -PE "$LAKE"
	nmap_up "$v" -PP icmp "$other" -PP "$LAKE"
	nmap_up "$v" -PS syn "$other" "-PS$PORT" "$LAKE"
	nmap_up "$v" -PA ack "$other" "-PA$PORT" "$LAKE"
	nmap_up "$v" -PU udp "$other" -PU40000 "$LAKE"
	nmap_up "$v" -PY sctp "$other" -PY2905 "$LAKE"
	nmap_up "$v" -PO "sctp ip-protocol" "$other" -PO132,200 "$LAKE"
	nmap_ports "$v" -sS syn "$open" -sS -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sT connect "$open" -sT -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sA ack "$state" -sA -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sW ack "$state" -sW -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sM maimon "$state" -sM -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sN null "$state" -sN -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sF fin "$state" -sF -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sX xmas "$state" -sX -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sU udp "$state" -sU -p 40000 "$LAKE"
	nmap_ports "$v" -sY sctp "$state" -sY -p 2905 "$LAKE"
	nmap_ports "$v" -sZ sctp "$state" -sZ -p 2905 "$LAKE"
	nmap_ports "$v" -sO "ping ack udp sctp ip-protocol" "$state" \
		-sO -p 1,6,17,132,200 "$LAKE"
	nmap_ports "$v" -f fragment "$state" -f -sS -p "$PORTS" "$LAKE"
	nmap_ports "$v" -sV syn OpenSSH -sV -p "$PORTS" "$LAKE"
	# Of its most telling probes an echo request is the only one that it
	# sends where no port is open.
	nmap_ports "$v" -O "os ping connect xmas ack udp" \
		'^(Running|OS details|TCP/IP fingerprint)' \
		-O --max-os-tries 1 -p "$PORTS" "$LAKE"
}

nmap6() {
	local v=$1 open=" open +ssh" state=' (open|closed|unfiltered) |-unreach'
	nmap_up "$v" "-6 -PR" ns -6 -PR "$LAKE6"
	nmap_up "$v" "-6 -PE" ping -6 --disable-arp-ping -PE "$LAKE6"
	nmap_ports "$v" "-6 -sS" syn "$open" -6 -sS -p "$PORTS" "$LAKE6"
	nmap_ports "$v" "-6 -sT" connect "$open" -6 -sT -p "$PORTS" "$LAKE6"
	nmap_ports "$v" "-6 -sX" xmas "$state" -6 -sX -p "$PORTS" "$LAKE6"
	nmap_ports "$v" "-6 -sU" udp "$state" -6 -sU -p 40000 "$LAKE6"
	# Its echo request has a code, as only those of -O have otherwise.
	nmap_ports "$v" "-6 -sO" "os ack udp ip-protocol" "$state" \
		-6 -sO -p 6,17,58,200 "$LAKE6"
	nmap_ports "$v" "-6 -sV" syn OpenSSH -6 -sV -p "$PORTS" "$LAKE6"
	# What it says to be guessed it guesses from no answer at all.
	nmap_ports "$v" "-6 -O" "os ping ns udp" \
		'^(OS details|TCP/IP fingerprint)' \
		-6 -O --max-os-tries 1 -p "$PORTS" "$LAKE6"
}

# masscan would wait for ten seconds after the signal that it expects. It may
# listen only after its first probes have been answered, hence so many.
others4() {
	local v=$1
	local masscan=(timeout -s KILL $((3 * SLOW)) masscan --adapter eth0
		--router-mac "${LAKE_MAC//:/-}" -p 1-300 --rate 500)
	local hping=(hping3 -n -c 2 -i u100000)
	local zmap=(zmap -q -v 0 -i eth0 -G "$LAKE_MAC" -b /dev/null -c 1 -o -)
	"$v" masscan syn \
		"open port $BANNER/tcp" "${masscan[@]}" "$LAKE"
	"$v" "masscan --ping" "ping syn" 'open port 0/icmp' \
		"${masscan[@]}" --ping "$LAKE"
	"$v" zmap syn "^$LAKE$" "${zmap[@]}" -p "$BANNER" "$LAKE/32"
	"$v" "zmap icmp" ping "^$LAKE$" "${zmap[@]}" -M icmp_echoscan "$LAKE/32"
	"$v" "hping3 -S" syn 'flags=SA' "${hping[@]}" -S -p "$PORT" "$LAKE"
	"$v" "hping3 -A" ack 'flags=R' "${hping[@]}" -A -p "$PORT" "$LAKE"
	"$v" "hping3 -SFUP" os 'flags=RA' \
		"${hping[@]}" -SFUP -p "$CLOSED" "$LAKE"
	"$v" "hping3 -1" ping 'icmp_seq=' "${hping[@]}" -1 "$LAKE"
	"$v" "hping3 -2" udp Unreachable "${hping[@]}" -2 -p 40000 "$LAKE"
	"$v" arping arp 'bytes from' arping -c 1 -w 1 -i eth0 "$LAKE"
	"$v" "arping -0" arp-probe 'bytes from' \
		arping -0 -c 1 -w 1 -i eth0 "$LAKE"
	"$v" arp-scan arp "^${LAKE}[[:space:]]" \
		arp-scan -I eth0 --retry 1 --timeout 100 192.0.2.0/28
}

others6() {
	local v=$1
	local ping6=(atk6-thcping6 eth0 x "$LAKE6" x "$LAKE_MAC")
	"$v" ndisc6 ns 'Target link-layer' ndisc6 -1 -r 1 -w 300 "$LAKE6" eth0
	"$v" tcptraceroute6 syn '\[open\]' \
		tcptraceroute6 -n -q 1 -w 1 -m 1 "$LAKE6" "$PORT"
	"$v" alive6 ping "Alive: $LAKE6" atk6-alive6 -W 1 eth0
	"$v" thcping6 ping 'pong for' "${ping6[@]}"
	"$v" "thcping6 -S" syn 'tcp-syn-ack' "${ping6[0]}" -S "$PORT" \
		"${ping6[@]:1}"
	"$v" implementation6 ping PASSED \
		timeout 5 atk6-implementation6 eth0 "$LAKE6"
	"$v" "scan6 -L" ping "^$LAKE6" scan6 -i eth0 -L
	"$v" "scan6 -d" ns "^$LAKE6" scan6 -i eth0 -d "$LAKE6"
	"$v" path6 ns "\($LAKE6\) +[0-9.]+ ms" path6 -i eth0 -d "$LAKE6"
	"$v" frag6 ns '^Fragment ID policy' \
		frag6 -i eth0 -d "$LAKE6" --frag-id-policy
}

programs() {
	number=100
	nmap4 "$1"
	nmap6 "$1"
	others4 "$1"
	others6 "$1"
}

# run COMMAND...: what it says, its exit status is its own affair.
run() {
	in_ns scanner timeout -k 1 $((30 * SLOW)) "$@" </dev/null >"$WORK/said" 2>&1 || true
	tr '\r' '\n' <"$WORK/said" >"$WORK/out"
}

# told NUMBER KIND...: by an alert for each kind, and in the table of sources.
# Who uses no address is known by the MAC alone. All by one jq, which takes a
# guest long to start.
told() {
	ctl sources --limit 1000 --json >"$WORK/sources"
	jq -en --arg number "$1" --arg mac "$SCANNER_MAC" \
		--slurpfile sources "$WORK/sources" \
		--slurpfile events "$WORK/eve.json" '
		def his: (. // "0.0.0.0") |
			test("[.:]" + $number + "$|^0\\.0\\.0\\.0$");
		[$events[] | select(.event_type == "alert" and
			.alert.action == "blocked" and
			(.src_ip | his)).cloak.kind] as $alerts |
		[$sources[0][] | select(.mac == $mac and
			(.address | his)).kinds[]] as $kinds |
		$ARGS.positional - $alerts == [] and
			$ARGS.positional - $kinds == []' --args "${@:2}"
}

# delivered: what had left the lake before is in the capture by now: it is
# behind all that when the peer's ping has been answered.
delivered() {
	in_ns peer ping -n -q -c 1 -W "$ANSWER" -e "$number" "$LAKE" \
		>"$WORK/ping"
	wait_until 5 grep " $LAKE > $PEER: ICMP echo reply, id $number," \
		"$WORK/marks"
}

# unseen NUMBER KINDS FOUND COMMAND...
unseen() {
	local kinds
	read -ra kinds <<<"$2"
	served_while run "${@:4}"
	if grep -E -e "$3" "$WORK/out"; then
		return 1
	fi
	delivered
	silent true
	wait_until 5 told "$1" "${kinds[@]}" || { told_instead "$1"; return 1; }
}

# told_instead NUMBER: for whoever reads the log.
told_instead() {
	cat "$WORK/out"
	ctl sources --limit 1000 --json | jq -c ".[] | select(.address // \"\" |
		test(\"[.:]$1\$\")) | {address, kinds, probes}"
	return 1
}

# finds FOUND COMMAND...: masscan is given a second chance.
finds() {
	local attempt
	for attempt in 1 2 3; do
		run "${@:2}"
		! grep -E -m 1 -e "$1" "$WORK/out" || return 0
	done
	cat "$WORK/out"
	return 1
}

cloaked() {
	number=$((number + 1))
	ktap_chosen "$1 finds nobody$ADDED" || return 0
	become "$number"
	ktap_run "$1 finds nobody$ADDED" unseen "$number" "${@:2}"
}

bare() {
	number=$((number + 1))
	ktap_chosen "$1 finds the bare host" || return 0
	become "$number"
	ktap_run "$1 finds the bare host" finds "${@:3}"
}

# marks: the peer's pings are captured apart.
marks() {
	ip netns exec "$(ns wire)" tcpdump -i p-lake-eth0 -Q in -n -l \
		--immediate-mode "icmp and ether dst $PEER_MAC" \
		>"$WORK/marks" 2>"$WORK/marks.err" &
	defer kill $!
	wait_until 10 grep -q 'listening on' "$WORK/marks.err"
}

banner() {
	ip netns exec "$(ns lake)" socat \
		"TCP6-LISTEN:$BANNER,ipv6only=0,fork,reuseaddr" \
		"SYSTEM:echo $BANNER_TEXT" 2>/dev/null &
	defer kill $!
}

wire_lab
banner
SCANNER_MAC=02:00:00:00:00:42
policy "$ATTACH" "$WORK/eve.json" >"$WORK/policy.toml"
cloakd_start
marks
capture "$WORK/wire"
programs cloaked
ktap_run "nothing comes afterwards" stays 2 test ! -s "$WORK/wire"
capture_end
cloakd_kill TERM
ctl off >/dev/null
programs bare
