#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Single addresses are cloaked, others of the same interface are visible: whatever
# a stranger sends, no frame of the host has the octets of a cloaked one anywhere,
# but those to the peer. To whoever asks for the visible ones the host is as it is
# without the cloak. The bare host tells of all of them by the same means.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
. "$KTAP_LIB/frames.sh"
ktap_need_commands arping hping3 jq ndisc6 nmap socat tcpdump
ktap_need "build/xdp/tests/probe (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/probe"

# Composed frames are about LAKE and LAKE6, so these are cloaked. One more shares
# its multicast group with a visible address.
SHARING6=2001:db8::a:0:9
# All of its prefix, for the address of which a host that forwards answers, too.
FURTHER6=2001:db8:5::5
NETWORK6=2001:db8:5::
VISIBLE=192.0.2.9
VISIBLE6=2001:db8::9
FRAMES=300

# Octets that tell of a cloaked address: its own, and those of the group, and the
# MAC of that, which nobody but LAKE6 is in.
declare -A OCTETS=(
	[$LAKE]=c0000205
	[$LAKE6]=20010db8000000000000000000000005
	[$SHARING6]=20010db8000000000000000a00000009
	[$FURTHER6]=20010db8000500000000000000000005
	[$NETWORK6]=20010db8000500000000000000000000
	[solicited-node]=ff0200000000000000000001ff000005
	[33:33]=3333ff000005
)

some_cloaked() {
	policy "$1" | sed '/^name = "eth0"/a mode = "addresses"'
	printf '[cloak]\naddresses = ["%s", "%s", "%s", "%s"]\n' \
		"$LAKE" "$LAKE6" "$SHARING6" "$FURTHER6"
}

# in_parallel COMMAND...: each a string; what becomes of them is their own affair.
in_parallel() {
	local command pids=()
	for command in "$@"; do
		{ eval "$command"; } >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}" || true
}

# knows_lake: the scanner has the MAC of all of these, and need not ask.
knows_lake() {
	local address
	for address in "$LAKE" "$LAKE6" "$SHARING6"; do
		in_ns scanner ip neigh replace "$address" dev eth0 \
			lladdr "$LAKE_MAC"
	done
}

# asks: who is on the wire?
asks() {
	in_ns scanner ip neigh flush dev eth0 nud permanent
	in_parallel \
		"in_ns scanner arping -c 2 -w 0.5 -i eth0 $LAKE" \
		"in_ns scanner arping -c 1 -w 0.5 -i eth0 $VISIBLE" \
		"in_ns scanner ping -n -c 1 -W 0.5 $VISIBLE6" \
		"in_ns scanner arping -c 2 -w 0.5 -S $LAKE -i eth0 $VISIBLE" \
		"in_ns scanner arping -0 -c 2 -w 0.5 -i eth0 $LAKE" \
		"in_ns scanner ndisc6 -1 -r 1 -w 500 $LAKE6 eth0" \
		"in_ns scanner ndisc6 -1 -r 1 -w 500 $SHARING6 eth0" \
		"in_ns scanner ndisc6 -1 -r 1 -w 500 $FURTHER6 eth0" \
		"in_ns scanner ndisc6 -1 -r 1 -w 500 $NETWORK6 eth0" \
		"in_ns scanner ping -n -c 1 -W 0.5 $LAKE" \
		"in_ns scanner ping -n -c 1 -W 0.5 $LAKE6" \
		"in_ns scanner ping -n -c 1 -W 0.5 $SHARING6" \
		"in_ns scanner ping -n -c 1 -W 1 -T tsprespec $LAKE $VISIBLE" \
		"in_ns scanner ping -n -b -c 1 -W 0.5 192.0.2.255" \
		"in_ns scanner ping -n -c 1 -W 0.5 ff02::1%eth0" \
		"in_ns scanner ping -n -c 1 -W 0.5 ff02::1:ff00:5%eth0" \
		"in_ns scanner ping -n -c 1 -W 0.5 ff02::1:ff00:9%eth0"
}

# scans: who knows the MAC already, and composed and generated frames.
scans() {
	local nmap="in_ns scanner nmap -n -Pn --disable-arp-ping --max-retries 0
		--initial-rtt-timeout 100ms --max-rtt-timeout 100ms"
	knows_lake
	in_parallel \
		"probe all $FRAMES $RANDOM >$WORK/probe" \
		"$nmap -sSU -p T:22,$PORT,U:7,53 $LAKE" \
		"$nmap -f -sS -p 22,$PORT $LAKE" \
		"$nmap -6 -sSU -p T:22,$PORT,U:7,53 $LAKE6" \
		"$nmap -6 -sSU -p T:22,$PORT,U:7,53 $SHARING6" \
		"in_ns scanner ping -n -s 4000 -c 1 -W 0.5 $LAKE" \
		"in_ns scanner ping -n -s 4000 -c 1 -W 0.5 $LAKE6" \
		"in_ns scanner ping -n -s 4000 -c 1 -W 0.5 $SHARING6" \
		"in_ns scanner hping3 -n -1 -f -c 2 -i u100000 $LAKE" \
		"in_ns scanner hping3 -n -S --lsrr $LAKE -p $PORT -c 1 $VISIBLE"
}

# comes_up: when the host says that it is there. The link-local address goes with
# the link.
comes_up() {
	flap
	netns_addr lake eth0 fe80::5/64
	wait_until 10 settled
}

# strangers: all that, when the link has just come up.
strangers() {
	comes_up
	asks
	scans
	grep '^sent ' "$WORK/probe"
}

# watched: leaves in WORK/frames what the host has sent to others than the peer.
watched() {
	frames_begin p-lake-eth0 "not ether dst $PEER_MAC"
	strangers
	frames_end p-lake-eth0 eth0
	echo "$(wc -l <"$WORK/frames") frames"
}

told_when_bare() {
	local name
	watched
	for name in "${!OCTETS[@]}"; do
		grep -q "| .*${OCTETS[$name]}" "$WORK/frames" ||
			{ echo "nothing told of $name"; return 1; }
	done
}

# nothing_told: while the host has spoken all the same.
nothing_told() {
	local name
	watched
	[[ -s $WORK/frames ]]
	for name in "${!OCTETS[@]}"; do
		not grep -m 3 "| .*${OCTETS[$name]}" "$WORK/frames" ||
			{ echo "this told of $name"; return 1; }
	done
}

# errors_about ADDRESS4 ADDRESS6: how many errors it gets who sends, in frames to
# the lake, to these addresses what a host complains about before it knows whose it
# is: an IPv4 option without a length, and an IPv6 option that nobody knows. The
# answer to a ping comes behind them.
errors_about() {
	in_ns scanner /usr/bin/python3 - "$LAKE_MAC" "$ANSWER" "$VISIBLE" "$@" \
		<<-'EOF'
			import socket, struct, sys
			mac, answer, visible, four, six = sys.argv[1:]
			s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
			s.bind(("eth0", 3))
			s.settimeout(float(answer))
			link = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4]
			def summed(data, at):
			    words = sum(struct.unpack(f"!{len(data) // 2}H", data))
			    while words >> 16:
			        words = (words & 0xffff) + (words >> 16)
			    return data[:at] + struct.pack("!H", ~words & 0xffff) + data[at + 2:]
			def ipv4(to, protocol, options, body):
			    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
			                       20 + len(options) + len(body), 7, 0, 64,
			                       protocol, 0, socket.inet_aton("192.0.2.66"),
			                       socket.inet_aton(to))
			    return link + b"\x08\0" + summed(head + options, 10) + body
			def ipv6(to):
			    return (link + b"\x86\xdd" +
			            struct.pack("!IHBB", 6 << 28, 8, 0, 64) +
			            socket.inet_pton(socket.AF_INET6, "2001:db8::66") +
			            socket.inet_pton(socket.AF_INET6, to) +
			            b"\x3b\0\x80\4" + bytes(4))
			s.send(ipv4(four, 17, b"\x82\0\0\0", bytes(8)))
			s.send(ipv6(six))
			s.send(ipv4(visible, 1, b"", summed(b"\x08" + bytes(7), 2)))
			heard = 0
			while True:
			    frame = s.recv(2000)
			    if frame[:6] != link[6:]:
			        continue
			    if frame[12:14] == b"\x08\0" and frame[23] == 1:
			        heard += frame[34] == 12
			        if frame[34] == 0:
			            break
			    heard += (frame[12:14] == b"\x86\xdd" and frame[20] == 58 and
			              frame[54] == 4)
			print(heard)
		EOF
}

# errors_begin: nobody has to be asked for the stranger.
errors_begin() {
	local mac
	mac=$(in_ns scanner ip -j link show eth0 | jq -r '.[0].address')
	in_ns lake ip neigh replace 192.0.2.66 dev eth0 lladdr "$mac"
	in_ns lake ip neigh replace 2001:db8::66 dev eth0 lladdr "$mac"
}

# all_alike: what is cloaked and what nobody has makes the host say as little.
all_alike() {
	errors_begin
	[[ $(errors_about "$VISIBLE" "$VISIBLE6") == 2 ]]
	[[ $(errors_about 192.0.2.77 2001:db8::77) == 0 ]]
	[[ $(errors_about "$LAKE" "$LAKE6") == 0 ]]
	[[ $(errors_about 192.0.2.77 ff02::1:ff12:3456) == 0 ]]
}

told_by_errors_when_bare() {
	errors_begin
	[[ $(errors_about "$VISIBLE" "$VISIBLE6") == 2 ]]
	[[ $(errors_about 192.0.2.77 2001:db8::77) == 2 ]]
}

# looks: what anybody finds out about the visible addresses. Not by ICMPv6 in
# fragments, which could hide neighbour discovery.
looks() {
	local nmap=(in_ns scanner nmap -n -Pn --reason --max-retries 2
		-sSU -p "T:22,$PORT,U:7")
	in_ns scanner ip neigh flush dev eth0 nud permanent
	in_ns scanner ip neigh flush dev eth0
	in_ns scanner arping -q -c 1 -w 5 -i eth0 "$VISIBLE"
	in_ns scanner ndisc6 -1 -q "$VISIBLE6" eth0
	in_ns scanner ping -n -c 1 -W 5 "$VISIBLE"
	in_ns scanner ping -n -c 1 -W 5 "$VISIBLE6"
	in_ns scanner ping -n -s 4000 -c 1 -W 5 "$VISIBLE"
	in_ns scanner ping -n -L -c 2 -i 0.2 -W 5 ff02::1%eth0 |
		awk '/from fe80::5%/ && !found++'
	"${nmap[@]}" "$VISIBLE"
	"${nmap[@]}" -6 "$VISIBLE6"
} >"$WORK/all-looks"

# alike: as many answers as ever, and the same as those of the bare host.
alike() {
	looks
	grep -oE '^02:.*|.* received|.*bytes from .*ttl=[0-9]*|^[0-9]+/.*' \
		"$WORK/all-looks" >"$WORK/looks"
	cat "$WORK/looks"
	[[ $(wc -l <"$WORK/looks") == 16 ]]
	[[ ! -e $WORK/bare ]] || diff "$WORK/bare" "$WORK/looks"
}

# all_served: the peer reaches what is cloaked, and what is not.
all_served() {
	wait_until 10 served
	in_ns lake ip neigh flush dev eth0
	in_ns peer ip neigh flush dev eth0
	in_ns peer ping -n -q -c 1 -W 5 "$SHARING6"
	in_ns peer ping -n -q -c 1 -W 5 "$VISIBLE"
	in_ns peer ping -n -q -c 1 -W 5 "$VISIBLE6"
}

mode() {
	some_cloaked "$1" >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$1: attached" eval \
		"ctl status --json | jq -e '.interfaces[0] |
			.attached == \"$1\" and .mode == \"addresses\"'"
	ktap_run "$1: no frame tells of a cloaked address" nothing_told
	ktap_run "$1: the visible ones are as without the cloak" alike
	ktap_run "$1: errors tell of none" all_alike
	ktap_run "$1: the peer reaches all of them" all_served
	cloakd_lift
}

wire_lab
# A router on this link alone: it sends nothing on, so all that it asks is its own.
in_ns lake sysctl -q net.ipv6.conf.eth0.forwarding=1
netns_addr lake eth0 "$VISIBLE/24" "$VISIBLE6/64" "$SHARING6/64" "$FURTHER6/64"
ktap_run "the bare host answers" alike
cp "$WORK/looks" "$WORK/bare"
ktap_run "the bare host tells of all addresses" told_when_bare
ktap_run "the bare host answers for addresses that nobody has" \
	told_by_errors_when_bare
mode native
mode generic
