#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# "make reload" replaces loaded in-tree modules by ours, but never one that has
# a user.
#
# where: guest
# kernels: 6.12
# modules: ours
# timeout: 60
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"

# ours_loaded: has the loaded target the parameters and taint of ours?
ours_loaded() { grep -q O /sys/module/nvmet_tcp/taint; }
reload() { "$TOP/scripts/install.sh" reload; }

# reload_refused: with one sentence that names the module.
reload_refused() {
	local said
	! said=$(reload 2>&1) || return 1
	printf '%s\n' "$said"
	[[ $said == "cloaklake: module nvmet_tcp is in use: "*. ]]
}

load_intree target
ktap_run "in-tree module is loaded" not ours_loaded

ram_disk 16
nvmet_setup in-use /dev/ram0
defer nvmet_clear
ktap_run "a module in use is left alone" reload_refused
ktap_run "it is still the same" not ours_loaded

nvmet_clear
ktap_run "a module without users is replaced" reload
ktap_run "it is ours now" ours_loaded
