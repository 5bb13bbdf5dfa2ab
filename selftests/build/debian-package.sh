#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The package of the cloak builds, and in a container with systemd it is
# installed, gives way to a later one while the cloak is on, does not leave a
# cloak that is on, and goes without a trace. The later one has another daemon
# (xdp/tests/probe/next.bpf.c) and another sample policy. While packages come
# and go a stranger goes on asking, with a look at every frame that leaves the
# host, and the peer is served.
#
# where: host
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
. "$KTAP_LIB/wire.sh"
. "$KTAP_LIB/container.sh"
ktap_need_commands apt-get arping dh dpkg-buildpackage hping3 jq socat \
	systemd-nspawn tcpdump

# later: the package with a higher version and another daemon, in WORK/later.
later() {
	local files=$WORK/later
	dpkg-deb --raw-extract "$deb" "$files"
	sed -i 's/^Version: .*/&+later/' "$files/DEBIAN/control"
	install --strip -m 755 "$TOP/build/xdp/next/cloakd" \
		"$files/usr/sbin/cloakd"
	echo '# Of a later release.' >>"$files/etc/cloaklake/policy.toml"
	(cd "$files" && sed 's/^[^ ]*  //' DEBIAN/md5sums |
		xargs md5sum) >"$WORK/md5sums"
	mv "$WORK/md5sums" "$files/DEBIAN/"
	dpkg-deb -Znone --build "$files" "$ROOT/root/later.deb"
}

# machine: a container in which services may be started. The index of manual
# pages, of which the package has two, takes longer than all else.
machine() {
	container_files
	rm -f "$ROOT/usr/sbin/policy-rc.d" "$ROOT/var/lib/man-db/auto-update"
	rm -rf "$ROOT"/var/lib/apt/lists/*
	cp "$deb" "$ROOT/root/this.deb"
	later
	container_boot
}

# apt COMMAND ARGUMENT...: with the answer that is the default of dpkg where
# somebody has edited a file.
apt() {
	inside env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y \
		-o Dpkg::Options::=--force-confold \
		-o Dpkg::Options::=--force-unsafe-io "$@" </dev/null 2>&1
}

version_is() {
	# shellcheck disable=SC2016 # for dpkg-query
	[[ $(inside dpkg-query -W -f '${Version} ${db:Status-Status}' \
		cloaklake) == "$1 installed" ]]
}

active() { [[ $(property ActiveState) == active ]]; }
enabled() { inside systemctl is-enabled cloakd; }

# installed: all of it, and nobody is locked out by a sample.
installed() {
	apt install /root/this.deb
	version_is "$version"
	[[ $(inside which cloakd cloakctl) == /usr/sbin/cloakd*/cloakctl ]]
	inside getent group cloaklake
	inside test -s "$(inside man -w 8 cloakd)"
	inside cloakctl check /etc/cloaklake/policy.toml
	inside test -s /etc/logrotate.d/cloaklake
	not active
	not enabled
	sees scanner
}

# edited: what an administrator makes of the two files.
edited() {
	{
		policy native /var/log/cloaklake/eve.json
		cat <<-EOF
			[[table]]
			address = "$LAKE"
			default = "drop"
			rule = [
			{name = "out", direction = "out", verdict = "allow"},
			{name = "ping", protocol = "icmp", counter = "pings", verdict = "allow"},
			{name = "echo", protocol = "tcp", destination_port = $PORT, verdict = "allow"}]
		EOF
	} >"$WORK/policy.toml"
	# Not by another file, for it is not for everybody to read.
	cat "$WORK/policy.toml" >"$ROOT/etc/cloaklake/policy.toml"
	sed -i 's/weekly/daily/' "$ROOT/etc/logrotate.d/cloaklake"
	mkdir "$ROOT/etc/cloaklake/policy.d"
	echo '# Nothing yet.' >"$ROOT/etc/cloaklake/policy.d/own.toml"
}

kept() {
	diff "$WORK/policy.toml" "$ROOT/etc/cloaklake/policy.toml"
	[[ $(stat -c %a "$ROOT/etc/cloaklake/policy.toml") == 640 ]]
	grep daily "$ROOT/etc/logrotate.d/cloaklake"
}

begun() {
	inside systemctl enable --now cloakd
	active
	hidden
}

shadowed() {
	inside cloakctl shadow list --json |
		jq -e "any(.[]; .source == \"$SCANNER\")"
}

authorised() {
	inside cloakctl status --json |
		jq -e 'any(.authorised[]; .peer == "192.0.2.77")'
}

pings() {
	inside cloakctl counters --json |
		jq '.[] | select(.name == "pings").packets'
}

# remembers: what is not in the policy.
remembers() {
	wait_until 10 shadowed
	inside cloakctl authorise 192.0.2.77 --for 1h
	authorised
	(($(pings) > 0))
}

# asked COMMAND...: meanwhile a stranger asks by ARP, by ping and for a
# connection; he knows the way.
asked() {
	local pids=() mac seconds=$((300 * ${CLOAK_SLOW:-1}))
	mac=$(in_ns lake cat /sys/class/net/eth0/address)
	in_ns scanner ip neigh replace "$LAKE" dev eth0 nud permanent \
		lladdr "$mac"
	ip netns exec "$(ns scanner)" arping -q -W 0.01 \
		-c "$((seconds * 100))" -i eth0 "$LAKE" >"$WORK/arping" 2>&1 &
	pids+=($!)
	ip netns exec "$(ns scanner)" ping -n -q -i 0.01 -w "$seconds" "$LAKE" \
		>"$WORK/stranger" 2>&1 &
	pids+=($!)
	ip netns exec "$(ns scanner)" hping3 -q -S -p "$PORT" -i u10000 \
		-c "$((seconds * 100))" "$LAKE" >"$WORK/hping" 2>&1 &
	pids+=($!)
	"$@"
	# Each of them until now.
	kill -INT "${pids[@]}"
	wait "${pids[@]}" || true
	in_ns scanner ip neigh del "$LAKE" dev eth0
	grep ' 0 received' "$WORK/stranger"
	grep ' 0 packets received' "$WORK/hping"
}

# streamed COMMAND...: one connection of the peer comes back line by line.
streamed() {
	local stream
	ip netns exec "$(ns peer)" /usr/bin/python3 - "$LAKE" "$PORT" \
		>"$WORK/stream" 2>&1 <<-'EOF' &
			import signal, socket, sys, time
			over = []
			signal.signal(signal.SIGTERM, lambda *_: over.append(True))
			with socket.create_connection(sys.argv[1:]) as stream:
			    stream.settimeout(10)
			    with stream.makefile("rwb") as both:
			        lines = 0
			        while not over or lines < 100:
			            both.write(b"%d\n" % lines)
			            both.flush()
			            said = both.readline()
			            if said != b"%d\n" % lines:
			                sys.exit(f"{said} instead of {lines}")
			            lines += 1
			            time.sleep(0.002)
			print(lines, "lines came back")
		EOF
	stream=$!
	"$@"
	kill -TERM "$stream"
	wait "$stream" || { cat "$WORK/stream"; return 1; }
	cat "$WORK/stream"
}

dropped() {
	inside cloakctl drops --json |
		jq '[.[] | select(.verdict == "drop").packets] | add'
}

tag() { in_ns lake ip -j -d link show eth0 | jq -r '.[0].xdp.prog.tag'; }

# running: the program of the daemon, as the kernel has it.
running() { inside sha256sum "/proc/$(daemon)/exe" | cut -d ' ' -f 1; }

# upgraded FILE VERSION: by that package; the daemon is the one of it, and goes
# on with what was there.
upgraded() {
	local pid tag drops pings
	pid=$(daemon) tag=$(tag) drops=$(dropped) pings=$(pings)
	apt install --allow-downgrades "/root/$1"
	version_is "$2"
	active
	enabled
	[[ $(daemon) != "$pid" && $(tag) != "$tag" ]]
	[[ $(running) == $(sha256sum <"$ROOT/usr/sbin/cloakd" |
		cut -d ' ' -f 1) ]]
	[[ $(property NeedDaemonReload) == no ]]
	(($(dropped) > drops && $(pings) > pings)) ||
		{ echo "the counters began anew"; return 1; }
	shadowed
	authorised
	kept
}

# Whoever has stopped it does not want it started.
stays_stopped() {
	inside systemctl stop cloakd
	apt install --reinstall /root/this.deb
	not active
	enabled
}

refused() {
	local pid
	pid=$(daemon)
	not apt "$1" cloaklake >"$WORK/apt"
	cat "$WORK/apt"
	grep "the cloak is on: lift it with 'cloakctl off' first" "$WORK/apt"
	version_is "$version"
	[[ $(daemon) == "$pid" ]]
	active
	enabled
	kept
}

removed() {
	local pid
	pid=$(daemon)
	inside cloakctl off
	active
	apt remove cloaklake
	not inside test -e "/proc/$pid"
	not active
	not inside which cloakd cloakctl
	not inside test -e /sys/fs/bpf/cloaklake
	not inside test -e /run/cloaklake
	kept
	[[ -s $ROOT/var/log/cloaklake/eve.json ]]
	sees scanner
}

# purged: nothing is left that has our name but what is the administrator's.
purged() {
	apt purge cloaklake
	# Not the folders on the way, nor what the overlay has in place of files
	# of this machine.
	(cd "$WORK/over/upper" && find . -ipath '*cloak*' \
		\( -type f -o -type l \)) >"$WORK/left"
	diff - "$WORK/left" <<<./etc/cloaklake/policy.d/own.toml
	[[ $(property LoadState) == not-found ]]
}

make -s -C "$TOP/xdp" O="$TOP/build/xdp" all "$TOP/build/xdp/next/cloakd"
ktap_run "builds" "$TOP/scripts/build-deb.sh" --reuse
version=$(sed -n 's/.*kVersion = "\(.*\)".*/\1/p' "$TOP/xdp/util/version.h")
deb=$TOP/build/packages/cloaklake_${version}_amd64.deb
ktap_run "has the version of the programs" test -s "$deb"

ktap_run "has a policy that not everybody can read" grep \
	'^-rw-r----- root/root .* ./etc/cloaklake/policy.toml$' \
	<(dpkg-deb --contents "$deb")

wire_lab
machine
ktap_run "is installed, and starts nothing" installed
edited
ktap_run "the administrator starts it" begun
capture "$WORK/wire"
ktap_run "it has something to remember" silent asked remembers
ktap_run "an upgrade: no packet of the peer is lost, none goes to others" \
	silent asked pinged streamed upgraded later.deb "$version+later"
ktap_run "the peer is served" wait_until 20 served
ktap_run "and back" \
	silent asked pinged streamed upgraded this.deb "$version"
ktap_run "one that was stopped stays so, and the cloak stays on" \
	silent asked pinged streamed stays_stopped
inside systemctl start cloakd
ktap_run "is not removed while the cloak is on" silent asked refused remove
ktap_run "nor purged" silent asked refused purge
capture_end
ktap_run "is removed when it is off, but for what was edited" removed
ktap_run "purged, nothing is left but own files" purged
