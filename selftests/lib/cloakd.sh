# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A host with cloakd, a peer and a scanner on one wire:
#
#       lake 10.0.9.5        peer 10.0.9.10       scanner 10.0.9.66
#            | eth0               | eth0               | eth0
#            +--------------------+--------------------+ br0 (wire)
#
# Needs ktap.sh, wait.sh and netns.sh. To be sourced.

LAKE=10.0.9.5
PEER=10.0.9.10
# shellcheck disable=SC2034 # for the tests
SCANNER=10.0.9.66

# cloak_lab: the namespaces, and WORK with a BPF file system that outlives the
# mount namespace in which "ip netns exec" runs a command.
cloak_lab() {
	local host
	PATH=$TOP/build/xdp:$PATH
	WORK=$(mktemp -d)
	defer rm -rf "$WORK"
	mkdir "$WORK/bpf"
	mount -t bpf bpf "$WORK/bpf"
	defer umount "$WORK/bpf"
	netns_new wire lake peer scanner
	netns_bridge wire br0
	for host in lake peer scanner; do
		netns_attach "$host" eth0 wire br0
	done
	netns_addr lake eth0 "$LAKE/24"
	netns_addr peer eth0 "$PEER/24"
	netns_addr scanner eth0 "$SCANNER/24"
	defer cloakd_lift
}

# cloakd_policy [LINE...]: the usual policy and these lines behind it.
cloakd_policy() {
	cat <<-EOF
		[output]
		eve = "$WORK/eve.json"

		[evidence]
		folder = "$WORK/evidence"

		[[interface]]
		name = "eth0"

		[[peers]]
		name = "initiators"
		prefixes = ["$PEER"]
	EOF
	printf '%s\n' "$@"
}

# Words before the command that is the daemon, as of a function that execs it.
CLOAKD_RUN=()

# cloakd_run [OPTION...]: begins to start the daemon.
cloakd_run() {
	"${CLOAKD_RUN[@]}" ip netns exec "$(ns lake)" cloakd --policy "$WORK/policy.toml" \
		--socket "$WORK/control.sock" --pin-dir "$WORK/bpf/cloak" \
		--state-dir "$WORK/state" "$@" >>"$WORK/stdout" 2>>"$WORK/stderr" &
	CLOAKD=$!
	echo "$CLOAKD" >"$WORK/cloakd.pid"
}

# cloakd_start [OPTION...]: starts the daemon, waits until it answers.
cloakd_start() {
	cloakd_run "$@"
	wait_until 30 ctl status || { cat "$WORK/stderr"; return 1; }
}

# cloakd_start_in_mounts: the daemon in the mounts of this test, not in a copy of
# them, where it sees what is mounted meanwhile.
cloakd_start_in_mounts() {
	nsenter --net="/run/netns/$(ns lake)" -- \
		cloakd --policy "$WORK/policy.toml" \
		--socket "$WORK/control.sock" --pin-dir "$WORK/bpf/cloak" \
		--state-dir "$WORK/state" >>"$WORK/stdout" 2>>"$WORK/stderr" &
	CLOAKD=$!
	echo "$CLOAKD" >"$WORK/cloakd.pid"
	wait_until 30 ctl status
}

# cloakd_is_gone: or only its parent has not noticed yet. What is open is open as
# long as the last of its threads is there.
cloakd_is_gone() {
	not grep -qs '^State:[^Z]*$' "/proc/$CLOAKD"/task/*/status
}

# cloakd_kill SIGNAL: ends the daemon that way and waits for its end, also if it
# was started by a subtest, in its own shell.
cloakd_kill() {
	kill "-$1" "$CLOAKD" 2>/dev/null || true
	wait "$CLOAKD" 2>/dev/null || true
	wait_until 20 cloakd_is_gone
}

# cloakd_lift: nothing is left, whatever the test has done.
cloakd_lift() {
	# The last one may have been started by a subtest, in its own shell.
	[[ ! -e $WORK/cloakd.pid ]] || CLOAKD=$(<"$WORK/cloakd.pid")
	[[ -z ${CLOAKD:-} ]] || cloakd_kill TERM
	ctl off >/dev/null
}

# ctl ARGUMENT...: cloakctl on the lake.
ctl() {
	in_ns lake cloakctl --socket "$WORK/control.sock" \
		--pin-dir "$WORK/bpf/cloak" "$@"
}

# ctl_exits STATUS ARGUMENT...: what cloakctl says, if its exit status is that.
ctl_exits() {
	local want=$1 got=0
	shift
	ctl "$@" 2>&1 || got=$?
	((got == want)) || { echo "exit status $got"; return 1; }
}

# sees HOST: does the lake answer that host, ARP and all?
sees() {
	in_ns lake ip neigh flush dev eth0
	in_ns "$1" ip neigh flush dev eth0
	in_ns "$1" ping -n -q -c 1 -W 2 "$LAKE"
}

# hidden: nobody but the peer sees the lake.
hidden() {
	sees peer || { echo "the peer does not see the lake"; return 1; }
	not sees scanner || { echo "the scanner sees the lake"; return 1; }
}

# events FILTER: the EVE events for which the jq expression holds; fails when
# there is none. With -e, jq would fail when the last one is not among them.
events() { jq -c "select($1)" "$WORK/eve.json" | grep .; }
