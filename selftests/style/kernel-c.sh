#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# C of the modules and of the BPF programs.
#
# where: host
# timeout: 600
. "$(dirname "$0")/../lib/ktap.sh"

ktap_need_commands sparse perl
ktap_run "checkpatch --strict has no findings" \
	"$TOP/scripts/check-style.sh" checkpatch
ktap_run "sparse and the compiler have no findings on either kernel" \
	"$TOP/scripts/check-style.sh" sparse
