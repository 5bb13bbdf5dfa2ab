// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The queueing discipline that filters of tc hang on.
 */
#ifndef CLOAKLAKE_BPF_QDISC_H
#define CLOAKLAKE_BPF_QDISC_H

#include "util/result.h"

namespace cloak
{

/**
 * Gives an interface its clsact, if it has none. Fails with EBUSY where an
 * ingress qdisc is in its place: that takes filters for both directions, and
 * has them all see what comes in.
 */
[[nodiscard]] Status makeClsact(unsigned ifindex);

} // namespace cloak

#endif // CLOAKLAKE_BPF_QDISC_H
