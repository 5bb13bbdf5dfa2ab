#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Provides nvme.h, fabrics.h and nvmet.h, which no headers package carries, in
# OUT/host and OUT/target. They come from the linux-source package of the very
# version of the headers, or from the kernel tree itself where that has them.
#
# usage: scripts/private-headers.sh RELEASE KDIR OUT
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

release=$1 kdir=$2 out=$3
headers=(host/nvme.h host/fabrics.h target/nvmet.h)

# place FROM STAMP: copies the headers under FROM into OUT, all or nothing,
# and notes where they are from.
place() {
	local from=$1 stamp=$2 h
	rm -rf "$out.new"
	mkdir -p "$out.new/host" "$out.new/target"
	for h in "${headers[@]}"; do
		[[ -r $from/drivers/nvme/$h ]] ||
			die "$from has no drivers/nvme/$h: use a complete" \
				"kernel tree of this release."
		cp "$from/drivers/nvme/$h" "$out.new/$h"
	done
	printf '%s\n' "$stamp" >"$out.new/origin"
	rm -rf "$out"
	mv "$out.new" "$out"
}

# from_tree: a complete kernel tree has its own.
from_tree() {
	local stamp
	stamp=$(cd "$kdir/drivers/nvme" && sha256sum "${headers[@]}" |
		sha256sum)
	[[ -r $out/origin && $(<"$out/origin") == "$stamp" ]] && return
	place "$kdir" "$stamp"
}

# check_versions PACKAGE: the source package fits the headers, or dies.
check_versions() {
	local have want
	want=$(pkg_version "linux-headers-$release")
	have=$(pkg_version "$1")
	[[ -n $want ]] ||
		die "package linux-headers-$release is not installed, so the" \
			"source version that fits is unknown: install it, or" \
			"give a complete kernel tree by KDIR."
	[[ -n $have && -r /usr/src/$1.tar.xz ]] ||
		die "package $1 is missing, which has the private headers of" \
			"nvme-core: apt-get install $1=$want."
	[[ $have == "$want" ]] ||
		die "$1 is version $have but the headers of $release are" \
			"$want: apt-get install $1=$want, or upgrade both."
	printf '%s %s\n' "$1" "$have"
}

# from_build STAMP: those that the modules were built with are at hand.
from_build() {
	local have=$BUILD/$release/private
	[[ $(cat "$have/origin" 2>/dev/null) == "$1" ]] || return
	rm -rf "$out.new"
	cp -r "$have" "$out.new"
	rm -rf "$out"
	mv "$out.new" "$out"
}

# from_package: unpacks them from the source package, once per version.
from_package() {
	local package stamp tmp
	package=linux-source-$(series_of "$release")
	stamp=$(check_versions "$package")
	[[ -r $out/origin && $(<"$out/origin") == "$stamp" ]] && return
	mkdir -p "$(dirname "$out")"
	from_build "$stamp" && return
	tmp=$(mktemp -d "$(dirname "$out")/unpack.XXXXXX")
	# shellcheck disable=SC2064 # expand now
	trap "rm -rf '$tmp'" EXIT
	say "  HEADERS  $stamp"
	tar -xJf "/usr/src/$package.tar.xz" -C "$tmp" --strip-components=1 \
		--occurrence=1 "${headers[@]/#/$package/drivers/nvme/}"
	place "$tmp" "$stamp"
}

if [[ -r $kdir/drivers/nvme/host/nvme.h ]]; then
	from_tree
else
	from_package
fi
