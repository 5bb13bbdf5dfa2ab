#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What "make install" puts in, modprobe prefers to the in-tree modules; after
# "make uninstall" everything is as it was. In a mount namespace with overlays
# on the folders that are written to.
#
# where: host
# timeout: 120
[[ -n ${OWN_MOUNTS:-} ]] || OWN_MOUNTS=yes exec unshare --mount "$0"
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"
. "$TOP/scripts/lib.sh"

# overlay FOLDER NAME: what is written there ends up in WORK/NAME/upper.
overlay() {
	local dir=$WORK/$2
	mkdir "$dir"
	mount -t tmpfs tmpfs "$dir"
	defer umount "$dir"
	mkdir "$dir/upper" "$dir/work"
	mount -t overlay -o \
		"lowerdir=$1,upperdir=$dir/upper,workdir=$dir/work" overlay "$1"
	defer umount "$1"
}

# written: the files there, but for the indices of depmod.
written() {
	find "$WORK"/{modules,local}/upper -type f ! -name 'modules.*'
}

release=$(resolve_kernel 6.1)
tree_copy
overlay "/lib/modules/$release" modules
overlay /usr/local local

try make install KVER="$release"
ktap_run "nothing is installed that is not built" \
	refused "make modules KVER=$release"
ktap_run "nor half of it" test -z "$(written)"

mkdir -p "$WORK/tree/build/$release"
cp "$TOP/build/$release"/*.ko "$WORK/tree/build/$release/"
try make install KVER="$release"
ktap_run "installs" test "$STATUS" == 0
ktap_run "modprobe prefers ours" grep -qx \
	"insmod /lib/modules/$release/updates/nvmet-tcp.ko *" \
	<(modprobe -S "$release" --show-depends nvmet-tcp)
try make uninstall KVER="$release"
ktap_run "uninstalls" test "$STATUS" == 0
ktap_run "the in-tree one is back" grep -q \
	"/kernel/drivers/nvme/target/nvmet-tcp.ko" \
	<(modprobe -S "$release" --show-depends nvmet-tcp)
ktap_run "nothing is left" test -z "$(written)"
