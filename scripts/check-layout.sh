#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares the layout of every structure and enumeration that the private
# headers define, as they compile here, with the BTF of the modules that use
# them: nvme-core, nvme-fabrics and nvmet. The version of a module does not
# protect against a wrong private header, and the kernel loads it all the same.
#
# usage: scripts/check-layout.sh RELEASE KDIR PRIVATE WORK
#   PRIVATE  folder with host/ and target/ from scripts/private-headers.sh
#   WORK     folder for intermediate files; a result is kept there and good
#            until headers or modules change
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

release=$1 kdir=$2 private=$(realpath "$3") work=$4
modules=(host/nvme-core host/nvme-fabrics target/nvmet)

# module_file HOST/NAME: where the module is that the kernel loads.
module_file() {
	local dir suffix
	for dir in "$kdir" "/lib/modules/$release/kernel"; do
		for suffix in ko ko.xz ko.zst; do
			[[ -r $dir/drivers/nvme/$1.$suffix ]] || continue
			printf '%s\n' "$dir/drivers/nvme/$1.$suffix"
			return
		done
	done
	die "${1##*/}.ko of kernel $release is not installed, so the private" \
		"headers cannot be verified: apt-get install" \
		"linux-image-$release."
}

# image_file: the kernel whose BTF the modules' is based on.
image_file() {
	local file
	for file in "$kdir/vmlinux" "/boot/vmlinuz-$release"; do
		[[ -r $file ]] || continue
		printf '%s\n' "$file"
		return
	done
	die "the image of kernel $release is not installed, so the private" \
		"headers cannot be verified: apt-get install" \
		"linux-image-$release."
}

# shown PATH: as a reader finds it, from the top of the tree if it is inside.
shown() { printf '%s' "${1#"$TOP"/}"; }

# key: changes with anything that the result depends on.
key() {
	local m files
	files=("$0" "$private"/*/*.h "$kdir/include/config/auto.conf"
		"$TOP/drivers/nvme/common/compat.h")
	for m in "${modules[@]}"; do
		files+=("$(module_file "$m")")
	done
	cat "${files[@]}" | sha256sum
	stat -L -c '%s %Y' "$(image_file)"
}

# unpack: the modules and the kernel with their BTF into WORK.
unpack() {
	local m file image
	for m in "${modules[@]}"; do
		file=$(module_file "$m")
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -qdc "$file" ;;
		*) cat "$file" ;;
		esac >"$work/${m##*/}.ko"
	done
	image=$(image_file)
	if [[ $image == */vmlinux ]]; then
		ln -sfn "$image" "$work/vmlinux"
	else
		/usr/bin/python3 "$here/extract-vmlinux.py" "$image" \
			"$work/vmlinux"
	fi
	objcopy --dump-section ".BTF=$work/base.btf" "$work/vmlinux" \
		"$work/discard" 2>/dev/null ||
		die "kernel $release carries no BTF, so the private headers" \
			"cannot be verified: build it with CONFIG_DEBUG_INFO_BTF."
	rm -f "$work/discard"
}

# compile: an object for each side that has all types of the headers.
compile() {
	mkdir -p "$work/probe"
	cat >"$work/probe/Kbuild" <<-EOF
	ccflags-y := -g -fno-eliminate-unused-debug-types
	ccflags-y += -I$private/host -I$private/target
	ccflags-y += -include $TOP/drivers/nvme/common/compat.h
	obj-m := host.o target.o
	EOF
	printf '#include "%s"\n' nvme.h fabrics.h >"$work/probe/host.c"
	printf '#include "%s"\n' nvmet.h >"$work/probe/target.c"
	quietly "$work/probe/log" make -s -C "$kdir" M="$work/probe" \
		host.o target.o ||
		die "the private headers do not compile for $release: see" \
			"$(shown "$work/probe/log")."
	pahole -J --btf_base "$work/base.btf" "$work/probe/host.o"
	pahole -J --btf_base "$work/base.btf" "$work/probe/target.o"
}

# types SIDE: names of all that the headers of that side define.
types() {
	sed -nE 's/^(struct|union|enum) ([a-z0-9_]+) \{.*/\2/p' \
		"$private/$1"/*.h | sort -u
}

# layout FILE NAME: the type as FILE has it, or nothing.
layout() {
	pahole -F btf --btf_base "$work/base.btf" -C "$2" "$1" 2>/dev/null ||
		true
}

# compare HOST/MODULE: every type that both know must be the same.
compare() {
	local side=${1%/*} module=${1##*/} name mine theirs
	for name in $(types "$side"); do
		theirs=$(layout "$work/$module.ko" "$name")
		[[ -n $theirs ]] || continue
		compared=$((compared + 1))
		mine=$(layout "$work/probe/$side.o" "$name")
		[[ $mine != "$theirs" ]] || continue
		diff -u <(printf '%s\n' "$theirs") <(printf '%s\n' "$mine") \
			>"$work/difference" || true
		die "$name is laid out differently in the private headers than" \
			"in $module.ko of $release ($(shown "$work/difference")" \
			"shows where): install linux-image-$release and" \
			"linux-source-$(series_of "$release") of one version."
	done
}

need_command pahole pahole
need_command objcopy binutils
wanted=$(key)
[[ ! -r $work/good || $(<"$work/good") != "$wanted" ]] || exit 0
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")
say "  LAYOUT   $release"
unpack
compile
compared=0
for m in "${modules[@]}"; do
	compare "$m"
done
((compared >= 20)) ||
	die "only $compared private types of $release could be compared: its" \
		"modules carry no BTF; use a kernel with CONFIG_DEBUG_INFO_BTF_MODULES."
printf '%s\n' "$wanted" >"$work/good"
rm -f "$work"/*.ko "$work/vmlinux" "$work/base.btf"
