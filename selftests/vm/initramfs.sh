#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Packs the initramfs of the guest: busybox, selftests/vm/init, and the modules
# that mounting the root file system takes. Does nothing if OUT is up to date.
#
# usage: selftests/vm/initramfs.sh RELEASE MODULE-ROOT OUT
#   MODULE-ROOT is the folder above lib/modules, / for an installed kernel
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

release=$1 root=$2 out=$3
wanted=(virtio_pci virtio_console virtio_blk 9p 9pnet_virtio overlay configfs)

# module_files: paths of the modules, dependencies first.
module_files() {
	local m
	for m in "${wanted[@]}"; do
		modprobe -d "$root" -S "$release" --show-depends "$m" |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++'
}

# add FILE TREE: unpacks one module into TREE/lib and lists it.
add() {
	local name=${1##*/}
	name=${name%%.ko*}.ko
	case $1 in
	*.xz) xz -dc "$1" >"$2/lib/$name" ;;
	*.zst) zstd -qdc "$1" >"$2/lib/$name" ;;
	*) cp "$1" "$2/lib/$name" ;;
	esac
	printf '%s\n' "$name" >>"$2/modules"
}

pack() {
	local tree file
	tree=$(mktemp -d)
	# shellcheck disable=SC2064 # expand now
	trap "rm -rf '$tree'" EXIT
	mkdir -p "$tree/bin" "$tree/lib"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$here/init" "$tree/init"
	chmod 755 "$tree/init" "$tree/bin/busybox"
	: >"$tree/modules"
	while read -r file; do
		add "$file" "$tree"
	done < <(module_files)
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$out.$$"
	mv "$out.$$" "$out"
}

newer() { [[ -e $out && ! $1 -nt $out ]]; }
newer "$here/init" && newer "$0" &&
	newer "$root/lib/modules/$release/modules.dep" && exit

need_command busybox busybox-static
need_command cpio cpio
mkdir -p "$(dirname "$out")"
pack
