#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The style checks notice a fault of each kind, by file and line. A check that
# finds nothing because it does not run is worse than none.
#
# where: host
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"

tree_copy
tree_unpacked
cp "$TOP"/.clang-format "$TOP"/.clang-tidy "$TOP"/.shellcheckrc "$WORK/tree"
# As few files as possible, for speed.
rm -r "$WORK"/tree/{drivers,xdp,selftests}
mkdir -p "$WORK"/tree/{drivers/nvme/tcp,drivers/nvme/common,xdp/util,xdp/kern}

# finds CHECK FILE LINE WORDS
finds() {
	try scripts/check-style.sh "$1"
	printf '%s\n' "$SAID"
	((STATUS != 0)) && grep -q "^$2:$3:.*$4" <<<"$SAID"
}

c=drivers/nvme/tcp/fault.c
gpl='// SPDX-License-Identifier: GPL-2.0-only'
apache='// SPDX-License-Identifier: Apache-2.0'

printf '%s\nint x;\n' "$apache" >"$WORK/tree/$c"
ktap_run "licence of another part" finds licence "$c" 1 GPL-2.0-only

printf '%s\nint x; /* TO%s: later */\n' "$gpl" DO >"$WORK/tree/$c"
ktap_run "unfinished business" finds words "$c" 2 later

printf '%s\n#if LINUX_VERSION_%s > 1\n#endif\n' "$gpl" CODE >"$WORK/tree/$c"
ktap_run "version check outside compat.h" finds words "$c" 2 VERSION

printf '%s\nint f( void ) {\n  return 0;\n}\n' "$gpl" >"$WORK/tree/$c"
ktap_run "kernel style" finds checkpatch "$c" 2 SPACING

printf '#!/bin/bash\n# %s\nrm %s\n' "${apache#// }" "\$1" >"$WORK/tree/scripts/x.sh"
ktap_run "unquoted variable" finds shell scripts/x.sh 3 SC2086

cpp=xdp/util/fault.cpp
printf '%s\nint  x = 0;\n' "$apache" >"$WORK/tree/$cpp"
ktap_run "C++ format" finds format "$cpp" 2 clang-formatted

# The files of a folder are looked at as one, which includes them: what is found
# in headers of others is not shown, so each folder has to be known as ours.
zero_in_each_layer() {
	local layer layers
	read -ra layers < <(sed -n 's/^LAYERS := //p' "$TOP/xdp/Makefile")
	cp "$TOP/xdp/Makefile" "$WORK/tree/xdp/"
	for layer in "${layers[@]}"; do
		mkdir -p "$WORK/tree/xdp/$layer"
		printf '%s\nint *f%s()\n{\n\tint *p = 0;\n\treturn p;\n}\n' \
			"$apache" "$layer" >"$WORK/tree/xdp/$layer/fault.cpp"
	done
	try scripts/check-style.sh tidy
	printf '%s\n' "$SAID"
	((STATUS != 0 && ${#layers[@]} > 10))
	for layer in "${layers[@]}"; do
		grep -q "^xdp/$layer/fault.cpp:4:.*nullptr" <<<"$SAID"
	done
}
ktap_run "0 as a pointer, in each layer" zero_in_each_layer

touch "$WORK/tree/drivers/nvme/common/compat.h"
printf 'obj-m := fault.o\nccflags-y += -Wno-missing-prototypes\n' \
	>"$WORK/tree/drivers/nvme/tcp/Kbuild"
printf '%s\n#include <linux/module.h>\nint __user *f(void)\n{\n%s\n}\n' \
	"$gpl" '	return (int *)5;' >"$WORK/tree/$c"
ktap_run "pointer into another address space" \
	finds sparse "$c" 5 "address spaces"
