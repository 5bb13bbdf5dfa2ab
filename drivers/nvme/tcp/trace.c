// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints of the initiator, made from trace.h.
 */
#include "nvme_tcp.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
