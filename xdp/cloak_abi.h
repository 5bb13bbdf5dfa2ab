/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one description of what the data plane (kern/) and user space (bpf/)
 * say to each other: map keys and values, verdict numbers, events. Both sides
 * include this file, whose parts are in abi/; nothing in it is declared a
 * second time anywhere.
 *
 * Rules of the house:
 *  - numbers are stable: a retired one keeps its place in the enum,
 *  - every structure is free of implicit padding and its size is asserted,
 *  - an incompatible change raises CLOAK_ABI_VERSION, which is part of the
 *    pinned configuration, so that the maps of another release are not
 *    misread but replaced,
 *  - what one release reads of another stays in all versions: abi_version at
 *    the beginning of "config", "generation" and CLOAK_SLOT, "peer_slots" and
 *    the pins of what hangs there; cloak_prefix and cloak_peer, unless their
 *    sizes change.
 *
 * Addresses are 16 bytes in network order; an IPv4 address is written as
 * IPv4-mapped IPv6 (::ffff:a.b.c.d), and an IPv4 prefix /n as /(96 + n).
 * Ports and other numbers are in host order unless their type says __be.
 * Times are nanoseconds of CLOCK_BOOTTIME unless a field says otherwise.
 */
#ifndef CLOAK_ABI_H
#define CLOAK_ABI_H

#include "abi/base.h"
#include "abi/policy.h"
#include "abi/rules.h"
#include "abi/verdicts.h"
#include "abi/events.h"
#include "abi/state.h"
#include "abi/shadows.h"

#endif /* CLOAK_ABI_H */
