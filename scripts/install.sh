#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Puts the modules into /lib/modules/RELEASE/updates, where modprobe prefers
# them to the in-tree ones, and the cloak into /usr/local; takes both out
# again. The in-tree modules are never touched, nor is a policy that is there,
# nor how its logs are rotated.
#
# usage: scripts/install.sh install|uninstall|reload
#                           [--kernel 6.1|6.12|RELEASE] [--part modules|cloak]
#
# With DESTDIR in the environment, files go below that folder and nothing else
# is done to this machine. PREFIX takes the place of /usr/local.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

modules=(nvme-tcp nvmet-tcp)
destdir=${DESTDIR:-}
destdir=${destdir%/}
prefix=$destdir${PREFIX:-/usr/local}
policy=$destdir/etc/cloaklake/policy.toml
sample=$prefix/share/cloaklake/policy.toml
rotation=$destdir/etc/logrotate.d/cloaklake

verb='' kernel='' parts='modules cloak'
while (($# > 0)); do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--part) parts=$2; shift ;;
	*) verb=$1 ;;
	esac
	shift
done
[[ $parts =~ ^(modules|cloak|modules cloak)$ ]] ||
	die "there is no part named $parts: PART is modules or cloak."

# with PART: is it asked for?
with() { [[ " $parts " == *" $1 "* ]]; }

# release: which kernel is meant; the running one if none is named.
release() {
	resolve_kernel "${kernel:-$(uname -r)}"
}

# module_files, cloak_files: what belongs to a part, one a line, as
# MODE HOW-TO-BUILD SOURCE TARGET.
module_files() {
	local m
	for m in "${modules[@]}"; do
		printf '%s\n' "644 modules $BUILD/$rel/$m.ko $updates/$m.ko"
	done
}

cloak_files() {
	local built=$BUILD/xdp etc=$TOP/xdp/etc share=$prefix/share page
	cat <<-EOF
	755 xdp $built/cloakd $prefix/sbin/cloakd
	755 xdp $built/cloakctl $prefix/sbin/cloakctl
	644 xdp $built/cloak.bpf.o $prefix/lib/cloaklake/cloak.bpf.o
	644 xdp $etc/cloakd.service $prefix/lib/systemd/system/cloakd.service
	644 xdp $etc/cloaklake.sysusers $prefix/lib/sysusers.d/cloaklake.conf
	644 xdp $etc/cloakctl.bash $share/bash-completion/completions/cloakctl
	644 xdp $etc/policy.toml $sample
	EOF
	for page in "$TOP"/Documentation/man/*.rst; do
		page=${page##*/}
		page=${page%.rst}
		printf '%s\n' "644 xdp $BUILD/man/$page \
$share/man/man${page##*.}/$page"
	done
}

# files: those of all parts that are asked for.
files() {
	! with modules || module_files
	! with cloak || cloak_files
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

# need_built: everything is there that is to be copied.
need_built() {
	local mode how source target
	while read -r mode how source target; do
		[[ ! -r $source ]] || continue
		[[ $how != modules ]] || how="modules KVER=$rel"
		die "${source##*/} is not built: make $how."
	done < <(files)
}

# need_room FOLDER MIB: the same as need_space for a folder that may be new.
need_room() {
	mkdir -p "$1"
	need_space "$1" "$2"
}

# copy MODE SOURCE TARGET: all of it or nothing. Programs go without what only
# a debugger reads.
copy() {
	local strip=()
	[[ $1 != 755 ]] || strip=(--strip)
	install -D "${strip[@]}" -m "$1" "$2" "$3.new"
	mv "$3.new" "$3"
}

# told COMMAND...: has this machine take note, where it runs such a thing.
told() {
	[[ -z $destdir ]] || return 0
	! command -v "$1" >/dev/null || "$@"
}

# told_systemd ARGUMENT...: the same for a systemd that is running.
told_systemd() {
	[[ ! -d /run/systemd/system ]] || told systemctl "$@"
}

index_modules() {
	! with modules || told depmod "$rel"
}

do_install() {
	local mode how source target
	need_built
	need_room "$prefix" 50
	! with modules || need_room "${updates%/updates}" 20
	while read -r mode how source target; do
		copy "$mode" "$source" "$target"
	done < <(files)
	index_modules
	! with cloak || settle_cloak
	! with modules || say "modules installed for $rel; 'make reload' puts" \
		"them in the place of loaded ones."
}

# settle_cloak: the group, the unit, and where there is none a policy and how
# logs are rotated.
settle_cloak() {
	told systemd-sysusers "$prefix/lib/sysusers.d/cloaklake.conf"
	told_systemd daemon-reload
	[[ -e $rotation ]] ||
		copy 644 "$TOP/xdp/etc/cloaklake.logrotate" "$rotation"
	if [[ -e $policy ]]; then
		say "cloak installed; the policy that was there is kept:" \
			"${policy#"$destdir"}."
		return
	fi
	copy 640 "$sample" "$policy"
	say "cloak installed; edit ${policy#"$destdir"}, then" \
		"'systemctl enable --now cloakd'."
}

do_uninstall() {
	local mode how source target
	! with cloak || leave_cloak
	while read -r mode how source target; do
		rm -f "$target"
		# The folders that are ours alone.
		[[ ${target%/*} != */@(updates|cloaklake) ||
			! -d ${target%/*} ]] ||
			rmdir --ignore-fail-on-non-empty "${target%/*}"
	done < <(files)
	index_modules
	! with cloak || told_systemd daemon-reload
	! with modules ||
		say "modules uninstalled for $rel; those that are loaded stay" \
			"until a reload."
}

# leave_cloak: no daemon is left without its program, and no cloak without the
# command that lifts it. A policy that was edited is worth keeping. What hides
# interfaces is in two folders; beside them may be pins of another release.
leave_cloak() {
	local pins=/sys/fs/bpf/cloaklake
	[[ -n $destdir || ! -e $pins/links && ! -e $pins/dispatched ]] ||
		die "the cloak is on: lift it with 'cloakctl off' first."
	[[ ! -e $prefix/lib/systemd/system/cloakd.service ]] ||
		told_systemd disable --now cloakd.service
	rm -f "$rotation"
	if cmp -s "$sample" "$policy"; then
		rm -f "$policy"
		rmdir --ignore-fail-on-non-empty "${policy%/*}"
	elif [[ -e $policy ]]; then
		say "the policy was edited and is kept: ${policy#"$destdir"}."
	fi
	say "cloak uninstalled."
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
	[[ -n $destdir ]] || need_root "make $verb"
	rel=''
	! with modules || rel=$(release)
	updates=$destdir/lib/modules/$rel/updates
	"do_$verb"
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
