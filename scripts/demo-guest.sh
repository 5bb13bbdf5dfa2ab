#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make demo, the half that runs in the guest: a data lake host, an authorised
# initiator and a scanner on one network.
#
#   ┌─ initiator ──┐  ┌─ lake ───────┐  ┌─ scanner ────┐
#   │ 10.77.0.2    │  │ 10.77.0.1    │  │ 10.77.0.66   │
#   └──────┬───────┘  └──────┬───────┘  └──────┬───────┘
#          └─────────────────┴─ bridge ────────┘
#
# Every command is printed before it runs. The first thing that is not as it
# should be ends the demo with a sentence and status 1.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
PATH=$top/build/xdp:$PATH
work=/run/cloaklake-demo
lake=10.77.0.1
initiator=10.77.0.2
scanner=10.77.0.66
port=11345
nqn=ramdisk
seen=()

mkdir -p "$work"

# ---- telling -------------------------------------------------------------

chapter() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
	printf '\nDEMO FAILED: %s\n' "$*" >&2
	exit 1
}
saw() {
	printf '   -> %s\n' "$*"
	seen+=("$*")
}
# Print a command, then run it.
show() {
	printf '$ %s\n' "$*"
	"$@"
}
# The same in the network namespace of one of the three hosts. Only the
# network is another one: configfs, /dev and the file systems stay.
on() {
	local host=$1
	shift
	printf '%s# %s\n' "$host" "$*"
	nsenter --net="/run/netns/$host" "$@"
}
wait_for() {
	local seconds=$1 what=$2 end
	shift 2
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "$what did not happen within $seconds s"
		sleep 0.1
	done
}

# ---- the network ---------------------------------------------------------

add_host() {
	local name=$1 address=$2
	ip netns add "$name"
	ip link add "$name" type veth peer name eth0 netns "$name"
	ip link set "$name" master lan up
	ip -n "$name" address add "$address/24" dev eth0
	ip -n "$name" link set eth0 up
	ip -n "$name" link set lo up
}

network() {
	chapter "Three hosts on one network"
	ip link add lan type bridge
	ip link set lan up
	add_host lake "$lake"
	add_host initiator "$initiator"
	add_host scanner "$scanner"
	show ip netns list
}

# ---- 1. the recipe that users know ---------------------------------------

target() {
	local cfg=/sys/kernel/config/nvmet
	local subsys=$cfg/subsystems/$nqn p=$cfg/ports/1

	chapter "The target: a RAM disk behind nvmet_tcp"
	show modprobe brd rd_nr=1 rd_size=$((640 * 1024))
	show modprobe nvmet_tcp
	show mkdir "$subsys"
	write 1 "$subsys/attr_allow_any_host"
	show mkdir "$subsys/namespaces/1"
	write /dev/ram0 "$subsys/namespaces/1/device_path"
	write 1 "$subsys/namespaces/1/enable"
	show mkdir "$p"
	write "$lake" "$p/addr_traddr"
	write tcp "$p/addr_trtype"
	write $port "$p/addr_trsvcid"
	write ipv4 "$p/addr_adrfam"
	on lake ln -s "$subsys" "$p/subsystems/$nqn"
}
write() {
	printf '$ echo %s > %s\n' "$1" "$2"
	printf '%s' "$1" >"$2"
}

# Prints the block device of the connected subsystem.
lake_disk() {
	local ns
	for ns in /sys/class/nvme-subsystem/*/nvme*n*; do
		[[ -e $ns ]] || continue
		[[ $(<"$(dirname "$ns")/subsysnqn") == "$nqn" ]] || continue
		[[ -b /dev/${ns##*/} ]] || continue
		echo "/dev/${ns##*/}"
		return 0
	done
	return 1
}

connect() {
	chapter "The initiator: nvme connect"
	show modprobe nvme_tcp
	module_is_ours nvme_tcp
	module_is_ours nvmet_tcp
	on initiator nvme connect -t tcp -a $lake -s $port -n $nqn
	wait_for 20 "the disk" lake_disk
	disk=$(lake_disk)
	show udevadm settle
	show lsblk "$disk"
	saw "nvme connect: $disk is there, $(blockdev --getsize64 "$disk") bytes"
}
module_is_ours() {
	local path
	path=$(modinfo -n "$1")
	[[ $path == */updates/* ]] ||
		fail "$1 was loaded from $path, not from this build"
}

# ---- 2. real data --------------------------------------------------------

data() {
	local source=/usr/src/linux-source-6.12.tar.xz

	chapter "A file system and a real data set"
	show mkfs.ext4 -q "$disk"
	mkdir -p "$work/mnt"
	show mount "$disk" "$work/mnt"
	show cp "$source" "$work/mnt/dataset.tar.xz"
	show sync
	sum=$(sha256sum <"$source")
	again || fail "the data set came back changed"
	saw "data set of $(stat -c %s "$source") bytes copied, sha256 equal"

	show fio --name=figures --filename="$work/mnt/fio" --size=64m \
		--rw=randrw --bs=4k --iodepth=32 --ioengine=io_uring --direct=1 \
		--runtime=5 --time_based --output-format=json \
		--output="$work/figures.json"
	saw "fio 4k randrw, depth 32: $(figure read) read and" \
		"$(figure write) write IOPS (emulated CPU)"
}
# Is the data set on the lake still what it was? Read past the page cache.
again() {
	echo 3 >/proc/sys/vm/drop_caches
	[[ $(sha256sum <"$work/mnt/dataset.tar.xz") == "$sum" ]]
}
figure() { jq -r ".jobs[0].$1.iops | floor" "$work/figures.json"; }

background_io() {
	chapter "The initiator keeps doing I/O from here on"
	local job=(fio --name=always --filename="$work/mnt/always" --size=48m
		--rw=randrw --bs=16k --iodepth=8 --ioengine=io_uring --direct=1
		--verify=crc32c --verify_backlog=64 --time_based --runtime=3600
		--output="$work/always.log")
	printf '$ %s &\n' "${job[*]}"
	"${job[@]}" &
	fio_pid=$!
	reconnects_before=$(reconnects)
	wait_for 20 "background I/O" io_moves
}
io_moves() {
	local before
	before=$(commands_done)
	sleep 0.3
	(($(commands_done) > before))
}
# Of the I/O queues; statistics of the disk are not kept by every kernel where
# it may have several paths.
commands_done() {
	awk '$1 == "rx_completed" { n += $2 } END { print n + 0 }' \
		/sys/kernel/debug/nvme_tcp/*/queue[1-9]*/stats
}
# The kernel says so for every reconnect and every failed request.
reconnects() {
	dmesg | grep -cE 'reconnect|I/O error|error recovery' || true
}

# ---- 3. the scanner, without and with the cloak --------------------------

bare() {
	chapter "The scanner, before the cloak"
	on scanner nmap -n -p "$port,22" -sS --max-retries 1 "$lake" |
		tee "$work/bare"
	grep -q 'Host is up' "$work/bare" ||
		fail "nmap does not see a host without a cloak: a broken test"
	grep -q "^$port/tcp *open" "$work/bare" ||
		fail "nmap does not see port $port without a cloak"
	saw "without the cloak nmap finds the host and port $port open"
}

policy() {
	cat >"$work/policy.toml" <<-EOF
		[[interface]]
		name = "eth0"
		mode = "all"

		[[peers]]
		name = "initiators"
		prefixes = ["$initiator"]

		[output]
		eve = "$work/eve.json"
	EOF
	show cat "$work/policy.toml"
}

cloak_on() {
	chapter "Cloak on"
	policy
	local daemon=(cloakd --policy "$work/policy.toml"
		--socket "$work/control.sock")
	printf 'lake# %s &\n' "${daemon[*]}"
	nsenter --net=/run/netns/lake "${daemon[@]}" >"$work/cloakd.log" 2>&1 &
	cloakd_pid=$!
	wait_for 20 "the cloak" ctl status
	show ctl status
	# The neighbour entries of before are no secret any more: forget them.
	on scanner ip neigh flush dev eth0
}
ctl() { nsenter --net=/run/netns/lake cloakctl --socket "$work/control.sock" "$@"; }

# nmap with the given scan must not get a single answer: no latency (-Pn makes
# it claim "Host is up." without one) and no state that takes an answer.
finds_nothing() {
	local name=$1
	shift
	on scanner nmap -n --max-retries 1 --host-timeout 40s "$@" "$lake" \
		>"$work/nmap" 2>&1 || true
	sed 's/^/   | /' "$work/nmap"
	if grep -qE 'Host is up \(|/(tcp|udp) +(open|closed|unfiltered) ' \
		"$work/nmap"; then
		fail "$name found the cloaked host"
	fi
	saw "$name finds nothing"
}

# The alert carries the time of the probe, the file that of its writing.
first_alert() {
	local probed written late

	[[ ! -s $work/eve.json ]] || fail "an alert before the first probe"
	on scanner arping -c 1 -w 1 -I eth0 "$lake" >"$work/arping" 2>&1 || true
	grep -q 'Received 1' "$work/arping" && fail "arping got an answer"
	wait_for 5 "the first alert" test -s "$work/eve.json"
	written=$(date -d "$(stat -c %y "$work/eve.json")" +%s%N)
	probed=$(jq -rs 'map(select(.event_type == "alert"))[0].timestamp' \
		"$work/eve.json")
	probed=$(date -d "$probed" +%s%N)
	late=$(((written - probed) / 1000000))
	((late < 1000)) || fail "the first alert came $late ms after the probe"
	saw "first alert $late ms after the first probe"
}

cloaked() {
	chapter "The scanner, with the cloak"
	first_alert
	finds_nothing "ARP scan" -sn -PR
	# From here on the scanner pretends to know the address already.
	on scanner ip neigh replace "$lake" dev eth0 \
		lladdr "$(ip netns exec lake cat /sys/class/net/eth0/address)"
	finds_nothing "ping scan" -sn -PE --disable-arp-ping
	local ports="-p 22,80,445,$port"
	# shellcheck disable=SC2086 # the ports are two words
	for scan in "SYN scan:-sS" "UDP scan:-sU" "FIN scan:-sF" \
		"NULL scan:-sN" "XMAS scan:-sX"; do
		finds_nothing "${scan%%:*}" "${scan##*:}" $ports -Pn \
			--disable-arp-ping
	done
}

alerts() {
	chapter "What the lake's administrator sees"
	show ctl alerts
	local kind
	for kind in arp ping syn udp fin null xmas; do
		jq -es --arg k "$kind" --arg s "$scanner" 'any(
			.event_type == "alert" and .src_ip == $s and
			(.cloak.kind | ascii_downcase | contains($k)))' \
			"$work/eve.json" >/dev/null ||
			fail "no alert names $scanner and $kind"
	done
	saw "alerts name $scanner and each kind of scan:" \
		"ARP, ping, SYN, UDP, FIN, NULL, XMAS"
	if jq -es --arg i "$initiator" 'any(.src_ip == $i)' "$work/eve.json" \
		>/dev/null; then
		fail "the authorised initiator raised an alert"
	fi
	show ctl drops
}

# ---- 4. all the while ----------------------------------------------------

untouched() {
	chapter "The initiator, all the while"
	kill -0 "$fio_pid" 2>/dev/null || {
		cat "$work/always.log"
		fail "the background I/O ended by itself"
	}
	io_moves || fail "the background I/O stands still"
	kill -TERM "$fio_pid"
	wait "$fio_pid" || true # what counts is the err= of its report
	grep -q 'err= *0' "$work/always.log" ||
		fail "fio did not report: $(tail -n 3 "$work/always.log")"
	grep -E 'err= *[1-9]|verify: bad|verify failed' "$work/always.log" &&
		fail "fio saw an error"
	grep -E 'IOPS=' "$work/always.log"
	(($(reconnects) == reconnects_before)) ||
		fail "the initiator had to reconnect"
	again || fail "the data set changed"
	saw "initiator: no error, no reconnect, sha256 still equal"
}

teardown() {
	chapter "Everything down again"
	show ctl off
	kill "$cloakd_pid" 2>/dev/null || true
	show umount "$work/mnt"
	show nvme disconnect -n "$nqn"
	show rm "/sys/kernel/config/nvmet/ports/1/subsystems/$nqn"
	show rmdir /sys/kernel/config/nvmet/ports/1
	show rmdir "/sys/kernel/config/nvmet/subsystems/$nqn/namespaces/1"
	show rmdir "/sys/kernel/config/nvmet/subsystems/$nqn"
	show modprobe -r nvme_tcp
	show modprobe -r nvmet_tcp
}

summary() {
	chapter "Seen in this demo, kernel $(uname -r)"
	printf ' * %s\n' "${seen[@]}"
}

network
target
connect
data
bare
background_io
cloak_on
cloaked
alerts
untouched
teardown
summary
