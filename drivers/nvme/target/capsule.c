// SPDX-License-Identifier: GPL-2.0-only
/*
 * From received PDUs to commands: capsules, the data that follows them, and
 * what happens to a command until nvmet has it.
 *
 * A capsule is read with all its data before nvmet learns of it. So a command
 * that nvmet refuses needs no care for the data behind it, and a reference on
 * the submission queue is held only by commands that nvmet has accepted.
 */
#include <linux/blkdev.h>

#include "nvmet_tcp.h"
#include "trace.h"

/*
 * A host may reuse an entry as soon as it has the response, which can be a
 * moment before the transmit side has given the command back. So a queue
 * without a free command is the host's fault only where nothing is being
 * sent; look at that first, for it cannot come back by itself.
 */
static struct nvmet_tcp_cmd *new_cmd(struct nvmet_tcp_queue *queue, gfp_t gfp)
{
	bool sending = nvmet_tcp_send_pending(queue);
	struct nvmet_tcp_rx *rx = &queue->rx;
	struct nvmet_tcp_cmd *cmd = nvmet_tcp_cmd_take(queue, gfp);

	if (!IS_ERR(cmd)) {
		cmd->sqe = rx->hdr.cmd.cmd;
		cmd->icd_len = rx->span.len;
		rx->cmd = cmd;
		rx->offset = 0;
	} else if (cmd == ERR_PTR(-EBUSY) && !sending) {
		rx->verdict = (struct nvmet_tcp_verdict) {
			.fes = NVME_TCP_FES_PDU_SEQ_ERR,
			.why = "more commands than the queue has entries",
		};
	}
	return cmd;
}

/**
 * nvmet_tcp_capsule_begin() - a command capsule starts
 * @queue: owned by io_work, with the checked header in its rx.hdr
 * @gfp: GFP_NOWAIT where the caller must not sleep
 *
 * With a @gfp that may sleep, the lack of memory for in-capsule data fails
 * the command and drops the data.
 *
 * Return: 0 where the data can be taken; -ENOMEM where it has to be tried
 * again with a @gfp that may sleep; -EBUSY where a command has to be
 * answered first. rx.verdict is set where the host sent too many commands.
 */
int nvmet_tcp_capsule_begin(struct nvmet_tcp_queue *queue, gfp_t gfp)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	struct nvmet_tcp_cmd *cmd = rx->cmd;

	if (!cmd) {
		cmd = new_cmd(queue, gfp);
		if (IS_ERR(cmd))
			return PTR_ERR(cmd);
	}
	if (!rx->span.len || !nvmet_tcp_buf_alloc(&queue->cache, &cmd->buf,
						  rx->span.len, gfp))
		return 0;
	if (!gfpflags_allow_blocking(gfp))
		return -ENOMEM;
	set_bit(NVMET_TCP_CMD_NO_MEMORY, &cmd->flags);
	nvmet_tcp_stat_add(&queue->stats.rx_no_memory, 1);
	return 0;
}

/**
 * nvmet_tcp_capsule_end() - a command capsule is complete
 * @queue: owned by io_work
 */
void nvmet_tcp_capsule_end(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;

	nvmet_tcp_stat_add(&queue->stats.rx_capsules, 1);
	nvmet_tcp_stat_add(&queue->stats.rx_icd_bytes, rx->span.len);
	rx->cmd->phase = NVMET_TCP_CMD_READY;
	list_add_tail(&rx->cmd->entry, &rx->ready);
	if (nvmet_tcp_queue_state(queue) == NVMET_TCP_Q_CONNECT)
		rx->wait = NVMET_TCP_RX_WAIT_EXEC;
}

static u32 r2t_len(void)
{
	return nvmet_tcp_max_r2t_len ?: NVMET_TCP_TRANSFER_MAX;
}

static void window_of(const struct nvmet_tcp_cmd *cmd,
		      struct nvmet_tcp_window *win)
{
	u32 asked = READ_ONCE(cmd->r2t_end);
	u32 end = min(cmd->rx_done - cmd->rx_done % cmd->r2t_len +
		      cmd->r2t_len, asked);

	*win = (struct nvmet_tcp_window) {
		.command_id	= cmd->sqe.common.command_id,
		.next		= cmd->rx_done,
		.end		= end,
		.total		= cmd->buf.len,
	};
}

/**
 * nvmet_tcp_h2cdata_begin() - an H2CData starts
 * @queue: owned by io_work, with the header in its rx.hdr
 *
 * Return: false where the connection has to end, for rx.verdict.
 */
bool nvmet_tcp_h2cdata_begin(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	const struct nvme_tcp_data_pdu *pdu = &rx->hdr.data;
	struct nvmet_tcp_window win;
	struct nvmet_tcp_cmd *cmd;

	cmd = nvmet_tcp_cmd_find(queue, pdu->ttag);
	if (!cmd) {
		rx->verdict = (struct nvmet_tcp_verdict) {
			.fes = NVME_TCP_FES_INVALID_PDU_HDR,
			.fei = offsetof(struct nvme_tcp_data_pdu, ttag),
			.why = "H2CData with a transfer tag that is not in use",
		};
		return false;
	}
	window_of(cmd, &win);
	if (!nvmet_tcp_pdu_check_h2cdata(pdu, &queue->terms, &rx->span,
					 &rx->verdict) ||
	    !nvmet_tcp_pdu_check_window(pdu, &win, &rx->verdict))
		return false;
	rx->cmd = cmd;
	rx->offset = cmd->rx_done;
	return true;
}

/**
 * nvmet_tcp_h2cdata_end() - an H2CData is complete
 * @queue: owned by io_work
 */
void nvmet_tcp_h2cdata_end(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	struct nvmet_tcp_cmd *cmd = rx->cmd;

	nvmet_tcp_stat_add(&queue->stats.rx_h2cdata, 1);
	nvmet_tcp_stat_add(&queue->stats.rx_h2cdata_bytes, rx->span.len);
	WRITE_ONCE(cmd->rx_done, cmd->rx_done + rx->span.len);
	if (cmd->rx_done == cmd->buf.len) {
		cmd->phase = NVMET_TCP_CMD_H2C_READY;
		list_add_tail(&cmd->entry, &rx->ready);
	} else if (rx->hdr.data.hdr.flags & NVME_TCP_F_DATA_LAST &&
		   READ_ONCE(cmd->r2t_end) < cmd->buf.len) {
		nvmet_tcp_send_r2t(cmd);
	}
}

static u32 max_transfer(void)
{
	return 1U << (nvmet_tcp_mdts + 12);
}

/* Does nvmet agree with the length? It completes the command if not. */
static bool check_length(struct nvmet_req *req)
{
	size_t want = nvmet_req_transfer_len(req);

	/* The ranges of a DSM may come in a larger buffer. */
	if (!want || (req->cmd->common.opcode == nvme_cmd_dsm && req->sq->qid &&
		      req->transfer_len >= want))
		return true;
	return nvmet_check_transfer_len(req, want);
}

/*
 * Whether success means that all of the memory was written. A report of zones
 * or what a drive behind nvmet answers may be shorter than the host has room
 * for, and what memory held before is none of the host's business.
 */
static bool fills_buffer(const struct nvmet_tcp_cmd *cmd)
{
	return cmd->queue->sq.qid && cmd->sqe.common.opcode == nvme_cmd_read;
}

static u16 map_data(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_queue *queue = cmd->queue;
	struct nvmet_tcp_buf *buf = &cmd->buf;
	u32 len = cmd->req.transfer_len;

	if (!len)
		return 0;
	if (!cmd->icd_len) {
		if (nvmet_tcp_buf_alloc(&queue->cache, buf, len, GFP_KERNEL))
			return NVME_SC_INTERNAL;
		if (!nvme_tcp_wire_is_write(&cmd->sqe) && !fills_buffer(cmd))
			nvmet_tcp_buf_zero(buf);
	}
	cmd->req.sg = buf->sg;
	cmd->req.sg_cnt = buf->nr;
	return 0;
}

static void execute(struct nvmet_tcp_cmd *cmd)
{
	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_EXEC);
	cmd->req.execute(&cmd->req);
}

static void fail(struct nvmet_tcp_cmd *cmd, u16 status)
{
	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_EXEC);
	nvmet_req_complete(&cmd->req, status);
}

/* The capsule is complete: introduce the command to nvmet. */
static void start(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_queue *queue = cmd->queue;
	struct nvmet_req *req = &cmd->req;
	u32 len;
	u16 status;

	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_EXEC);
	if (!nvmet_req_init(req, &queue->cq, &queue->sq, &nvmet_tcp_ops))
		return;
	if (cmd->flags) {
		fail(cmd, test_bit(NVMET_TCP_CMD_BAD_DIGEST, &cmd->flags) ?
			  NVME_TCP_SC_TRANSIENT_TR_ERR : NVME_SC_INTERNAL);
		return;
	}
	status = nvmet_tcp_pdu_check_sgl(&cmd->sqe, cmd->icd_len,
					 max_transfer(), &len);
	req->transfer_len = len;
	if (!status && !check_length(req))
		return;
	if (!status)
		status = map_data(cmd);
	if (status) {
		req->error_loc = offsetof(struct nvme_common_command, dptr);
		fail(cmd, status);
	} else if (len && !cmd->icd_len && nvme_tcp_wire_is_write(&cmd->sqe)) {
		cmd->r2t_len = r2t_len();
		WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_H2C);
		nvmet_tcp_send_r2t(cmd);
	} else {
		execute(cmd);
	}
}

/**
 * nvmet_tcp_capsule_run_ready() - start and execute what was received
 * @queue: owned by io_work, socket not locked
 *
 * What the host sent ahead of a fatal error is left to the teardown.
 */
void nvmet_tcp_capsule_run_ready(struct nvmet_tcp_queue *queue)
{
	struct list_head *ready = &queue->rx.ready;
	struct nvmet_tcp_cmd *cmd;
	struct blk_plug plug;

	if (list_empty(ready) ||
	    nvmet_tcp_queue_state(queue) >= NVMET_TCP_Q_TERM)
		return;
	blk_start_plug(&plug);
	while (!list_empty(ready)) {
		cmd = list_first_entry(ready, struct nvmet_tcp_cmd, entry);
		list_del_init(&cmd->entry);
		if (cmd->phase == NVMET_TCP_CMD_READY)
			start(cmd);
		else if (test_bit(NVMET_TCP_CMD_BAD_DIGEST, &cmd->flags))
			fail(cmd, NVME_TCP_SC_TRANSIENT_TR_ERR);
		else
			execute(cmd);
	}
	blk_finish_plug(&plug);
}
