// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The filters of tc that belong to the cloak: one for each direction of an
 * interface, on its clsact.
 */
#ifndef CLOAKLAKE_BPF_FILTERS_H
#define CLOAKLAKE_BPF_FILTERS_H

#include <bpf/libbpf.h>

#include "util/result.h"

namespace cloak
{

/** Puts our filter there, or another program into it. */
[[nodiscard]] Status attachFilter(int program, unsigned ifindex,
                                  bpf_tc_attach_point where);

/** Takes it away, if it is there. */
[[nodiscard]] Status detachFilter(unsigned ifindex, bpf_tc_attach_point where);

/** Both of them. */
[[nodiscard]] Status detachFilters(unsigned ifindex);

/** Whether our filter is there. */
[[nodiscard]] bool hasFilter(unsigned ifindex, bpf_tc_attach_point where);

/** The same, with that program in it. */
[[nodiscard]] bool hasFilter(unsigned ifindex, bpf_tc_attach_point where,
                             int program);

} // namespace cloak

#endif // CLOAKLAKE_BPF_FILTERS_H
