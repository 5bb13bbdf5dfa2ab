# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A container with a systemd of its own: this machine's files below an overlay,
# so that nothing of what is done to them lasts, the lake for its network, and
# WORK/bpf for its BPF file system.
#
# Needs ktap.sh, wait.sh, netns.sh and cloakd.sh. To be sourced.

# container_files [UNIT...]: the files of the container, ROOT, without a cloak.
# Of units systemd will begin these, and what they need.
container_files() {
	local over=$WORK/over
	ROOT=$WORK/root
	mkdir "$over" "$ROOT"
	mount -t tmpfs tmpfs "$over"
	defer umount "$over"
	mkdir "$over/upper" "$over/work"
	mount -t overlay overlay "$ROOT" -o \
		"lowerdir=/,upperdir=$over/upper,workdir=$over/work"
	defer umount "$ROOT"
	# What "make install" may have put here.
	DESTDIR=$ROOT "$TOP/scripts/install.sh" uninstall --part cloak >/dev/null
	rm -rf "$ROOT/etc/systemd/system" "$ROOT/etc/cloaklake" \
		"$ROOT/var/log/cloaklake" "$ROOT/var/lib/cloaklake"
	: >"$ROOT/etc/fstab"
	mkdir "$ROOT/etc/systemd/system"
	cat >"$ROOT/etc/systemd/system/lab.target" <<-EOF
		[Unit]
		Requires=sysinit.target
		After=sysinit.target
		Wants=$*
	EOF
}

# container_boot: systemd begins.
container_boot() {
	local name=cl$$-lake
	systemd-nspawn --quiet --register=no --keep-unit --boot \
		--machine="$name" --directory="$ROOT" --link-journal=no \
		--network-namespace-path="/run/netns/$(ns lake)" \
		--capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN \
		--system-call-filter="bpf perf_event_open" \
		--bind="$WORK/bpf:/sys/fs/bpf" --console=pipe \
		-- --unit=lab.target </dev/null >"$WORK/console" 2>&1 &
	NSPAWN=$!
	defer rmdir "/run/systemd/nspawn/propagate/$name"
	wait_until 10 pgrep -P "$NSPAWN"
	LEADER=$(pgrep -P "$NSPAWN")
	defer container_halt
	wait_until 60 inside systemctl is-active lab.target || {
		tail -n 20 "$WORK/console"
		return 1
	}
}

container_halt() {
	kill -KILL "$LEADER"
	wait "$NSPAWN" 2>/dev/null || true
}

# inside COMMAND...: in the container, which has no other programs than those
# that are installed.
inside() {
	nsenter -t "$LEADER" -m -u -i -n -p -C -- env \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"$@"
}

# property NAME: of the unit cloakd.service, as systemd has it.
property() { inside systemctl show --value -p "$1" cloakd; }

# daemon: its process, as the container numbers it.
daemon() { property MainPID; }
