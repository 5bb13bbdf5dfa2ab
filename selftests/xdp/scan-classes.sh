#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each kind of scan, made by the programs that people use for it, is called
# what it is within five probes, with what led to that; and what is no scan is
# not called one.
#
# Each scan has a source and a target of its own, or many at one target would
# be a scan that they make together. The targets, 10.0.8.*, are behind the lake
# as far as the scanner knows.
#
# where: host
# guests: yes
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands hping3 jq masscan nmap socat zmap
ktap_need "python3-scapy" /usr/bin/python3 -c 'import scapy.all'

BACKGROUND=$(dirname "$(realpath "$0")")/background.py
PORTS=22,80,443,445,4420,8009
NET=10.0.8

# targets: addresses of the lake, and the way there for whoever asks; and those
# of the scanner.
targets() {
	local host
	LAKE_MAC=$(in_ns lake cat /sys/class/net/eth0/address)
	for host in {1..12} {16..47}; do
		in_ns lake ip addr add "$NET.$host/32" dev eth0
	done
	for host in 7{1..8} 80 9{0..4} 100; do
		in_ns scanner ip addr add "10.0.9.$host/24" dev eth0
	done
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$LAKE_MAC"
	for host in peer scanner; do
		in_ns "$host" ip route add "$NET.0/24" via "$LAKE"
	done
}

# scan SOURCE OPTION...: nmap, which asks nobody whether the target is there.
scan() {
	in_ns scanner nmap -n -Pn --disable-arp-ping -e eth0 -S "$@" \
		>"$WORK/nmap.$1"
	not grep -E ' (open|closed|unfiltered) ' "$WORK/nmap.$1"
}

# first CLASS SOURCE: the event that first calls that source so.
first() {
	jq -sc --arg class "$1" --arg source "$2" '
		[.[] | select(.src_ip == $source and .cloak.class == $class)] |
		first // empty' "$WORK/eve.json" | grep .
}

# told CLASS SOURCE EVIDENCE: it was, in at most five probes, and the jq
# expression holds.
told() {
	wait_until 10 first "$1" "$2"
	first "$1" "$2" | jq -r '"\(.cloak.class) after \(
		.cloak.probes) probes: \(.cloak.text)"'
	first "$1" "$2" | jq -e '.cloak.probes <= 5 and .packet and
		.alert.action == "blocked" and .alert.severity == 2'
	first "$1" "$2" | jq -e "$3"
}

FIVE_PORTS='(.cloak.ports.tcp | length) == 5 and .cloak.port_count == 5'
FIVE_TARGETS='(.cloak.targets | length) == 5 and .cloak.target_count == 5'
# Slow ones try each port twice before they go on.
THREE_PORTS='(.cloak.ports.tcp | length) == 3 and .cloak.port_count == 3'

# ports LAST EVIDENCE OPTION...: nmap, several ports of one address.
ports() {
	scan "10.0.9.7$1" -sS "${@:3}" "$NET.$1"
	told "port scan" "10.0.9.7$1" "$2"
}

connect_scan() {
	in_ns scanner ip route replace "$NET.11" via "$LAKE" src 10.0.9.78
	in_ns scanner nmap -n -Pn -sT -T4 -p "$PORTS" "$NET.11"
	told "port scan" 10.0.9.78 "$FIVE_PORTS"
}

# masscan CLASS SOURCE EVIDENCE OPTION...: it sends all at once and waits long
# for answers, nobody has to wait with it.
masscan() {
	ip netns exec "$(ns scanner)" masscan --adapter eth0 --adapter-ip "$2" \
		--router-mac "${LAKE_MAC//:/-}" --rate 1000 "${@:4}" \
		>/dev/null 2>"$WORK/masscan" &
	wait_until 10 first "$1" "$2"
	kill $!
	told "$1" "$2" "$3"
}

masscan_ports() {
	masscan "port scan" 10.0.9.74 "$FIVE_PORTS" -p "$PORTS" "$NET.4"
}

masscan_sweep() {
	masscan "port sweep" 10.0.9.75 "$FIVE_TARGETS" -p 4420 "$NET.16/28"
}

zmap_sweep() {
	in_ns scanner zmap -q -p 4420 -i eth0 -S 10.0.9.76 -G "$LAKE_MAC" \
		-b /dev/null -c 0 -r 1000 -o "$WORK/zmap" "$NET.32/28"
	told "port sweep" 10.0.9.76 "$FIVE_TARGETS"
}

# together CLASS TARGET SOURCE...: the sources were found to act together when
# all of them had sent five probes at most.
together() {
	local class=$1 target=$2 sources
	shift 2
	sources=$(printf '%s\n' "$@" | jq -R . | jq -sc sort)
	wait_until 5 events ".cloak.class == \"$class\" and
		.dest_ip == \"$target\" and .cloak.sources == $sources"
	jq -sc --arg target "$target" 'map(select(
		.event_type == "alert" and .dest_ip == $target))' \
		"$WORK/eve.json" >"$WORK/campaign"
	jq -r --arg class "$class" \
		'[.[] | select(.cloak.class == $class)][0].cloak.text' \
		"$WORK/campaign"
	jq -e --arg class "$class" '(map(.cloak.class) | index($class)) as $found |
		(.[:$found + 1] | group_by(.src_ip) |
		map(map(.cloak.probes) | max) | add) <= 5' "$WORK/campaign"
	jq -e --arg class "$class" \
		'map(.cloak.class) - ["probe", $class] == []' "$WORK/campaign"
}

decoy_scan() {
	scan 10.0.9.80 -sS -p 22 -D 10.0.9.81,10.0.9.82,10.0.9.83,ME "$NET.5"
	together "decoy scan" "$NET.5" 10.0.9.8{0,1,2,3}
}

distributed() {
	local i list=(22 80 443 4420 8009)
	for i in "${!list[@]}"; do
		scan "10.0.9.9$i" -sS --max-retries 0 -p "${list[i]}" \
			"$NET.6" &
	done
	wait
	together "distributed scan" "$NET.6" 10.0.9.9{0,1,2,3,4}
}

# Begun before all others, as it takes so long. The delay stands for that of
# nmap -T1, 15 s.
slow_scan() {
	wait_until 60 first "slow scan" 10.0.9.77
	told "slow scan" 10.0.9.77 "$THREE_PORTS"
}

authorised() {
	in_ns peer nmap -n -Pn -sT -p 1-300 "$NET.7" >"$WORK/nmap.peer"
	grep ' 300 closed' "$WORK/nmap.peer"
	in_ns peer nmap -n -Pn -sT -p 4420 "$NET.16/28" >"$WORK/nmap.peer"
	(($(grep -c '^4420/tcp closed ' "$WORK/nmap.peer") == 16))
	not events ".event_type == \"alert\" and .src_ip == \"$PEER\""
}

# A server, by SSH and by two of its web ports, until its user notices.
mistyped() {
	not in_ns scanner ping -q -c 3 -i 0.3 -W 1 -I 10.0.9.100 "$NET.8"
	for port in 22 80 443; do
		in_ns scanner socat - \
			"TCP:$NET.8:$port,bind=10.0.9.100,connect-timeout=3.5" \
			</dev/null &
	done
	wait
	wait_until 5 events '.src_ip == "10.0.9.100" and .cloak.probes >= 9'
}

# Packets that the cloak has dropped on ingress.
dropped() {
	ctl drops --json |
		jq '[.[] | select(.direction == "in") | .packets] | add // 0'
}

# alert_of_others: has anybody but the scanners, and who mistyped, raised one?
alert_of_others() {
	events '.event_type == "alert" and
		(.src_ip // "" | test("^10\\.0\\.9\\.([789].|100)$") | not)'
}

# quiet COMMAND...: raises no alert at all, though the cloak has met it.
quiet() {
	local before
	before=$(dropped)
	in_ns scanner "$@"
	wait_until 5 eval "(($(dropped) > before + 50))"
	stays 2 not alert_of_others
}

# All that single sources were called in the end.
called() {
	jq -r 'select(.event_type == "alert") |
		"\(.src_ip) \(.cloak.class)"' "$WORK/eve.json" |
		grep -v '^10\.0\.9\.[89]. ' | sort -u | grep -v ' probe$' |
		diff - <(cat <<-EOF
			10.0.9.71 port scan
			10.0.9.72 port scan
			10.0.9.73 port scan
			10.0.9.74 port scan
			10.0.9.75 port sweep
			10.0.9.76 port sweep
			10.0.9.77 slow scan
			10.0.9.78 port scan
		EOF
		)
}

cloak_lab
cloakd_policy >"$WORK/policy.toml"
targets
# It sends nothing before the first pause is over, the daemon will be there.
ip netns exec "$(ns scanner)" nmap -n -Pn --disable-arp-ping -e eth0 \
	-S 10.0.9.77 -sS -p 22,80,443 --scan-delay 10s "$NET.9" \
	>"$WORK/nmap" 2>&1 &
defer kill $!
cloakd_start
ktap_run "nmap -T5 is a port scan" ports 1 "$FIVE_PORTS" -T5 -p "$PORTS"
ktap_run "nmap -T3 is a port scan" ports 2 "$FIVE_PORTS" -T3 -p "$PORTS"
ktap_run "nmap -T2 is a port scan" ports 3 "$THREE_PORTS" -T2 -p 22,80,443
ktap_run "nmap -T4 that connects is a port scan" connect_scan
ktap_run "masscan of ports is a port scan" masscan_ports
ktap_run "masscan of addresses is a port sweep" masscan_sweep
ktap_run "zmap is a port sweep" zmap_sweep
ktap_run "nmap -D is a decoy scan" decoy_scan
ktap_run "five who share the work are a distributed scan" distributed
ktap_run "an authorised host may connect to anything" authorised
ktap_run "backscatter raises no alert" \
	quiet "$BACKGROUND" backscatter "$NET.10" "$LAKE_MAC"
ktap_run "ARP, DHCP and their like raise no alert" \
	quiet "$BACKGROUND" neighbours
ktap_run "a mistyped address is no scan" mistyped
ktap_run "nmap with long pauses is a slow scan" slow_scan
ktap_run "nobody was called anything else" called
