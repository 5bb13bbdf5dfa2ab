#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the style of everything here. Findings name file and line.
#
# usage: scripts/check-style.sh [CHECK...]
#   licence     each file begins with the SPDX line of its part
#   words       no unfinished business, no version checks outside compat.h
#   shell       shellcheck
#   checkpatch  C of the kernel and of BPF, by checkpatch.pl --strict
#   sparse      C of the kernel, by sparse and gcc's warnings, both kernels
#   format      C++, by clang-format
#   tidy        C++, by clang-tidy; files that have not changed are skipped
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
cd "$TOP"
work=$BUILD/style
mkdir -p "$work"

# files PATTERN...: those of the source tree, whether committed or not yet.
files() {
	if [[ -d .git || -f .git ]]; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		local p
		(($# > 0)) || set -- '*'
		for p in "$@"; do
			find . -path ./build -prune -o -type f -path "./$p" \
				-print | cut -c3-
		done
	fi | sort -u | while IFS= read -r f; do
		[[ ! -f $f ]] || printf '%s\n' "$f"
	done
}

kernel_c() { files 'drivers/*.c' 'drivers/*.h'; }
bpf_c() { files 'xdp/kern/*.c' 'xdp/kern/*.h' 'xdp/abi/*.h' xdp/cloak_abi.h; }
cxx() {
	files 'xdp/*.cpp' 'xdp/*.h' |
		grep -v -e '^xdp/kern/' -e '^xdp/abi/' -e '^xdp/cloak_abi.h$'
}
shell() {
	files | while IFS= read -r f; do
		case $f in
		*.sh | *.bash) ;;
		*) head -n 1 "$f" | grep -aqE '^#!.*bash' || continue ;;
		esac
		printf '%s\n' "$f"
	done
}

# licence_of FILE: what applies where it lies.
licence_of() {
	case $1 in
	drivers/* | Kbuild) echo GPL-2.0-only ;;
	xdp/kern/* | xdp/abi/* | xdp/cloak_abi.h)
		echo "GPL-2.0-only OR BSD-2-Clause"
		;;
	*) echo Apache-2.0 ;;
	esac
}

check_licence() {
	local f want
	while IFS= read -r f; do
		case $f in
		LICENSE | LICENSES/* | *.json | *.svg | *.png | *.pcapng) continue ;;
		debian/changelog | debian/copyright | debian/source/*) continue ;;
		esac
		want=$(licence_of "$f")
		head -n 2 "$f" |
			grep -qE "SPDX-License-Identifier: $want( |$|-->)" ||
			echo "$f:1: no line 'SPDX-License-Identifier: $want'"
	done < <(files)
}

check_words() {
	local own=scripts/check-style.sh
	files | grep -v -e "^$own\$" -e '^LICENSES/' |
		xargs -d '\n' grep -nIHwE 'TODO|FIXME|XXX|HACK' || true
	files | grep -v -e "^$own\$" -e '^LICENSES/' -e '\.patch$' |
		xargs -d '\n' grep -nIHE '[[:blank:]]+$' |
		sed 's/:\([0-9]*\):.*/:\1: white space at the end/' || true
	kernel_c | grep -v '^drivers/nvme/common/compat.h$' |
		xargs -d '\n' grep -nHE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' ||
		true
}

check_shell() {
	need_command shellcheck shellcheck
	shell | xargs -d '\n' shellcheck -x -f gcc --source-path="$TOP" || true
}

# checkpatch: unpacks it from the source package, once per version.
checkpatch_tool() {
	local package=linux-source-6.12 stamp dir=$work/checkpatch
	stamp=$(pkg_version "$package")
	[[ -n $stamp ]] ||
		die "checkpatch.pl is missing: apt-get install $package."
	if [[ ! -r $dir/version || $(<"$dir/version") != "$stamp" ]]; then
		mkdir -p "$dir"
		tar -xJf "/usr/src/$package.tar.xz" -C "$dir" \
			--strip-components=2 --occurrence=1 \
			"$package"/scripts/{checkpatch.pl,spelling.txt} \
			"$package/scripts/const_structs.checkpatch"
		printf '%s\n' "$stamp" >"$dir/version"
	fi
	printf '%s\n' "$dir/checkpatch.pl"
}

# run_checkpatch IGNORED-TYPES: on the files named by stdin. It leaves a file in
# the current folder, so that is not the tree.
run_checkpatch() {
	(cd "$work/checkpatch" && sed "s#^#$TOP/#" |
		xargs -d '\n' -r perl "$tool" --no-tree --strict --terse \
			--show-types --no-summary --max-line-length=80 \
			--ignore "$1" -f | sed "s#^$TOP/##") || true
}

# Ignored: strings are not split, so that they can be searched for; a version
# check has its place in compat.h, and words sees to that; trace headers and
# lists of counters are made of macros that only look like code; constants that
# the loader sets in a BPF program are "const volatile" by libbpf's convention,
# and clang has no static_assert in C.
check_checkpatch() {
	local tool
	tool=$(checkpatch_tool)
	kernel_c | grep -vE '/(trace|stats)\.[ch]$' |
		run_checkpatch LONG_LINE_STRING,LINUX_VERSION_CODE
	kernel_c | grep -E '/(trace|stats)\.[ch]$' | run_checkpatch \
		OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,COMPLEX_MACRO,TRAILING_SEMICOLON,MACRO_ARG_REUSE,LINE_SPACING
	bpf_c | run_checkpatch LONG_LINE_STRING,VOLATILE,CAMELCASE
}

# check_sparse: where the modules are built, so that what make check has built
# already, with the same flags, is not compiled for a second time.
check_sparse() {
	local rel log=$work/sparse.log
	need_command sparse sparse
	for rel in $(supported_releases); do
		KCFLAGS=-Werror "$here/build-modules.sh" --kernel "$rel" \
			-k C=2 CF=-Wsparse-error >"$log" 2>&1 ||
			echo "the modules are not built: $(tail -n 1 "$log")" \
				>>"$log"
		sed -n '/\(error\|warning\):/p; /^the modules are not built:/p' \
			"$log" | sed "s#$BUILD/$rel/kbuild/##; s#\$# [$rel]#"
	done
}

check_format() {
	need_command clang-format clang-format
	cxx | xargs -d '\n' -r clang-format --style=file --dry-run -Werror 2>&1 |
		grep -E '(error|warning):' || true
}

# tidy_flags: what a file of user space is compiled with.
tidy_flags() {
	local packages
	read -ra packages < <(sed -n '/^PKGS := /,/[^\\]$/p' xdp/Makefile |
		tr -d '\\\n' | sed 's/^PKGS :=//')
	printf '%s\n' -std=c++20 -Ixdp -isystem "$BUILD/xdp/gen"
	pkg-config --cflags "${packages[@]}" | tr ' ' '\n' |
		sed '/^$/d; s/^-I/-isystem/'
}

# tidy_units: a line for each file that is looked at, of the source files that
# it includes. Headers of libraries take most of the time, so what has no name
# twice goes into one. The longest come first.
tidy_units() {
	local unit folder together=(
		'util model rules bpf policy host flows'
		'alerts tests/harness tests/unit tests/prog tests/probe'
		'learn evidence export tests/fuzz tests/bench' daemon cli
	)
	{
		printf '%s\n' "${together[@]}"
		cxx | sed -n 's#^xdp/\(.*\)/[^/]*\.cpp$#\1#p' | sort -u |
			grep -vxF "$(printf '%s\n' "${together[@]}" |
				tr ' ' '\n')" || true
	} | while read -r unit; do
		for folder in $unit; do
			[[ ! -d xdp/$folder ]] ||
				find "xdp/$folder" -maxdepth 1 -name '*.cpp' |
				sort
		done | tr '\n' ' '
		echo
	done | sed '/^$/d'
}

# tidy_source FILE...: one that includes them. Fuzz targets are programs of one
# file each, with the same function.
tidy_source() {
	local file name
	for file; do
		name=${file##*/}
		[[ $file != */fuzz/* ]] ||
			echo "#define LLVMFuzzerTestOneInput fuzz_${name%.cpp}"
		printf '#include "%s"\n' "$TOP/$file"
		[[ $file != */fuzz/* ]] || echo "#undef LLVMFuzzerTestOneInput"
	done
}

# tidy FILE...: findings in the files and what they include, unless they were
# clean as they are now.
tidy() {
	local key mark flags unit
	mapfile -t flags < <(tidy_flags)
	unit=$(mktemp "$work/tidy/XXXXXX.cpp")
	tidy_source "$@" >"$unit"
	key=$({
		g++ -E -C -P "${flags[@]}" "$unit" 2>/dev/null || date +%N
		cat .clang-tidy
	} | sha256sum | cut -c1-40)
	mark=$work/tidy/$key
	if [[ ! -e $mark ]]; then
		# Templates of libraries that nothing uses are not looked at.
		if clang-tidy --quiet --config-file=.clang-tidy "$unit" -- \
			"${flags[@]}" -fdelayed-template-parsing \
			>"$mark.$$" 2>/dev/null; then
			mv "$mark.$$" "$mark"
		else
			grep -E '(error|warning):' "$mark.$$" |
				sed "s#$TOP/##" ||
				echo "$1 and others: clang-tidy failed"
			rm -f "$mark.$$"
		fi
	fi
	rm "$unit"
}

check_tidy() {
	need_command clang-tidy clang-tidy
	mkdir -p "$work/tidy"
	export -f tidy tidy_flags tidy_source
	export work BUILD TOP
	# shellcheck disable=SC2016 # for the inner shell
	tidy_units | xargs -d '\n' -r -n 1 -P 2 bash -c 'tidy $1' tidy |
		sort -u
}

checks=("$@")
((${#checks[@]} > 0)) ||
	checks=(licence words shell checkpatch sparse format tidy)
status=0
for check in "${checks[@]}"; do
	[[ $(type -t "check_$check") == function ]] ||
		die "there is no check named $check."
	"check_$check" | tee "$work/$check.findings"
	[[ ! -s $work/$check.findings ]] || status=1
done
exit "$status"
