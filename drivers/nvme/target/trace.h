/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: PDUs in and out, queue states, errors.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvmet_tcp

#if !defined(NVMET_TCP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVMET_TCP_TRACE_H

#include <linux/tracepoint.h>

#include "nvmet_tcp.h"

/* Room for the reason of an error. */
#define NVMET_TCP_TRACE_WHY	64

#define show_pdu(type)						\
	__print_symbolic(type,					\
		{ nvme_tcp_icreq,	"ICReq" },		\
		{ nvme_tcp_icresp,	"ICResp" },		\
		{ nvme_tcp_h2c_term,	"H2CTermReq" },		\
		{ nvme_tcp_c2h_term,	"C2HTermReq" },		\
		{ nvme_tcp_cmd,		"CapsuleCmd" },		\
		{ nvme_tcp_rsp,		"CapsuleResp" },	\
		{ nvme_tcp_h2c_data,	"H2CData" },		\
		{ nvme_tcp_c2h_data,	"C2HData" },		\
		{ nvme_tcp_r2t,		"R2T" })

#define show_state(state)					\
	__print_symbolic(state,					\
		{ NVMET_TCP_Q_NEW,	"new" },		\
		{ NVMET_TCP_Q_ICREQ,	"icreq" },		\
		{ NVMET_TCP_Q_CONNECT,	"connect" },		\
		{ NVMET_TCP_Q_LIVE,	"live" },		\
		{ NVMET_TCP_Q_TERM,	"term" },		\
		{ NVMET_TCP_Q_DEAD,	"dead" })

DECLARE_EVENT_CLASS(nvmet_tcp_pdu,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 const struct nvme_tcp_hdr *ch),
	TP_ARGS(queue, ch),
	TP_STRUCT__entry(
		__field(int, queue)
		__field(u16, sqid)
		__field(u8, type)
		__field(u8, flags)
		__field(u8, pdo)
		__field(u32, plen)
	),
	TP_fast_assign(
		__entry->queue = queue->id;
		__entry->sqid = queue->sq.qid;
		__entry->type = ch->type;
		__entry->flags = ch->flags;
		__entry->pdo = ch->pdo;
		__entry->plen = le32_to_cpu(ch->plen);
	),
	TP_printk("queue=%d sqid=%u %s flags=%#x pdo=%u plen=%u",
		  __entry->queue, __entry->sqid, show_pdu(__entry->type),
		  __entry->flags, __entry->pdo, __entry->plen)
);

DEFINE_EVENT(nvmet_tcp_pdu, nvmet_tcp_pdu_in,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 const struct nvme_tcp_hdr *ch),
	TP_ARGS(queue, ch));

DEFINE_EVENT(nvmet_tcp_pdu, nvmet_tcp_pdu_out,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 const struct nvme_tcp_hdr *ch),
	TP_ARGS(queue, ch));

TRACE_EVENT(nvmet_tcp_state,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 enum nvmet_tcp_state from, enum nvmet_tcp_state to),
	TP_ARGS(queue, from, to),
	TP_STRUCT__entry(
		__field(int, queue)
		__field(u16, sqid)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		__entry->queue = queue->id;
		__entry->sqid = queue->sq.qid;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("queue=%d sqid=%u %s -> %s", __entry->queue, __entry->sqid,
		  show_state(__entry->from), show_state(__entry->to))
);

TRACE_EVENT(nvmet_tcp_error,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 const struct nvmet_tcp_verdict *v),
	TP_ARGS(queue, v),
	TP_STRUCT__entry(
		__field(int, queue)
		__field(u16, sqid)
		__field(u16, fes)
		__field(u32, fei)
		__array(char, why, NVMET_TCP_TRACE_WHY)
	),
	TP_fast_assign(
		__entry->queue = queue->id;
		__entry->sqid = queue->sq.qid;
		__entry->fes = v->fes;
		__entry->fei = v->fei;
		strscpy(__entry->why, v->why, NVMET_TCP_TRACE_WHY);
	),
	TP_printk("queue=%d sqid=%u FES=%#x FEI=%#x %s", __entry->queue,
		  __entry->sqid, __entry->fes, __entry->fei, __entry->why)
);

TRACE_EVENT(nvmet_tcp_data_digest,
	TP_PROTO(const struct nvmet_tcp_queue *queue,
		 const struct nvmet_tcp_cmd *cmd, __le32 got, u32 crc),
	TP_ARGS(queue, cmd, got, crc),
	TP_STRUCT__entry(
		__field(int, queue)
		__field(u16, sqid)
		__field(u16, command_id)
		__field(u32, got)
		__field(u32, want)
	),
	TP_fast_assign(
		__entry->queue = queue->id;
		__entry->sqid = queue->sq.qid;
		__entry->command_id = cmd->sqe.common.command_id;
		__entry->got = le32_to_cpu(got);
		__entry->want = ~crc;
	),
	TP_printk("queue=%d sqid=%u command=%#x digest=%#x expected=%#x",
		  __entry->queue, __entry->sqid, __entry->command_id,
		  __entry->got, __entry->want)
);

#endif /* NVMET_TCP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
