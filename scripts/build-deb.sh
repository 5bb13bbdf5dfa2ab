#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian package of the cloak into build/packages, from a copy of the
# sources.
#
# usage: scripts/build-deb.sh [--reuse]
#   --reuse  takes objects over that "make xdp" has compiled, with its flags
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

reuse=no
[[ ${1:-} != --reuse ]] || reuse=yes
need_command dpkg-buildpackage dpkg-dev
need_command dh debhelper
out=$BUILD/packages
mkdir -p "$out"
need_space "$out" 500
work=$(mktemp -d "$out/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/cloaklake"
cp -a "$TOP"/{Makefile,LICENSE,LICENSES,README.md,scripts,xdp,Documentation,debian} \
	"$work/cloaklake/"
if [[ $reuse == yes ]]; then
	mkdir "$work/cloaklake/build"
	cp -a "$BUILD/xdp" "$work/cloaklake/build/"
fi
say "  DEB      log in build/packages/build.log"
(cd "$work/cloaklake" &&
	quietly "$out/build.log" dpkg-buildpackage -b -uc -us -j2)
for deb in "$work"/*.deb; do
	mv "$deb" "$out/"
	say "  READY    build/packages/${deb##*/}"
done
