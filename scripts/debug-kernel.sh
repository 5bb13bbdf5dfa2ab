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

# unpack: the sources, afresh for another version.
unpack() {
	[[ -r $dir/version && $(<"$dir/version") == "$version" ]] && return
	need_space "$dir" 6000
	say "  UNPACK   $package $version"
	rm -rf "$tree" "$dir/configured"
	tar -xJf "/usr/src/$package.tar.xz" -C "$dir"
	printf '%s\n' "$version" >"$dir/version"
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
