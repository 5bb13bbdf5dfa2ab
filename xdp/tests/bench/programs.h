// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Programs of a few instructions, to measure against and to send with.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_PROGRAMS_H
#define CLOAKLAKE_TESTS_BENCH_PROGRAMS_H

#include <linux/bpf.h>

#include "util/fd.h"
#include "util/result.h"

namespace cloak::test
{

/** A program that does nothing but return @p action. */
[[nodiscard]] Result<Fd> returning(xdp_action action);

/** The same for tc. @param action one of TC_ACT_*. */
[[nodiscard]] Result<Fd> returningFromTc(int action);

/** A program that sends each frame out of the interface @p ifindex. */
[[nodiscard]] Result<Fd> redirecting(unsigned ifindex);

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_BENCH_PROGRAMS_H
