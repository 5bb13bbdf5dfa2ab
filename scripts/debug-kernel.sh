#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a 6.12 kernel from linux-source-6.12 that reports every kind of
# mistake a driver can make (selftests/vm/debug.config), once for each version
# of source and configuration. Takes a quarter of an hour on two processors
# and 4 GiB in build/debug-kernel.
#
# usage: scripts/debug-kernel.sh
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

package=linux-source-6.12
fragment=$TOP/selftests/vm/debug.config
dir=$BUILD/debug-kernel
tree=$dir/$package
version=$(pkg_version "$package")

# What KASAN need not watch, for a driver under test never gets at it: most of
# what a guest without KVM does is there. Allocators report by themselves, and
# lockdep is spared by kernels from 6.15 on.
spared_folders=(arch/x86/mm drivers/acpi drivers/acpi/acpica fs fs/9p fs/ext4
	fs/jbd2 fs/netfs fs/overlayfs fs/proc kernel/sched mm net/9p)
spared_files=(kernel/locking/lockdep lib/debugobjects lib/maple_tree)
watched_files=(kernel/sched/build_utility mm/mempool mm/page_frag_cache mm/util)

# watch FILE y|n: whether KASAN watches one file of the tree.
watch() {
	printf '\nKASAN_SANITIZE_%s.o := %s\n' "${1##*/}" "$2" \
		>>"$tree/${1%/*}/Makefile"
}

# spare: tells the makefiles of the tree all that.
spare() {
	local name
	for name in "${spared_folders[@]}"; do
		printf '\nKASAN_SANITIZE := n\n' >>"$tree/$name/Makefile"
	done
	for name in "${spared_files[@]}"; do
		watch "$name" n
	done
	for name in "${watched_files[@]}"; do
		watch "$name" y
	done
}

# unpack: the sources, afresh for another version.
unpack() {
	local wanted
	wanted="$version
spared: ${spared_folders[*]} ${spared_files[*]}
watched: ${watched_files[*]}"
	[[ -r $dir/version && $(<"$dir/version") == "$wanted" ]] && return
	need_space "$dir" 6000
	say "  UNPACK   $package $version"
	rm -rf "$tree" "$dir/configured" "$dir/version"
	tar -xJf "/usr/src/$package.tar.xz" -C "$dir"
	spare
	printf '%s\n' "$wanted" >"$dir/version"
}

# missing_options: lines of the fragment that Kconfig did not accept.
missing_options() {
	local line
	while IFS= read -r line; do
		[[ $line == CONFIG_*=* && $line != *=n ]] || continue
		grep -qxF "$line" "$tree/.config" || printf '%s ' "$line"
	done <"$fragment"
}

configure() {
	local lost
	say "  CONFIG   allnoconfig and ${fragment##*/}"
	quietly "$dir/configure.log" make -s -C "$tree" \
		KCONFIG_ALLCONFIG="$fragment" allnoconfig
	lost=$(missing_options)
	[[ -z $lost ]] || die "the debug kernel would lack $lost: adapt" \
		"selftests/vm/debug.config."
	cp "$fragment" "$dir/configured"
}

need_command gcc build-essential
[[ -n $version && -r /usr/src/$package.tar.xz ]] ||
	die "package $package is missing: run scripts/setup.sh."
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
unpack
cmp -s "$fragment" "$dir/configured" || configure
say "  KERNEL   $package $version, log in build/debug-kernel/build.log"
quietly "$dir/build.log" nice -n 19 make -s -C "$tree" -j"$(nproc)" \
	bzImage modules
say "  READY    $(release_of_tree "$tree")"
