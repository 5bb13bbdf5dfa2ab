# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every script here shares: where things are, how to fail with one
# sentence, and which kernels are supported. To be sourced.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
# Users without root have no sbin in PATH, but modinfo and bpftool live there.
PATH=$PATH:/usr/sbin:/sbin

# Series of Debian kernels that the modules are written for.
SERIES=(6.1 6.12)

say() { printf '%s\n' "$*"; }

# die SENTENCE...: says what is wrong and how to mend it, and gives up.
die() {
	printf 'cloaklake: %s\n' "$*" >&2
	exit 1
}

# need_root FOR-WHAT...
need_root() {
	[[ $(id -u) == 0 ]] && return
	die "${*:-this} needs root: run it again with sudo."
}

# need_command COMMAND PACKAGE
need_command() {
	command -v "$1" >/dev/null && return
	die "$1 is missing: run scripts/setup.sh, or install package $2."
}

# need_space FOLDER MIB: fails unless that much is free where FOLDER is.
need_space() {
	local free
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	((free >= $2)) && return
	die "$1 has $free MiB free, but $2 MiB are needed: make room first."
}

# quietly LOG COMMAND...: runs it with its output in LOG, shown if it fails.
quietly() {
	local log=$1 status=0
	shift
	"$@" >"$log" 2>&1 || status=$?
	((status == 0)) || cat "$log" >&2
	return "$status"
}

# pkg_version PACKAGE: its installed version, or nothing.
pkg_version() {
	local state
	# shellcheck disable=SC2016 # dpkg-query expands these
	state=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" \
		2>/dev/null) || return 0
	[[ $state == "installed "* ]] && printf '%s\n' "${state#* }"
	return 0
}

# series_of RELEASE: 6.1 or 6.12; fails for any other kernel.
series_of() {
	local s
	for s in "${SERIES[@]}"; do
		[[ $1 == "$s".* ]] && { printf '%s\n' "$s"; return; }
	done
	return 1
}

# newest_release SERIES: newest installed Debian kernel of that series which
# has headers; not the cloud and real-time flavours. Nothing if there is none.
newest_release() {
	local dir rel
	for dir in /lib/modules/"$1".*-amd64; do
		rel=${dir##*/}
		[[ $rel == *-cloud-* || $rel == *-rt-* ]] && continue
		[[ -e $dir/build/Makefile ]] && printf '%s\n' "$rel"
	done | sort -V | tail -n 1
}

# supported_releases: every kernel that we build for on this machine.
supported_releases() {
	local s
	for s in "${SERIES[@]}"; do
		newest_release "$s"
	done
}

# resolve_kernel 6.1|6.12|RELEASE: prints the release, or dies with the reason.
resolve_kernel() {
	local rel=$1 s
	for s in "${SERIES[@]}"; do
		[[ $1 == "$s" ]] || continue
		rel=$(newest_release "$s")
		[[ -n $rel ]] || die "no Debian $s kernel with headers is" \
			"installed: run scripts/setup.sh."
	done
	series_of "$rel" >/dev/null ||
		die "kernel $rel is not supported: only 6.1 and 6.12 are."
	[[ -e /lib/modules/$rel/build/Makefile ]] ||
		die "the headers of kernel $rel are not installed:" \
			"apt-get install linux-headers-$rel."
	printf '%s\n' "$rel"
}

# release_of_tree KDIR: the release that a configured kernel tree builds.
release_of_tree() {
	local file=$1/include/config/kernel.release
	[[ -r $file ]] || die "$1 is no configured kernel tree: run" \
		"'make -C $1 modules_prepare' there first."
	cat "$file"
}

# mirror OUT: makes OUT a tree of symbolic links to our sources, because kbuild
# writes its objects beside them.
mirror() {
	mkdir -p "$1"
	find "$1" -xtype l -delete
	cp -rsf "$TOP/Kbuild" "$TOP/drivers" "$1/"
}
