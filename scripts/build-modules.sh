#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds nvme-tcp.ko and nvmet-tcp.ko into build/RELEASE/ for the kernels that
# are asked for: one release, one kernel tree, or by default the running
# kernel where it is supported, else every supported one with headers.
#
# usage: scripts/build-modules.sh [--all | --kernel 6.1|6.12|RELEASE |
#                                 --kdir FOLDER] [MAKE-ARGUMENT...]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

kernel='' kdir='' all=no make_args=()
while (($# > 0)); do
	case $1 in
	--all) all=yes; shift ;;
	--kernel) kernel=$2; shift 2 ;;
	--kdir) kdir=$2; shift 2 ;;
	*) make_args+=("$1"); shift ;;
	esac
done

# build RELEASE KDIR: one build at a time in each folder.
build() {
	local release=$1 tree=$2 out=$BUILD/$1 ko
	mkdir -p "$out"
	need_space "$out" 100
	exec 9>"$out/.lock"
	flock 9
	"$here/check-config.sh" "$release" "$tree"
	"$here/private-headers.sh" "$release" "$tree" "$out/private"
	"$here/check-layout.sh" "$release" "$tree" "$out/private" "$out/layout"
	mirror "$out/kbuild"
	say "  MODULES  $release"
	# The BTF of a module needs the kernel's, which headers do not have.
	[[ -e $tree/vmlinux ]] || make_args+=(CONFIG_DEBUG_INFO_BTF_MODULES=)
	make --no-print-directory -C "$tree" M="$out/kbuild" \
		"${make_args[@]}" modules
	for ko in "$out"/kbuild/drivers/nvme/*/*.ko; do
		cmp -s "$ko" "$out/${ko##*/}" && continue
		cp "$ko" "$out/.new.ko"
		mv "$out/.new.ko" "$out/${ko##*/}"
	done
	exec 9>&-
}

# releases: what to build when nothing was asked for.
releases() {
	if [[ $all == no ]] && series_of "$(uname -r)" >/dev/null &&
		[[ -e /lib/modules/$(uname -r)/build/Makefile ]]; then
		uname -r
	else
		supported_releases
	fi
}

need_command make build-essential
if [[ -n $kdir ]]; then
	[[ -d $kdir ]] || die "KDIR names a folder that is not there: $kdir."
	kdir=$(cd "$kdir" && pwd)
	release=$(release_of_tree "$kdir")
	series_of "$release" >/dev/null ||
		die "kernel $release is not supported: only 6.1 and 6.12 are."
	build "$release" "$kdir"
	exit
fi

if [[ -n $kernel ]]; then
	list=$(resolve_kernel "$kernel")
else
	list=$(releases)
fi
[[ -n $list ]] || die "no supported kernel with headers is installed: run" \
	"scripts/setup.sh, or apt-get install linux-headers-amd64."
for release in $list; do
	build "$release" "/lib/modules/$release/build"
done
