#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Init of the guest, on the overlay of the machine's root file system: sets
# the system up, runs the command that scripts/vm.sh left in its run folder,
# hands its exit status out over a virtio port, and powers off.
#
# Kernel command line: cloak.top=TREE cloak.run=RUN-FOLDER
set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8

# word NAME: value of cloak.NAME on the kernel command line.
word() { grep -o "cloak\.$1=[^ ]*" /proc/cmdline | cut -d= -f2-; }

top=$(word top)
run=$(word run)

# fresh FOLDER: an empty tmpfs there, through which the tree stays visible.
fresh() {
	local keep=/mnt/.cloak-tree
	if [[ $top/ == "$1"/* ]]; then
		mkdir -p "$keep"
		mount --bind "$top" "$keep"
		mount -t tmpfs -o mode=1777 tmpfs "$1"
		mkdir -p "$top"
		mount --move "$keep" "$top"
	else
		mount -t tmpfs -o mode=1777 tmpfs "$1"
	fi
}

mount_all() {
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn fd/0 /dev/stdin
	ln -sfn fd/1 /dev/stdout
	ln -sfn fd/2 /dev/stderr
	mkdir -p /dev/pts /dev/shm /run
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	fresh /tmp
	fresh /run
	mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t bpf bpf /sys/fs/bpf
	modprobe -q configfs
	mount -t configfs configfs /sys/kernel/config
}

# install_modules FOLDER: puts a tree of modules (updates/ and the indices of
# depmod) over that of the running kernel, so that modprobe finds ours.
install_modules() {
	local here
	here=/lib/modules/$(uname -r)
	mkdir -p "$here/updates"
	cp "$1"/updates/*.ko "$here/updates/"
	cp "$1"/modules.* "$here/"
}

start_udev() {
	mkdir -p /run/udev
	/lib/systemd/systemd-udevd --daemon --resolve-names=never
	udevadm trigger --action=add --subsystem-match=block \
		--subsystem-match=virtio-ports
	udevadm settle --timeout=30
}

setup() {
	mount_all
	hostname cloak-guest
	ip link set lo up
	sysctl -q -w kernel.hung_task_timeout_secs=60 \
		kernel.watchdog_thresh=30 2>/dev/null
	# shellcheck disable=SC1091 # written by scripts/vm.sh
	. "$run/settings"
	[[ -z $MODULE_ROOT ]] || {
		mkdir -p /lib/modules
		ln -sfn "$MODULE_ROOT" "/lib/modules/$(uname -r)"
	}
	[[ -z $MODULE_OVERRIDE ]] || install_modules "$MODULE_OVERRIDE"
	modprobe -qa virtio_console virtio_blk
	start_udev
}

# port NAME: device of a virtio port.
port() { printf '/dev/virtio-ports/cloak.%s' "$1"; }

setup
status=0
if [[ $INTERACTIVE == yes ]]; then
	stty -F /dev/hvc0 rows "$ROWS" cols "$COLS"
	setsid --ctty --wait bash "$run/command" \
		</dev/hvc0 >/dev/hvc0 2>&1 || status=$?
else
	setsid --wait bash "$run/command" \
		</dev/null >"$(port out)" 2>"$(port err)" || status=$?
fi
sync
[[ $QUIET == no ]] || dmesg >"$(port kmsg)"
echo "$status" >"$(port status)"
echo o >/proc/sysrq-trigger
while :; do
	sleep 1
done
