/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the initiator, under events/nvme_tcp.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvme_tcp

#if !defined(NVME_TCP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVME_TCP_TRACE_H

#include <linux/tracepoint.h>

#include "nvme_tcp.h"

DECLARE_EVENT_CLASS(nvme_tcp_pdu,
	TP_PROTO(const struct nvme_tcp_queue *queue, u8 type, u16 cid,
		 u32 offset, u32 len),
	TP_ARGS(queue, type, cid, offset, len),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(int, qid)
		__field(u8, type)
		__field(u16, cid)
		__field(u32, offset)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->ctrl = queue->ctrl->ctrl.instance;
		__entry->qid = queue->qid;
		__entry->type = type;
		__entry->cid = cid;
		__entry->offset = offset;
		__entry->len = len;
	),
	TP_printk("nvme%d: qid=%d %s cid=%#06x offset=%u len=%u",
		  __entry->ctrl, __entry->qid,
		  __print_symbolic(__entry->type,
				   { nvme_tcp_h2c_term, "H2CTermReq" },
				   { nvme_tcp_c2h_term, "C2HTermReq" },
				   { nvme_tcp_cmd, "CapsuleCmd" },
				   { nvme_tcp_rsp, "CapsuleResp" },
				   { nvme_tcp_h2c_data, "H2CData" },
				   { nvme_tcp_c2h_data, "C2HData" },
				   { nvme_tcp_r2t, "R2T" }),
		  __entry->cid, __entry->offset, __entry->len)
);

/* A PDU was taken for sending. */
DEFINE_EVENT(nvme_tcp_pdu, nvme_tcp_pdu_send,
	TP_PROTO(const struct nvme_tcp_queue *queue, u8 type, u16 cid,
		 u32 offset, u32 len),
	TP_ARGS(queue, type, cid, offset, len));

/* The header of a PDU was received. */
DEFINE_EVENT(nvme_tcp_pdu, nvme_tcp_pdu_recv,
	TP_PROTO(const struct nvme_tcp_queue *queue, u8 type, u16 cid,
		 u32 offset, u32 len),
	TP_ARGS(queue, type, cid, offset, len));

/* One call of the socket took some bytes. */
TRACE_EVENT(nvme_tcp_send,
	TP_PROTO(const struct nvme_tcp_queue *queue, int sent, size_t left),
	TP_ARGS(queue, sent, left),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(int, qid)
		__field(int, sent)
		__field(size_t, left)
	),
	TP_fast_assign(
		__entry->ctrl = queue->ctrl->ctrl.instance;
		__entry->qid = queue->qid;
		__entry->sent = sent;
		__entry->left = left;
	),
	TP_printk("nvme%d: qid=%d sent=%d left=%zu",
		  __entry->ctrl, __entry->qid, __entry->sent, __entry->left)
);

/* A queue went from one state to another. */
TRACE_EVENT(nvme_tcp_queue_state,
	TP_PROTO(const struct nvme_tcp_queue *queue, int from, int to),
	TP_ARGS(queue, from, to),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(int, qid)
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->ctrl = queue->ctrl->ctrl.instance;
		__entry->qid = queue->qid;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("nvme%d: qid=%d %s -> %s", __entry->ctrl, __entry->qid,
		  __print_symbolic(__entry->from,
				   { NVME_TCP_Q_IDLE, "idle" },
				   { NVME_TCP_Q_OPEN, "open" },
				   { NVME_TCP_Q_LIVE, "live" },
				   { NVME_TCP_Q_BROKEN, "broken" }),
		  __print_symbolic(__entry->to,
				   { NVME_TCP_Q_IDLE, "idle" },
				   { NVME_TCP_Q_OPEN, "open" },
				   { NVME_TCP_Q_LIVE, "live" },
				   { NVME_TCP_Q_BROKEN, "broken" }))
);

/* Something was wrong with what the peer sent. */
TRACE_EVENT(nvme_tcp_error,
	TP_PROTO(const struct nvme_tcp_queue *queue, u16 cid, const char *why),
	TP_ARGS(queue, cid, why),
	TP_STRUCT__entry(
		__field(int, ctrl)
		__field(int, qid)
		__field(u16, cid)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->ctrl = queue->ctrl->ctrl.instance;
		__entry->qid = queue->qid;
		__entry->cid = cid;
		nvme_tcp_compat_assign_str(why, why);
	),
	TP_printk("nvme%d: qid=%d cid=%#06x %s", __entry->ctrl, __entry->qid,
		  __entry->cid, __get_str(why))
);

#endif /* NVME_TCP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

/* This part must be outside protection. */
#include <trace/define_trace.h>
