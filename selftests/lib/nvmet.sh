# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An NVMe target by configfs. To be sourced in a guest.

NVMET=/sys/kernel/config/nvmet

# nvmet_subsys NQN: a subsystem that any host may use.
nvmet_subsys() {
	modprobe nvmet
	mkdir -p "$NVMET/subsystems/$1"
	echo 1 >"$NVMET/subsystems/$1/attr_allow_any_host"
}

# nvmet_ns NQN NSID DEVICE: adds a namespace and enables it.
nvmet_ns() {
	local dir=$NVMET/subsystems/$1/namespaces/$2
	mkdir -p "$dir"
	echo -n "$3" >"$dir/device_path"
	echo 1 >"$dir/enable"
}

# nvmet_port ID [ADDRESS [SERVICE [ATTRIBUTE=VALUE...]]]: a TCP port; it listens
# once a subsystem is linked to it.
nvmet_port() {
	local id=$1 addr=${2:-127.0.0.1} svc=${3:-4420} family=ipv4 pair
	local dir=$NVMET/ports/$id
	[[ $addr != *:* ]] || family=ipv6
	mkdir -p "$dir"
	echo tcp >"$dir/addr_trtype"
	echo "$family" >"$dir/addr_adrfam"
	echo "$addr" >"$dir/addr_traddr"
	echo "$svc" >"$dir/addr_trsvcid"
	for pair in "${@:4}"; do
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
}

# nvmet_link ID NQN, nvmet_unlink ID NQN: publishes the subsystem on the port.
nvmet_link() {
	ln -s "$NVMET/subsystems/$2" "$NVMET/ports/$1/subsystems/$2"
}

nvmet_unlink() { rm "$NVMET/ports/$1/subsystems/$2"; }

# nvmet_setup NQN DEVICE [ADDRESS [SERVICE [ATTRIBUTE=VALUE...]]]: all of it,
# with namespace 1 and port 1.
nvmet_setup() {
	nvmet_subsys "$1"
	nvmet_ns "$1" 1 "$2"
	nvmet_port 1 "${@:3}"
	nvmet_link 1 "$1"
}

# nvmet_secrets NQN HOSTNQN SECRET [SECRET]: no other host may use the subsystem;
# it has to know the first secret, the subsystem knows the second.
nvmet_secrets() {
	local dir=$NVMET/hosts/$2
	echo 0 >"$NVMET/subsystems/$1/attr_allow_any_host"
	ln -sfn "$dir" "$NVMET/subsystems/$1/allowed_hosts/$2"
	echo "$3" >"$dir/dhchap_key"
	echo "${4:-}" >"$dir/dhchap_ctrl_key"
}

# nvmet_authenticates NAME HOSTNQN COMMAND...: a subtest that needs secrets, of a
# host that this makes.
nvmet_authenticates() {
	mkdir "$NVMET/hosts/$2"
	if [[ -e $NVMET/hosts/$2/dhchap_key ]]; then
		ktap_run "$1" "${@:3}"
	else
		ktap_skip "$1" "this kernel has no authentication"
	fi
}

# nvmet_clear: removes every port, namespace, subsystem and host.
nvmet_clear() {
	local x
	for x in "$NVMET"/ports/*/subsystems/* "$NVMET"/ports/*/referrals/*; do
		[[ ! -L $x ]] || rm "$x"
		[[ ! -d $x ]] || rmdir "$x"
	done
	for x in "$NVMET"/ports/*; do
		[[ ! -d $x ]] || rmdir "$x"
	done
	for x in "$NVMET"/subsystems/*/namespaces/*; do
		[[ ! -d $x ]] || rmdir "$x"
	done
	for x in "$NVMET"/subsystems/*/allowed_hosts/*; do
		[[ ! -L $x ]] || rm "$x"
	done
	for x in "$NVMET"/subsystems/* "$NVMET"/hosts/*; do
		[[ ! -d $x ]] || rmdir "$x"
	done
}

# ram_disk MIB: /dev/ram0 of that size.
ram_disk() {
	modprobe brd rd_nr=1 rd_size=$(($1 * 1024)) max_part=0
}

# null_disk MIB: /dev/nullb0 that keeps its data in memory.
null_disk() {
	modprobe null_blk nr_devices=0
	local dir=/sys/kernel/config/nullb/nullb0
	mkdir "$dir"
	echo "$1" >"$dir/size"
	echo 1 >"$dir/memory_backed"
	echo 1 >"$dir/power"
}

# zoned_disk ZONES: /dev/nullb1, after null_disk, with so many zones of 1 MiB.
zoned_disk() {
	local dir=/sys/kernel/config/nullb/nullb1
	mkdir "$dir"
	echo "$1" >"$dir/size"
	echo 1 >"$dir/zone_size"
	echo 1 >"$dir/zoned"
	echo 1 >"$dir/power"
}
