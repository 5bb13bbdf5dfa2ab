#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A private header whose layout is not that of the installed modules stops the
# build before anything is compiled. Without that, a module built with a
# struct nvme_ctrl of the wrong size loads and corrupts memory.
#
# where: host
# timeout: 300
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"
. "$TOP/scripts/lib.sh"

tree_copy
tree_unpacked
for series in "${SERIES[@]}"; do
	release=$(resolve_kernel "$series")
	private=$WORK/tree/build/$release/private
	headers=("$release" "/lib/modules/$release/build" "$private")
	"$WORK/tree/scripts/private-headers.sh" "${headers[@]}"
	rm -rf "$WORK/good"
	cp -r "$private" "$WORK/good"

	try scripts/check-layout.sh "${headers[@]}" "$WORK/layout"
	ktap_run "$series: true headers pass" test "$STATUS" == 0
	start=${EPOCHREALTIME/./}
	try scripts/check-layout.sh "${headers[@]}" "$WORK/layout"
	ktap_run "$series: a second look takes less than 2 s" \
		test "$((${EPOCHREALTIME/./} - start))" -lt $((2000000 * ${CLOAK_SLOW:-1}))

	sed -i 's/^struct nvme_ctrl {$/&\n\tu64 grown;/' "$private/host/nvme.h"
	try make modules KVER="$release"
	ktap_run "$series: nvme_ctrl grown by 8 bytes" \
		refused nvme_ctrl "$release" linux-source
done

# The other kinds of difference, with the kernel that was last.
rm -r "$private"
cp -r "$WORK/good" "$private"
sed -i 's/^struct nvmet_sq {$/&\n\tu8 grown;/' "$private/target/nvmet.h"
try make modules KVER="$release"
ktap_run "nvmet_sq with one more byte" refused nvmet_sq

rm -r "$private"
cp -r "$WORK/good" "$private"
sed -i 's/^\tNVME_CTRL_LIVE,$/\tNVME_CTRL_ODD,\n&/' "$private/host/nvme.h"
try make modules KVER="$release"
ktap_run "another number for a state" refused nvme_ctrl_state
