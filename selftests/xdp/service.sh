#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The unit cloakd.service under a systemd of its own: a container has this
# machine's files below an overlay, the cloak installed as "make install" does
# it, and the lake for its network. Whatever systemd does to the daemon, the
# cloak stays; and the daemon has no more rights than it needs.
#
# where: host
# guests: yes
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/container.sh"
ktap_need_commands jq systemd-nspawn

# machine: a container with the cloak installed.
machine() {
	container_files cloakd.service
	DESTDIR=$ROOT "$TOP/scripts/install.sh" install --part cloak
	systemd-sysusers --root="$ROOT" \
		"$ROOT/usr/local/lib/sysusers.d/cloaklake.conf"
}

# boot: systemd begins with nothing but the daemon and what that needs.
boot() {
	container_boot
	wait_until 60 inside systemctl is-active cloakd ||
		{ inside journalctl -q -b -o short-monotonic; return 1; }
}

# policy [ADDRESS]: the usual one, or with another peer.
policy() {
	local peers="\"$PEER\""
	[[ -z ${1:-} ]] || peers+=", \"$1\""
	cat >"$ROOT/etc/cloaklake/policy.toml" <<-EOF
		[[interface]]
		name = "eth0"

		[[peers]]
		name = "initiators"
		prefixes = [$peers]
	EOF
}

# as_daemon COMMAND...: among its mounts.
as_daemon() { inside nsenter -t "$(daemon)" -m -- "$@"; }

# journal FILTER: entries of the unit for which the jq expression holds.
journal() {
	inside journalctl -q -u cloakd -o json | jq -c "select($1)" | grep .
}

# override NAME LINE...: a drop-in of the service.
override() {
	local name=$1 folder=$ROOT/etc/systemd/system/cloakd.service.d
	shift
	mkdir -p "$folder"
	printf '%s\n' "[Service]" "$@" >"$folder/$name.conf"
	inside systemctl daemon-reload
}

# plain NAME: without that drop-in.
plain() {
	rm "$ROOT/etc/systemd/system/cloakd.service.d/$1.conf"
	inside systemctl daemon-reload
}

# packets: how many were dropped, with and without a daemon.
packets() {
	inside cloakctl drops --json |
		jq '[.[] | select(.verdict == "drop").packets] | add'
}

# pinging COMMAND...: meanwhile the scanner, who knows the way, gets no answer.
pinging() {
	local ping before
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$(in_ns lake cat /sys/class/net/eth0/address)"
	before=$(packets)
	ip netns exec "$(ns scanner)" ping -n -q -i 0.02 \
		-w $((120 * ${CLOAK_SLOW:-1})) "$LAKE" >"$WORK/ping" 2>&1 &
	ping=$!
	"$@"
	kill -INT "$ping"
	wait "$ping" || true
	in_ns scanner ip neigh del "$LAKE" dev eth0
	grep ' 0 received' "$WORK/ping"
	(($(packets) > before)) || { echo "the counters began anew"; return 1; }
	hidden
}

early() {
	local cloaked network
	cloaked=$(property ActiveEnterTimestampMonotonic)
	network=$(inside systemctl show --value \
		-p ActiveEnterTimestampMonotonic network-pre.target)
	echo "cloaked at $cloaked us, network-pre.target at $network us"
	((cloaked > 0 && cloaked <= network))
}

ready() {
	[[ $(property Type) == notify && $(property WatchdogUSec) == 30s ]]
	[[ $(property StatusText) == "cloak on: eth0"* ]]
	inside cloakctl status --json |
		jq -e '.interfaces[0].attached == "native"'
	hidden
}

# status_is TEXT: what "systemctl status" shows of the cloak; a pattern.
status_is() {
	# shellcheck disable=SC2053 # a pattern
	[[ $(property StatusText) == $1 ]]
}

# counted: does it have the number of alerts that there are?
counted() {
	status_is "*; $(inside cloakctl status --json | jq .alerts.raised) alerts"
}

# Whatever is done to the cloak, and as alerts come.
follows() {
	inside cloakctl off
	wait_until 5 status_is "cloak off; *"
	inside cloakctl on
	wait_until 5 status_is "cloak on: eth0; *"
	inside cloakctl apply --confirm 5m /etc/cloaklake/policy.toml
	wait_until 5 status_is "cloak on: eth0; policy awaits confirmation; *"
	inside cloakctl confirm
	wait_until 5 status_is "cloak on: eth0; [0-9]*"
	told_of 10.0.9.67
	wait_until 30 counted
	not status_is "*; 0 alerts"
}

# An interface that is not there, and one that refuses: a bridge is not native.
names_uncloaked() {
	printf '[[interface]]\nname = "dum9"\nattach = "native"\n' \
		>>"$ROOT/etc/cloaklake/policy.toml"
	inside systemctl reload cloakd
	wait_until 5 status_is "cloak on: eth0; not there: dum9; *"
	inside ip link add dum9 type bridge
	wait_until 10 status_is "cloak on: eth0; not cloaked: dum9; *"
	inside ip link del dum9
	policy
	inside systemctl reload cloakd
	wait_until 5 status_is "cloak on: eth0; [0-9]*"
}

# has STATUS FIELD VALUE: does every thread of the daemon have this?
has() {
	local values
	values=$(sed -n "s/^$2:\t//p" "$1" | sort -u)
	[[ $values == "$3" ]] || { echo "$2 is $values, not $3"; return 1; }
}

# Exactly net_admin (12), perfmon (38) and bpf (39), none of which is left to
# be taken up again; sys_admin (21) and setpcap (8) it has had.
capabilities() {
	local field threads=$WORK/threads
	inside sh -c "cat /proc/$(daemon)/task/*/status" >"$threads"
	(($(grep -c '^CapEff:' "$threads") > 1))
	for field in CapEff CapPrm CapBnd; do
		has "$threads" "$field" 000000c000001000
	done
	for field in CapInh CapAmb; do
		has "$threads" "$field" 0000000000000000
	done
	has "$threads" NoNewPrivs 1
	has "$threads" Seccomp 2
}

# Without CAP_SYS_ADMIN it starts where the kernel lets it have perf events;
# without any other it does not.
least() {
	local some
	inside systemctl stop cloakd
	for some in "CAP_NET_ADMIN CAP_PERFMON" "CAP_BPF CAP_PERFMON" \
		"CAP_BPF CAP_NET_ADMIN"; do
		override least CapabilityBoundingSet= \
			"CapabilityBoundingSet=$some" Restart=no
		not inside systemctl start cloakd
	done
	inside systemctl reset-failed cloakd
	override least CapabilityBoundingSet= \
		"CapabilityBoundingSet=CAP_BPF CAP_NET_ADMIN CAP_PERFMON"
	(($(</proc/sys/kernel/perf_event_paranoid) > 2)) ||
		inside systemctl start cloakd
	plain least
	inside systemctl restart cloakd
}

# told_of ADDRESS [COMMAND...]: a probe in that name is in the journal.
told_of() {
	local address=$1
	shift
	not "$@" ip netns exec "$(ns scanner)" \
		arping -c 1 -w 1 -S "$address" -I eth0 "$LAKE"
	wait_until 15 journal ".MESSAGE | startswith(\"$address \")"
}

# What it has opened with rights that it no longer has serves another data
# plane as well, and another recorder of evidence.
again() {
	local pid other=var/log/cloaklake/other
	pid=$(daemon)
	inside cloakctl off
	sees scanner
	inside cloakctl on
	hidden
	told_of 10.0.9.68
	policy
	printf '[evidence]\nfolder = "/%s"\n' "$other" \
		>>"$ROOT/etc/cloaklake/policy.toml"
	inside systemctl reload cloakd
	told_of 10.0.9.69
	wait_until 15 eval "compgen -G '$ROOT/$other/*.pcapng'"
	policy
	inside systemctl reload cloakd
	[[ $(daemon) == "$pid" ]]
}

# descriptors: as many as it may have, not only those that suit select(2). This
# container may not have what the unit asks for.
descriptors() {
	local soft hard
	read -r soft hard < <(inside cat "/proc/$(daemon)/limits" |
		sed -n 's/^Max open files *//p')
	echo "$soft of $hard"
	((soft > 1024 && soft == ${hard%% *}))
}

# What root with all capabilities could do among the mounts of the daemon.
confined() {
	local path
	for path in /etc /usr /var/log /var/lib; do
		not as_daemon touch "$path/x"
	done
	for path in /proc/sys/net/ipv4/ip_forward /sys/class/net/lo/mtu; do
		not as_daemon test -w "$path"
	done
	as_daemon touch /var/log/cloaklake/x /var/lib/cloaklake/x \
		/run/cloaklake/x
	as_daemon mkdir /sys/fs/bpf/x
	as_daemon rmdir /sys/fs/bpf/x
	as_daemon rm /var/log/cloaklake/x /var/lib/cloaklake/x \
		/run/cloaklake/x
}

# Of the daemon in the journal, with the urgency; and of its own files.
told() {
	in_ns scanner nmap -n -Pn --disable-arp-ping -sS -T5 -p 1-20 "$LAKE" \
		>"$WORK/nmap" &
	wait_until 15 journal ".MESSAGE | startswith(\"$SCANNER \")"
	wait $!
	journal '.PRIORITY == "6" and (.MESSAGE | startswith("cloak on"))'
	jq -e '.event_type' "$ROOT/var/log/cloaklake/eve.json"
	wait_until 10 eval "compgen -G '$ROOT/var/log/cloaklake/evidence/*.pcapng'"
}

# No warning but the alerts.
clean() {
	not journal ".PRIORITY <= \"4\" and
		(.MESSAGE | startswith(\"$SCANNER \") | not)"
}

reloads() {
	local pid
	pid=$(daemon)
	policy "$SCANNER"
	inside systemctl reload cloakd
	sees scanner
	echo 'mistake = 1' >>"$ROOT/etc/cloaklake/policy.toml"
	not inside systemctl reload cloakd
	journal '.MESSAGE | contains("mistake")'
	sees scanner
	policy
	inside systemctl reload cloakd
	hidden
	[[ $(property ActiveState) == active && $(daemon) == "$pid" ]]
}

# As at the next boot, some time after a mistake was made.
restarts_with_mistake() {
	echo 'mistake = 1' >>"$ROOT/etc/cloaklake/policy.toml"
	inside systemctl stop cloakd
	inside cloakctl off
	sees scanner
	inside systemctl start cloakd
	journal '.PRIORITY == "3" and
		(.MESSAGE | contains("in force is what was before"))'
	inside cloakctl status | grep '^mistake  .*policy.toml:7:1: peers.mistake = 1'
	hidden
	policy
	inside systemctl reload cloakd
	not eval "inside cloakctl status | grep '^mistake'"
	hidden
}

stopped() {
	inside systemctl stop cloakd
	[[ $(property ActiveState) == inactive && $(property Result) == success ]]
	hidden
	journal '.MESSAGE == "stopped; what is cloaked stays cloaked"'
}

stops() {
	pinging stopped
	inside systemctl start cloakd
	hidden
}

# anew PID: another one runs and is ready.
anew() {
	[[ $(daemon) != "$1" && $(property ActiveState) == active ]]
}

killed() {
	local pid
	pid=$(daemon)
	inside kill -KILL "$pid"
	wait_until 10 anew "$pid"
}

# on_trial: does a policy await confirmation?
on_trial() {
	inside cloakctl status --json | jq -e .confirmation
}

# Whom somebody has let in for a while a policy on trial leaves in, also when the
# daemon dies of it.
killed_on_trial() {
	inside cloakctl authorise "$SCANNER" --for 1h
	sed "s|^prefixes = .*|prefixes = [\"$PEER\", \"$SCANNER\"]|" \
		"$ROOT/etc/cloaklake/policy.toml" >"$ROOT/etc/cloaklake/open"
	inside cloakctl apply --confirm 10m /etc/cloaklake/open
	on_trial
	killed
	not on_trial
	sees scanner
	inside cloakctl status --json |
		jq -e ".authorised[0].peer == \"$SCANNER\""
	inside cloakctl revoke "$SCANNER"
	hidden
	inside cloakctl reload
}

# More often than systemd would put up with by default.
killed_again() {
	local i
	override often RestartSec=100ms
	for i in {1..7}; do
		killed
	done
	plain often
	(($(property NRestarts) >= 8))
	hidden
}

stuck() {
	local pid
	override hasty WatchdogSec=3s TimeoutAbortSec=1s
	inside systemctl restart cloakd
	pid=$(daemon)
	inside kill -STOP "$pid"
	wait_until 15 anew "$pid"
	inside journalctl -q -b -o cat | grep -i 'cloakd.*watchdog timeout'
	plain hasty
	inside systemctl restart cloakd
}

pins() { inside find /sys/fs/bpf/cloaklake | sort; }
all_pinned() { pins | diff - "$WORK/pins"; }

# The daemon has mounts of its own, in most of which it may not write: what
# becomes of the system's reaches it all the same.
mounted_anew() {
	local pid
	pid=$(daemon)
	pins >"$WORK/pins"
	not inside umount /sys/fs/bpf
	inside umount --lazy /sys/fs/bpf
	hidden
	inside mount -t bpf bpf /sys/fs/bpf
	wait_until 10 journal '.MESSAGE | contains("was mounted anew")'
	wait_until 10 all_pinned
	hidden
	[[ $(daemon) == "$pid" ]]
	inside systemctl restart cloakd
	hidden
}

lifted() {
	inside systemctl stop cloakd
	inside cloakctl off
	sees scanner
	not inside test -e /sys/fs/bpf/cloaklake
}

cloak_lab
machine
policy
boot
ktap_run "systemd is told when the host is hidden" ready
ktap_run "before the network is configured" early
ktap_run "as root with three capabilities" capabilities
ktap_run "with a descriptor for each CPU and more" descriptors
ktap_run "it can write to its own folders only" confined
ktap_run "the journal has its log and the alerts" told
ktap_run "nothing that it needs was refused" clean
ktap_run "reload, with and without a mistake" reloads
ktap_run "systemd is told of what has changed" follows
ktap_run "it names what is not cloaked" names_uncloaked
ktap_run "also started with one it hides the host" restarts_with_mistake
ktap_run "off and on, with what was opened at the start" again
ktap_run "stopped, the cloak stays" stops
ktap_run "restarted, the cloak stays" pinging inside systemctl restart cloakd
ktap_run "killed, it is started again" pinging killed
ktap_run "killed on trial, who was let in stays in" killed_on_trial
ktap_run "however often" killed_again
ktap_run "stuck, it is killed and started again" pinging stuck
ktap_run "with fewer it starts if they suffice" least
ktap_run "its BPF file system mounted anew, the cloak stays" \
	pinging mounted_anew
ktap_run "cloakctl off lifts the cloak" lifted
