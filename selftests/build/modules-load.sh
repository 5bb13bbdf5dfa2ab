#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The modules that were built are those that modprobe finds, carry the names of
# the in-tree ones, fit the kernel, and go as they came.
#
# where: guest
# modules: ours
# timeout: 200
# cpus: 1
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"

for name in nvme_tcp nvmet_tcp; do
	file=$CLOAK_MODULES/${name//_/-}.ko
	ktap_run "$name: is built for this kernel" \
		test "$(modinfo -F vermagic "$file" | cut -d' ' -f1)" == \
		"$(uname -r)"
	ktap_run "$name: has the GPL as its licence" \
		grep -qx GPL <(modinfo -F license "$file")
	ktap_run "$name: modprobe finds ours" \
		cmp "$(modinfo -n "$name")" "$file"
	ktap_run "$name: loads" modprobe "$name"
	ktap_run "$name: is there under its name" test -d "/sys/module/$name"
	ktap_run "$name: unloads" modprobe -r "$name"
	ktap_run "$name: is gone" test ! -d "/sys/module/$name"
done

ktap_run "aliases lead to ours" modprobe nvmet-transport-3
ktap_run "the target is loaded by its alias" test -d /sys/module/nvmet_tcp
rmmod nvmet_tcp
ktap_run "the in-tree one can be had as well" load_intree target
