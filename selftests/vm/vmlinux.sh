#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Unpacks the kernel in a bzImage, which QEMU starts by the PVH entry. To let it
# unpack itself takes a translated guest up to 5 s of a processor, each time.
# The image's header is described in Documentation/arch/x86/boot.rst of Linux.
# Does nothing if OUT is of that image, whose time it has; leaves none where the
# compression is one that is not known here.
#
# usage: selftests/vm/vmlinux.sh BZIMAGE OUT
set -euo pipefail

image=$1 out=$2

# number OFFSET SIZE: a field of the header, little-endian as we are.
number() { od -An -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }

# payload: the compressed kernel, without the 4 bytes of its size behind it.
payload() {
	local sectors offset length
	sectors=$(number 0x1f1 1)
	offset=$(number 0x248 4)
	length=$(number 0x24c 4)
	dd if="$image" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip=$(((sectors + 1) * 512 + offset)) count=$((length - 4))
}

# A package that is installed later may have been built earlier.
[[ ! -e $out || $image -nt $out || $image -ot $out ]] || exit 0
mkdir -p "$(dirname "$out")"
trap 'rm -f "$out.$$"' EXIT
case $(payload | od -An -t x1 -N 4 | tr -d ' ') in
fd377a58) payload | xz -dc >"$out.$$" ;;
28b52ffd) payload | zstd -qdc >"$out.$$" ;;
*)
	rm -f "$out"
	exit 0
	;;
esac
touch -r "$image" "$out.$$"
mv "$out.$$" "$out"
