#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Rules that ask for the state of a connection, through cloakd, on an address
# that everybody sees: what this host has begun is answered, one service can be
# had, nothing else gets in; and connections outlive policies and the daemon.
#
# where: host guest
# timeout: 600
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands bpftool jq socat ping /usr/bin/python3

# For what is to come; an emulated processor is slow.
patience=3
! grep -q cloak.run= /proc/cmdline || patience=20

LAKE6=fd00:9::5
SCANNER6=fd00:9::66
# Of the lake, without a table.
OTHER=10.0.9.7
# Of the scanner: the lake may ask them. 7 echoes, 8 says much, 9 is closed.
ASKED='[7, 8, 9]'

# policy: the lake is visible; what the rules of its tables say.
policy() {
	local address
	cloakd_policy |
		sed '/^name = "eth0"/a mode = "addresses"\nattach = "'"$MODE"'"'
	for address in "$LAKE" "$LAKE6"; do
		cat <<-EOF
			[[table]]
			address = "$address"
			default = "drop"
			rule = [
			{name = "known", direction = "both", state = "established", verdict = "allow"},
			{name = "login", state = "new", protocol = "tcp", destination_port = 22, verdict = "allow"},
			{name = "own", direction = "out", state = ["new"], destination_port = $ASKED, verdict = "allow"},
			{name = "ping", direction = "out", state = "new", protocol = "icmp", verdict = "allow"},
			{name = "ping6", direction = "out", state = "new", protocol = "icmpv6", verdict = "allow"}]
		EOF
	done
}

# echoes HOST PROTOCOL ADDRESS PORT: does what HOST says there come back?
echoes() {
	in_ns "$1" /usr/bin/python3 - "${@:2}" \
		"$patience" <<-'EOF'
			import socket, sys
			protocol, address, port, patience = sys.argv[1:]
			family = socket.AF_INET6 if ":" in address else socket.AF_INET
			kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
			with socket.socket(family, kind) as s:
			    s.settimeout(float(patience))
			    try:
			        s.connect((address, int(port)))
			        s.send(b"hello")
			        said = s.recv(100)
			    except OSError as error:
			        sys.exit(f"{protocol} {address} {port}: {error}")
			sys.exit(said != b"hello")
		EOF
}

# mute ARGUMENT...: the opposite, which nobody waits long for.
mute() {
	local patience=1
	not echoes "$@"
}

# hits RULE: packets that matched it, of both tables.
hits() {
	ctl rules --json | jq --arg name "$1" \
		'[.[].rule[] | select(.name == $name) | .packets] | add'
}

answered() {
	wait_until 120 echoes lake tcp "$SCANNER" 7
	wait_until 120 echoes lake tcp "$SCANNER6" 7
	wait_until 120 echoes lake udp "$SCANNER" 7
	wait_until 120 echoes lake udp "$SCANNER6" 7
	in_ns lake ping -n -q -c 2 -W "$patience" "$SCANNER"
	in_ns lake ping -n -q -c 2 -W "$patience" "$SCANNER6"
	(($(hits known) > 0 && $(hits own) > 0))
}

# datagram ADDRESS PORT: what comes back of one that the lake sends there.
datagram() {
	in_ns lake /usr/bin/python3 - "$@" <<-'EOF'
		import socket, sys
		address, port = sys.argv[1], int(sys.argv[2])
		family = socket.AF_INET6 if ":" in address else socket.AF_INET
		with socket.socket(family, socket.SOCK_DGRAM) as s:
		    s.settimeout(20)
		    s.connect((address, port))
		    s.send(b"anybody there?")
		    try:
		        print(len(s.recv(65535)), "bytes")
		    except OSError as error:
		        print(type(error).__name__)
	EOF
}

# datagrams HOST: a server of UDP, on port 7 an echo, on port 8 one whose
# answers are too long for one packet.
datagrams() {
	exec ip netns exec "$(ns "$1")" /usr/bin/python3 -c '
import select, socket
answers = {}
for port, answer in (7, bytes), (8, lambda said: bytes(4000)):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", port))
    answers[s] = answer
while True:
    for s in select.select(answers, [], [])[0]:
        said, who = s.recvfrom(100)
        s.sendto(answers[s](said), who)'
}

in_pieces() {
	[[ $(datagram "$SCANNER" 8) == "4000 bytes" ]]
	[[ $(datagram "$SCANNER6" 8) == "4000 bytes" ]]
}

serves() {
	local before
	before=$(hits login)
	wait_until 120 echoes scanner tcp "$LAKE" 22
	wait_until 120 echoes scanner tcp "$LAKE6" 22
	(($(hits login) > before))
}

shut() {
	mute scanner tcp "$LAKE" 7
	mute scanner tcp "$LAKE6" 7
	mute scanner udp "$LAKE" 7
	mute scanner udp "$LAKE6" 7
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE"
	not in_ns scanner ping -n -q -c 1 -W 1 "$LAKE6"
	ctl drops --json | jq -e 'any(.reason == "table" and .packets > 0)'
}

# known MAP LOCAL REMOTE: is UDP between these ports in MAP?
known() {
	bpftool -j map dump pinned "$WORK/bpf/cloak/$1" |
		jq -e --argjson local "$2" --argjson remote "$3" \
			'any(.[].formatted.key; .protocol == 17 and .kind == 0
				and .local == $local and .remote == $remote)'
}

# asks_other: the scanner asks the other address, from port 9; who answers?
asks_other() {
	in_ns scanner /usr/bin/python3 - "$OTHER" <<-'EOF'
		import socket, sys
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		    s.settimeout(20)
		    s.bind(("", 9))
		    s.sendto(b"anybody there?", (sys.argv[1], 7))
		    print(*s.recvfrom(100)[1])
	EOF
}

# says CONNECTED PORT: one datagram of the lake to port 9 of the scanner.
says() {
	in_ns lake /usr/bin/python3 - "$@" "$SCANNER" <<-'EOF'
		import socket, sys
		connected, port, scanner = sys.argv[1:]
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		    s.bind(("", int(port)))
		    if connected == "yes":
		        s.connect((scanner, 9))
		        s.send(b"hello")
		    else:
		        s.sendto(b"hello", (scanner, 9))
	EOF
}

# Who asks one address and is answered by another has begun it; a program that
# talks to him alone does so by itself.
answered_by_another() {
	[[ $(asks_other) == "$LAKE 7" ]]
	known openings 7 9
	not known connections 7 9
	says no 40007
	known openings 40007 9
	not known connections 40007 9
	says yes 40008
	known connections 40008 9
	not known openings 40008 9
}

told_of_errors() {
	[[ $(datagram "$SCANNER" 9) == ConnectionRefusedError ]]
	[[ $(datagram "$SCANNER6" 9) == ConnectionRefusedError ]]
}

shows() {
	ctl rules "$LAKE" | grep -E 'known .*both state established'
	ctl rules "$LAKE" --json | jq -e '.[0].rule[] |
		select(.name == "own") | .match ==
		"out dport {7, 8, 9} state new"'
	sed 's/"established"/"invalid"/' "$WORK/policy.toml" >"$WORK/bad.toml"
	ctl_exits 4 check "$WORK/bad.toml" |
		grep "bad.toml:[0-9]*:[0-9]*: table.rule.state = \"invalid\""
	sed '/"login"/s/, state = "new"//' "$WORK/policy.toml" >"$WORK/other.toml"
	ctl_exits 1 diff "$WORK/other.toml" |
		grep 'state new name "login"'
}

# hold: a connection of the scanner to a service, as descriptors 7 and 8.
hold() {
	rm -f "$WORK/to" "$WORK/from"
	mkfifo "$WORK/to" "$WORK/from"
	exec 7<>"$WORK/to" 8<>"$WORK/from"
	ip netns exec "$(ns scanner)" socat - "TCP:$LAKE:$1" \
		<"$WORK/to" >"$WORK/from" &
	HELD=$!
	defer kill "$HELD"
}

# held: does it still carry what the scanner says, and the answer?
held() {
	local said="said at $EPOCHREALTIME" heard
	echo "$said" >&7
	read -r -t 60 -u 8 heard
	[[ $heard == "$said" ]]
}

# One that no rule would let begin, and whose end here never speaks first.
goes_on() {
	held
	ctl apply "$WORK/strict.toml"
	held
	mute scanner tcp "$LAKE" 7
	held
}

outlives() {
	cloakd_kill KILL
	held
	mute scanner tcp "$LAKE" 7
	echoes lake tcp "$SCANNER" 7
	cloakd_start
	ctl reload
	held
}

# Where only cloakctl puts rules in force it is the same.
alone() {
	held
	ctl on -f "$WORK/strict.toml"
	held
	mute scanner tcp "$LAKE" 7
	held
}

# What only watches begins no connections, what it would drop is counted.
monitors() {
	sed 's/^default = /action = "monitor"\n&/' "$WORK/policy.toml" \
		>"$WORK/monitor.toml"
	ctl apply "$WORK/monitor.toml"
	echoes scanner tcp "$LAKE" 7
	ctl drops --json | jq -e \
		'any(.reason == "table" and .verdict == "would drop")'
	ctl reload
	mute scanner tcp "$LAKE" 7
}

stop_servers() {
	ip netns pids "$(ns lake)" | xargs -r kill
	ip netns pids "$(ns scanner)" | xargs -r kill
}

# serve HOST PORT: an echo to each connection.
serve() {
	ip netns exec "$(ns "$1")" socat \
		"TCP6-LISTEN:$2,reuseaddr,ipv6only=0,fork" EXEC:cat 2>/dev/null &
}

cloak_lab
defer stop_servers
netns_addr lake eth0 "$LAKE6/64" "$OTHER/24"
netns_addr scanner eth0 "$SCANNER6/64"
for host in lake scanner; do
	serve "$host" 7
	datagrams "$host" &
done
serve lake 22
for MODE in native generic; do
	policy >"$WORK/policy.toml"
	cloakd_start
	ktap_run "$MODE: what this host begins is answered" answered
	ktap_run "$MODE: in fragments, too" in_pieces
	ktap_run "$MODE: and by errors" told_of_errors
	ktap_run "$MODE: the one service can be had" serves
	ktap_run "$MODE: nothing else" shut
	ktap_run "$MODE: answers of another address are no idea of the host's" \
		answered_by_another
	[[ $MODE == generic ]] || cloakd_lift
done
ktap_run "rules, check and diff speak of states" shows
ktap_run "a table that only watches" monitors
cp "$WORK/policy.toml" "$WORK/strict.toml"
sed '/^default/,/^{.*}\]/d' "$WORK/strict.toml" >"$WORK/policy.toml"
ctl reload
hold 7
ktap_run "a connection that was there before goes on" goes_on
cp "$WORK/strict.toml" "$WORK/policy.toml"
ktap_run "connections outlive the daemon" outlives
cloakd_lift
hold 7
ktap_run "where no daemon runs, too" alone
