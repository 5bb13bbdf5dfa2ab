# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Copies of the source tree and commands that pretend, for tests of the build.
# Needs ktap.sh. To be sourced.

# tree_copy: makes WORK, a folder of this test, with a copy in WORK/tree.
tree_copy() {
	WORK=$(mktemp -d)
	defer rm -rf "$WORK"
	mkdir "$WORK/tree" "$WORK/bin"
	cp -r "$TOP"/{Kbuild,Makefile,scripts,drivers,selftests,xdp,Documentation} \
		"$WORK/tree/"
}

# tree_unpacked: the copy need not unpack the kernel's sources for what was
# unpacked here.
tree_unpacked() {
	local file folder
	for file in "$TOP"/build/*/private/origin \
		"$TOP"/build/style/checkpatch/version; do
		[[ -s $file ]] || continue
		folder=$WORK/tree/${file#"$TOP"/}
		folder=${folder%/*}
		mkdir -p "${folder%/*}"
		cp -r "${file%/*}" "$folder"
	done
}

# pretend COMMAND SCRIPT: the copy finds this in place of the command.
pretend() {
	printf '#!/bin/bash\n%s\n' "$2" >"$WORK/bin/$1"
	chmod +x "$WORK/bin/$1"
}

# honest COMMAND: takes the pretence back.
honest() { rm "$WORK/bin/$1"; }

# try COMMAND...: runs it in the copy; fills STATUS and SAID.
try() {
	STATUS=0
	SAID=$(cd "$WORK/tree" && PATH=$WORK/bin:$PATH "$@" 2>&1) || STATUS=$?
}

# refused WORDS...: the last try failed with one sentence that has all of the
# words, and left no module behind.
refused() {
	local word lines
	printf '%s\n' "$SAID"
	((STATUS != 0)) || { echo "it succeeded"; return 1; }
	lines=$(grep -c '^cloaklake: .*\.$' <<<"$SAID") || true
	((lines == 1)) || { echo "$lines sentences instead of one"; return 1; }
	for word in "$@"; do
		grep -q -- "$word" <<<"$SAID" || { echo "no $word"; return 1; }
	done
	! find "$WORK/tree/build" -name 'nvme*-tcp.ko' 2>/dev/null | grep .
}
