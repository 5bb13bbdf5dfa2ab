// SPDX-License-Identifier: GPL-2.0-only
/*
 * From received PDUs to commands: capsules, the data that follows them, and
 * what happens to a command until nvmet has it.
 *
 * A capsule is read with all its data before nvmet learns of it, so a command
 * that nvmet refuses needs no care for the data behind it. Where data is to
 * follow in H2CData, nvmet looks at the command before it is asked for, and
 * again when it is here. In between nothing of nvmet's is held, neither the
 * namespace nor the submission queue: a host may withhold data for ever.
 *
 * Commands that need memory wait, on rx.starved, while those before them hold
 * as much as their queue may have. They get it as responses leave. All others
 * pass by, for they are what frees memory.
 */
#include <linux/blkdev.h>

#include "nvmet_tcp.h"
#include "trace.h"

/* Before Connect there is nothing to be said; a host has a few tries. */
#define EARLY_MAX	8

static int get_memory(struct nvmet_tcp_cmd *cmd, u32 len, gfp_t gfp)
{
	struct nvmet_tcp_queue *queue = cmd->queue;

	if (nvmet_tcp_buf_alloc(&queue->cache, &cmd->buf, len, gfp))
		return -ENOMEM;
	queue->pool.held += len;
	return 0;
}

/*
 * A host may reuse an entry as soon as it has the response, which can be a
 * moment before the transmit side has given the command back. So a queue
 * without a free command is the host's fault only where nothing is being
 * sent, and had nothing to be sent before it was looked at once more.
 */
static struct nvmet_tcp_cmd *new_cmd(struct nvmet_tcp_queue *queue, gfp_t gfp)
{
	struct nvmet_tcp_cmd *cmd = nvmet_tcp_cmd_take(queue, gfp);
	struct nvmet_tcp_rx *rx = &queue->rx;
	bool sending = false;

	if (cmd == ERR_PTR(-EBUSY)) {
		sending = nvmet_tcp_send_pending(queue);
		cmd = nvmet_tcp_cmd_take(queue, gfp);
	}
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
 * nvmet_tcp_capsule_check() - may a command capsule with this header follow
 * @queue: owned by io_work, with the header in its rx.hdr
 *
 * Return: false where the connection has to end, for rx.verdict.
 */
bool nvmet_tcp_capsule_check(struct nvmet_tcp_queue *queue)
{
	bool live = nvmet_tcp_queue_state(queue) != NVMET_TCP_Q_CONNECT;
	struct nvmet_tcp_rx *rx = &queue->rx;

	/* nvmet logs each Connect that it refuses. */
	if (!live && rx->early >= EARLY_MAX) {
		rx->verdict = (struct nvmet_tcp_verdict) {
			.fes = NVME_TCP_FES_PDU_SEQ_ERR,
			.why = "too many commands and no Connect that succeeds",
		};
		return false;
	}
	return nvmet_tcp_pdu_check_capsule(&rx->hdr.cmd, live, queue->sq.qid,
					   &queue->terms, &rx->span,
					   &rx->verdict);
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
	if (!rx->span.len || !get_memory(cmd, rx->span.len, gfp))
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
	if (nvmet_tcp_queue_state(queue) != NVMET_TCP_Q_CONNECT)
		return;
	rx->early++;
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
	if (rx->hdr.data.hdr.flags & NVME_TCP_F_DATA_LAST)
		nvmet_tcp_stat_add(&queue->stats.rx_r2t_done, 1);
	WRITE_ONCE(cmd->rx_done, cmd->rx_done + rx->span.len);
	if (cmd->rx_done == cmd->buf.len) {
		cmd->phase = NVMET_TCP_CMD_H2C_READY;
		list_add_tail(&cmd->entry, &rx->ready);
	} else if (rx->hdr.data.hdr.flags & NVME_TCP_F_DATA_LAST &&
		   READ_ONCE(cmd->r2t_end) < cmd->buf.len) {
		nvmet_tcp_send_r2t(cmd);
	}
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

static void refuse(struct nvmet_tcp_cmd *cmd, u16 status)
{
	cmd->req.error_loc = offsetof(struct nvme_common_command, dptr);
	nvmet_req_complete(&cmd->req, status);
}

/*
 * Let nvmet look at the command: it has a reference on the submission queue
 * and on the namespace where this returns true, and is answered otherwise.
 */
static bool introduce(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_tcp_queue *queue = cmd->queue;
	struct nvmet_req *req = &cmd->req;
	u32 len;
	u16 status;

	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_EXEC);
	if (!nvmet_req_init(req, &queue->cq, &queue->sq, &nvmet_tcp_ops))
		return false;
	if (cmd->flags) {
		status = test_bit(NVMET_TCP_CMD_BAD_DIGEST, &cmd->flags) ?
			 NVME_TCP_SC_TRANSIENT_TR_ERR : NVME_SC_INTERNAL;
		nvmet_req_complete(req, status);
		return false;
	}
	status = nvmet_tcp_pdu_check_sgl(&cmd->sqe, cmd->icd_len,
					 queue->max_transfer, &len);
	req->transfer_len = len;
	if (status) {
		refuse(cmd, status);
		return false;
	}
	return check_length(req);
}

/* The data is here, or there is none. */
static void execute(struct nvmet_tcp_cmd *cmd)
{
	struct nvmet_req *req = &cmd->req;

	if (!introduce(cmd))
		return;
	if (req->transfer_len && !cmd->buf.nr) {
		if (get_memory(cmd, req->transfer_len, GFP_KERNEL)) {
			refuse(cmd, NVME_SC_INTERNAL);
			return;
		}
		if (!fills_buffer(cmd))
			nvmet_tcp_buf_zero(&cmd->buf);
	}
	if (req->transfer_len) {
		req->sg = cmd->buf.sg;
		req->sg_cnt = cmd->buf.nr;
	}
	req->execute(req);
}

/* Ask for the data of a command that nvmet has nothing against. */
static void ask_for_data(struct nvmet_tcp_cmd *cmd)
{
	if (!introduce(cmd))
		return;
	if (get_memory(cmd, cmd->req.transfer_len, GFP_KERNEL)) {
		refuse(cmd, NVME_SC_INTERNAL);
		return;
	}
	/* The host may take its time; nvmet is asked again afterwards. */
	nvmet_req_uninit(&cmd->req);
	cmd->r2t_len = r2t_len();
	WRITE_ONCE(cmd->phase, NVMET_TCP_CMD_H2C);
	nvmet_tcp_send_r2t(cmd);
}

/* The capsule is complete. */
static void start(struct nvmet_tcp_cmd *cmd)
{
	if (nvme_tcp_wire_is_write(&cmd->sqe) && !cmd->icd_len &&
	    cmd->sqe.common.dptr.sgl.length)
		ask_for_data(cmd);
	else
		execute(cmd);
}

static bool needs_memory(const struct nvmet_tcp_cmd *cmd)
{
	return cmd->phase == NVMET_TCP_CMD_READY && !cmd->buf.nr &&
	       cmd->sqe.common.dptr.sgl.length;
}

static bool has_memory(const struct nvmet_tcp_queue *queue)
{
	return queue->pool.held < (queue->sq.qid ? nvmet_tcp_max_queue_data :
						   queue->max_transfer);
}

/**
 * nvmet_tcp_capsule_can_go_on() - is there memory for one that waits for it
 * @queue: owned by io_work
 *
 * Return: true where nvmet_tcp_capsule_run_ready() has something to do.
 */
bool nvmet_tcp_capsule_can_go_on(const struct nvmet_tcp_queue *queue)
{
	return !list_empty(&queue->rx.starved) && has_memory(queue);
}

static struct nvmet_tcp_cmd *next_ready(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_rx *rx = &queue->rx;
	struct nvmet_tcp_cmd *cmd;

	if (nvmet_tcp_capsule_can_go_on(queue)) {
		cmd = list_first_entry(&rx->starved, struct nvmet_tcp_cmd,
				       entry);
		list_del_init(&cmd->entry);
		return cmd;
	}
	while (!list_empty(&rx->ready)) {
		cmd = list_first_entry(&rx->ready, struct nvmet_tcp_cmd, entry);
		list_del_init(&cmd->entry);
		if (!needs_memory(cmd) || has_memory(queue))
			return cmd;
		list_add_tail(&cmd->entry, &rx->starved);
		nvmet_tcp_stat_add(&queue->stats.rx_waits_data, 1);
	}
	return NULL;
}

/**
 * nvmet_tcp_capsule_run_ready() - start and execute what was received
 * @queue: owned by io_work, socket not locked
 *
 * What the host sent ahead of a fatal error is left to the teardown.
 */
void nvmet_tcp_capsule_run_ready(struct nvmet_tcp_queue *queue)
{
	struct nvmet_tcp_cmd *cmd;
	struct blk_plug plug;

	if ((list_empty(&queue->rx.ready) &&
	     !nvmet_tcp_capsule_can_go_on(queue)) ||
	    nvmet_tcp_queue_state(queue) >= NVMET_TCP_Q_TERM)
		return;
	blk_start_plug(&plug);
	while ((cmd = next_ready(queue))) {
		if (cmd->phase == NVMET_TCP_CMD_READY)
			start(cmd);
		else
			execute(cmd);
	}
	blk_finish_plug(&plug);
}
