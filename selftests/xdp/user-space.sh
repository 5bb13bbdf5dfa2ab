#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Unit tests of the cloak's user space: addresses, policies with every mistake
# that they can have, compiling, alerts, outputs, control socket.
#
# where: host
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
ktap_need "build/xdp/tests/unit (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/unit"

ktap_gtest "$TOP/build/xdp/tests/unit"
