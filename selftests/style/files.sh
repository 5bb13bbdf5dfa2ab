#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Licences, words and shell scripts.
#
# where: host
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"

ktap_run "every file names its licence" \
	"$TOP/scripts/check-style.sh" licence
ktap_run "no unfinished business, no stray version checks" \
	"$TOP/scripts/check-style.sh" words
ktap_need_commands shellcheck
ktap_run "shellcheck has no findings" "$TOP/scripts/check-style.sh" shell
