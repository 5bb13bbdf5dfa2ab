#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Init of the guest once its root file system is there: runs the command that
# scripts/vm.sh left in RUN, hands the exit status out over a virtio port, and
# powers off.
#
# usage (by selftests/vm/init): guest.sh RUN
set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8

run=$1
# shellcheck disable=SC1091 # written by scripts/vm.sh
. "$run/settings"
declare -A port

# find_ports: fills port[NAME] with the devices of the virtio ports.
find_ports() {
	local dir name
	for dir in /sys/class/virtio-ports/*; do
		read -r name <"$dir/name" || continue
		port[${name#cloak.}]=/dev/${dir##*/}
	done
}

# install_modules FOLDER: lays updates/ and the indices of depmod over the
# modules of the running kernel, so that modprobe finds ours.
install_modules() {
	local here=/lib/modules/$RELEASE
	mkdir -p "$here/updates"
	cp "$1"/updates/*.ko "$here/updates/"
	cp "$1"/modules.* "$here/"
}

# What udev is to know of: disks. All that it would ask about anything else
# takes a guest without KVM a fifth of its time.
udev_rules=(50-udev-default 60-block 60-persistent-storage)

# start_udev: in the background; who needs a link in /dev/disk waits for it.
start_udev() {
	local dir=/usr/lib/udev/rules.d rule
	mkdir -p /run/udev/all
	mount --bind "$dir" /run/udev/all
	mount -t tmpfs -o mode=755 tmpfs "$dir"
	for rule in "${udev_rules[@]}"; do
		cp "/run/udev/all/$rule.rules" "$dir/"
	done
	umount /run/udev/all
	/lib/systemd/systemd-udevd --daemon --resolve-names=never 2>/dev/null
	[[ ! -e /dev/vda ]] ||
		udevadm trigger --action=add --subsystem-match=block
}

# run_command: on the terminal or with its output to the virtio ports.
run_command() {
	if [[ $INTERACTIVE == yes ]]; then
		stty -F /dev/hvc0 rows "$ROWS" cols "$COLS"
		setsid --ctty --wait bash "$run/command" \
			</dev/hvc0 >/dev/hvc0 2>&1
	else
		bash "$run/command" \
			</dev/null >"${port[out]}" 2>"${port[err]}"
	fi
}

find_ports
[[ -z $MODULE_ROOT ]] || ln -sfn "$MODULE_ROOT" "/lib/modules/$RELEASE"
[[ -z $MODULE_OVERRIDE ]] || install_modules "$MODULE_OVERRIDE"
# A clock that counts instructions goes on while the machine reads a disk.
[[ $QUIET == no ]] || echo 0 >/proc/sys/kernel/hung_task_timeout_secs
start_udev &
run_command
status=$?
[[ $QUIET == no ]] || dmesg >"${port[kmsg]}"
echo "$status" >"${port[status]}"
exec busybox poweroff -f
