# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The initiator's side: connecting, finding what came of it, and data that is
# verified. Needs wait.sh. To be sourced in a guest.

# nvme_connect NQN [ADDRESS [SERVICE [OPTION...]]]: connects and waits for the
# disk; options are those of nvme-cli.
nvme_connect() {
	nvme_connect_only "$@" && wait_until 20 nvme_device "$1"
}

# nvme_connect_only: the same without waiting for a disk.
nvme_connect_only() {
	within 60 nvme connect -t tcp -n "$1" -a "${2:-127.0.0.1}" \
		-s "${3:-4420}" "${@:4}"
}

nvme_disconnect() { within 60 nvme disconnect -n "$1"; }

# nvme_subsystem NQN: its folder in sysfs.
nvme_subsystem() {
	local dir
	for dir in /sys/class/nvme-subsystem/*; do
		says "$dir/subsysnqn" "$1" || continue
		printf '%s\n' "$dir"
		return
	done
	return 1
}

# nvme_device NQN [NSID]: its block device, as /dev/nvme0n1.
nvme_device() {
	local dir sub
	sub=$(nvme_subsystem "$1") || return
	for dir in "$sub"/nvme*n* "$sub"/nvme*/nvme*n*; do
		[[ ${dir##*/} =~ ^nvme[0-9]+n[0-9]+$ ]] || continue
		says "$dir/nsid" "${2:-1}" || continue
		[[ -b /dev/${dir##*/} ]] || continue
		! says "$dir/size" 0 || continue
		printf '/dev/%s\n' "${dir##*/}"
		return
	done
	return 1
}

# nvme_controllers NQN: folders in sysfs of its controllers.
nvme_controllers() {
	local dir
	for dir in /sys/class/nvme/nvme*; do
		! says "$dir/subsysnqn" "$1" || printf '%s\n' "$dir"
	done
	return 0
}

# nvme_state NQN: state of its first controller: live, connecting, ...
nvme_state() {
	local dir
	dir=$(nvme_controllers "$1" | head -n 1)
	[[ -n $dir ]] && cat "$dir/state"
}

# nvme_is STATE NQN, for wait_until.
nvme_is() { [[ $(nvme_state "$2") == "$1" ]]; }

# fio_run DEVICE OPTION...: fio with defaults fit for a small guest. Options
# behind a --name are for that job only.
fio_run() {
	local dev=$1
	shift
	fio --filename="$dev" --direct=1 --ioengine=io_uring --randrepeat=1 \
		--output-format=terse --terse-version=3 --output=/dev/null "$@"
}

# fio_job DEVICE [OPTION...]: one job.
fio_job() { fio_run "$1" --name=job "${@:2}"; }

# What to write with, so that it is read back and compared.
fio_verified=(--rw=randwrite --iodepth=16 --verify=crc32c --verify_fatal=1
	--do_verify=1)

# fio_verify DEVICE [OPTION...]: writes, then reads back and compares.
fio_verify() {
	fio_job "$1" "${fio_verified[@]}" --bs=4k --size=8m "${@:2}"
}

# slow_kernel: one with memory checkers, where an I/O takes milliseconds.
slow_kernel() { [[ -e /sys/kernel/debug/kmemleak ]]; }

# fio_blocks DEVICE SIZE...: verified I/O at each of these block sizes, one
# after the other, with a number of I/Os that a guest without KVM does in
# seconds.
fio_blocks() {
	local dev=$1 bs bytes ios=1024 total jobs=()
	shift
	! slow_kernel || ios=128
	for bs in "$@"; do
		bytes=$(numfmt --from=iec "${bs^^}")
		total=$((bytes * ios))
		((total <= 8 << 20)) || total=$((8 << 20))
		echo "block size $bs, $((total / bytes)) I/Os"
		jobs+=(--name="blocks-of-$bs" --bs="$bs" --size="$total"
			--stonewall)
	done
	fio_run "$dev" "${fio_verified[@]}" "${jobs[@]}"
}

# priority_counted sport|dport PRIORITY COMMAND...: packets from or to port 4420
# that have that priority while the command runs.
priority_counted() {
	nft add table inet seen
	nft add chain inet seen out '{ type filter hook output priority 0; }'
	nft add rule inet seen out tcp "$1" 4420 meta priority "0:$2" counter
	"${@:3}" >/dev/null
	nft list table inet seen | awk '/counter packets/ {
		sub(/.*packets /, ""); print $1 }'
	nft delete table inet seen
}
