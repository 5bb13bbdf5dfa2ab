#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Prepares, in build/RELEASE/override, what is to be laid over the modules of
# a kernel so that modprobe finds ours: updates/ and the indices of depmod.
#
# usage: scripts/module-tree.sh RELEASE MODULE-ROOT
#   MODULE-ROOT is the folder above lib/modules, / for an installed kernel
# Prints the folder.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

release=$1 installed=${2%/}/lib/modules/$1
out=$BUILD/$release
tree=$out/override
files=$tree/lib/modules/$release

ls "$out"/*.ko >/dev/null 2>&1 ||
	die "our modules are not built for $release: make modules" \
		"KVER=$release."

# key: changes when depmod would come to another result.
key() {
	stat -c '%Y' "$installed/modules.dep"
	local ko
	for ko in "$out"/*.ko; do
		printf '%s\n' "${ko##*/}"
		modinfo -F depends "$ko"
		modinfo -F alias "$ko"
	done
}

exec 9>"$out/.lock.override"
flock 9
mkdir -p "$files/updates"
for ko in "$out"/*.ko; do
	# Guests that run may be reading the one that is there.
	cmp -s "$ko" "$files/updates/${ko##*/}" && continue
	cp "$ko" "$files/updates/.new"
	mv "$files/updates/.new" "$files/updates/${ko##*/}"
done
wanted=$(key)
if [[ ! -e $tree/key || $(<"$tree/key") != "$wanted" ]]; then
	cp "$installed"/modules.{order,builtin,builtin.modinfo} "$files/"
	ln -sfn "$installed/kernel" "$files/kernel"
	depmod -b "$tree" "$release"
	printf '%s\n' "$wanted" >"$tree/key"
fi
printf '%s\n' "$files"
