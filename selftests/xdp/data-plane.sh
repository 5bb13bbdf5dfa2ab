#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The BPF programs in each supported kernel, frame by frame: every kind of
# probe, cut off anywhere, from strangers and peers, both directions; policies,
# counters, events. No traffic; BPF_PROG_TEST_RUN.
#
# where: guest
# timeout: 480
. "$(dirname "$0")/../lib/ktap.sh"
ktap_need "build/xdp/tests/prog (make -C xdp tests)" \
	test -x "$TOP/build/xdp/tests/prog"

# An emulated processor is slow, and xdp/data-plane-here has the rest: more
# frames, and the largest table, which user space takes most of the time for.
export CLOAK_FUZZ_ROUNDS=1000
ktap_gtest "$TOP/build/xdp/tests/prog" --gtest_filter=-RulesTest.FiftyThousand*
