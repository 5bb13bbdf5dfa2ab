#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Puts the modules into /lib/modules/RELEASE/updates, where modprobe prefers
# them to the in-tree ones, and the cloak into /usr/local; takes both out
# again. The in-tree modules are never touched.
#
# usage: scripts/install.sh install|uninstall|reload
#                           [--kernel 6.1|6.12|RELEASE]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

verb=${1:-} kernel=''
[[ ${2:-} != --kernel ]] || kernel=${3:-}
modules=(nvme-tcp nvmet-tcp)
programs=(cloakd cloakctl)
prefix=/usr/local

# release: which kernel is meant; the running one if none is named.
release() {
	resolve_kernel "${kernel:-$(uname -r)}"
}

# loaded MODULE, users MODULE: by the kernel's own account.
loaded() { [[ -d /sys/module/${1//-/_} ]]; }
users() { cat "/sys/module/${1//-/_}/refcnt"; }

# need_unused: none of the loaded modules has a user.
need_unused() {
	local m
	for m in "${modules[@]}"; do
		! loaded "$m" || [[ $(users "$m") == 0 ]] ||
			die "module ${m//-/_} is in use: disconnect the" \
				"initiators ('nvme disconnect-all') and unlink" \
				"the ports of the target first."
	done
}

# copy FILE TARGET: all of it or nothing.
copy() {
	install -D -m "$3" "$1" "$2.new"
	mv "$2.new" "$2"
}

do_install() {
	local rel=$1 m p
	for m in "${modules[@]}"; do
		[[ -r $BUILD/$rel/$m.ko ]] ||
			die "$m.ko is not built for $rel: make modules KVER=$rel."
	done
	need_space "/lib/modules/$rel" 20
	for m in "${modules[@]}"; do
		copy "$BUILD/$rel/$m.ko" "/lib/modules/$rel/updates/$m.ko" 644
	done
	depmod "$rel"
	for p in "${programs[@]}"; do
		[[ -x $BUILD/xdp/$p ]] || continue
		copy "$BUILD/xdp/$p" "$prefix/sbin/$p" 755
	done
	[[ ! -r $BUILD/xdp/cloak.bpf.o ]] ||
		copy "$BUILD/xdp/cloak.bpf.o" \
			"$prefix/lib/cloaklake/cloak.bpf.o" 644
	say "installed for $rel; 'make reload' puts loaded modules into effect."
}

do_uninstall() {
	local rel=$1 m p
	for m in "${modules[@]}"; do
		rm -f "/lib/modules/$rel/updates/$m.ko"
	done
	depmod "$rel"
	for p in "${programs[@]}"; do
		rm -f "$prefix/sbin/$p"
	done
	rm -rf "$prefix/lib/cloaklake"
	say "uninstalled for $rel; modules that are loaded stay until a reload."
}

# do_reload: for each that is loaded, the one modprobe now prefers.
do_reload() {
	local m
	need_unused
	for m in "${modules[@]}"; do
		loaded "$m" || continue
		rmmod "$m"
		modprobe "$m"
		say "$m is now $(modinfo -n "$m")"
	done
}

case $verb in
install | uninstall)
	need_root "make $verb"
	rel=$(release)
	"do_$verb" "$rel"
	;;
reload)
	need_root "make reload"
	do_reload
	;;
*)
	sed -n 's/^# \{0,1\}//; /^usage/,/^$/p' "$0" >&2
	exit 2
	;;
esac
