#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What cannot be built is refused with one sentence that says what is wrong and
# how to mend it, before anything is done.
#
# where: host
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"
. "$TOP/scripts/lib.sh"

tree_copy
release=$(resolve_kernel 6.12)

try make modules KVER=5.10.0-1-amd64
ktap_run "unsupported kernel" refused 5.10.0-1-amd64 "not supported"

try make modules KVER=6.1.0-1-amd64
ktap_run "kernel without headers" \
	refused "apt-get install linux-headers-6.1.0-1-amd64"

try make modules KDIR=/no/such/folder
ktap_run "kernel tree that is not there" refused /no/such/folder

mkdir -p "$WORK/kdir"
try make modules KDIR="$WORK/kdir"
ktap_run "kernel tree that is not configured" refused modules_prepare

mkdir -p "$WORK/kdir/include/config"
echo 6.6.1-other >"$WORK/kdir/include/config/kernel.release"
try make modules KDIR="$WORK/kdir"
ktap_run "kernel tree of an unsupported release" refused 6.6.1-other

# A tree that is configured without one of the symbols, for each symbol.
config=/lib/modules/$release/build/include/config/auto.conf
echo "$release" >"$WORK/kdir/include/config/kernel.release"
for symbol in CONFIG_NVME_FABRICS CONFIG_NVME_TARGET CONFIG_INET \
	CONFIG_CONFIGFS_FS; do
	grep -v "^$symbol=" "$config" >"$WORK/kdir/include/config/auto.conf"
	try make modules KDIR="$WORK/kdir"
	ktap_run "kernel without $symbol" refused "$symbol" "$release"
done
sed 's/^CONFIG_NVME_TCP=.*/CONFIG_NVME_TCP=y/' "$config" \
	>"$WORK/kdir/include/config/auto.conf"
try make modules KDIR="$WORK/kdir"
ktap_run "kernel with the in-tree module built in" refused "built in"

# dpkg-query, but for one package.
# shellcheck disable=SC2016 # for the script
hides='for a; do [[ $a != %s ]] || { %s; }; done; exec /usr/bin/dpkg-query "$@"'

# shellcheck disable=SC2059
pretend dpkg-query "$(printf "$hides" linux-source-6.12 'exit 1')"
try make modules KVER="$release"
ktap_run "source package is missing" \
	refused "apt-get install linux-source-6.12="

# shellcheck disable=SC2059
pretend dpkg-query "$(printf "$hides" linux-source-6.12 \
	'echo installed 6.12.1-1; exit 0')"
try make modules KVER="$release"
ktap_run "source package of another version" refused 6.12.1-1 "$release"
honest dpkg-query

try scripts/vm.sh --kernel 4.19 -- true
ktap_run "guest with an unsupported kernel" refused 4.19

try scripts/new-test.sh 'Bad Name'
ktap_run "test with a bad name" refused AREA/BEHAVIOUR
