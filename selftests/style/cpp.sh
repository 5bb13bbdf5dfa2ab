#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# C++ of user space.
#
# where: host
# timeout: 900
. "$(dirname "$0")/../lib/ktap.sh"

ktap_need_commands clang-format clang-tidy
ktap_run "clang-format would change nothing" \
	"$TOP/scripts/check-style.sh" format
ktap_run "clang-tidy has no findings" "$TOP/scripts/check-style.sh" tidy
