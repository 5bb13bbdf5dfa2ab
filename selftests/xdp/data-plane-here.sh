#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What xdp/data-plane does in guests, in the kernel of this machine.
#
# where: host
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
ktap_need "build/xdp/tests/prog (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/prog"

ktap_gtest "$TOP/build/xdp/tests/prog"
