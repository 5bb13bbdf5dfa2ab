// SPDX-License-Identifier: Apache-2.0
/*
 * The data plane as a later release of the same ABI may have it: a map more,
 * and code that differs.
 */
#include "abi/policy.h"

#undef CLOAK_DEFAULT_EVENTS_PER_SECOND
#define CLOAK_DEFAULT_EVENTS_PER_SECOND 1001

#include "cloak.bpf.c"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} later SEC(".maps");
