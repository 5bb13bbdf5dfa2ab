// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICReq and ICResp (sections 3.6.2.2 and 3.6.2.3): build, exchange, check.
 */
#include "nvme_tcp.h"

static void icreq_build(const struct nvme_tcp_queue *queue,
			struct nvme_tcp_icreq_pdu *req)
{
	const struct nvmf_ctrl_options *opts = queue->ctrl->ctrl.opts;

	memset(req, 0, sizeof(*req));
	req->hdr.type = nvme_tcp_icreq;
	req->hdr.hlen = sizeof(*req);
	req->hdr.plen = cpu_to_le32(sizeof(*req));
	req->pfv = cpu_to_le16(NVME_TCP_PFV_1_0);
	req->maxr2t = cpu_to_le32(queue->max_r2t - 1);
	req->hpda = queue->hpda;
	if (opts->hdr_digest)
		req->digest |= NVME_TCP_HDR_DIGEST_ENABLE;
	if (opts->data_digest)
		req->digest |= NVME_TCP_DATA_DIGEST_ENABLE;
}

/* What is wrong with an ICResp by itself; NULL if nothing is. Pure. */
static const char *icresp_check(const struct nvme_tcp_icresp_pdu *resp)
{
	u32 maxdata = le32_to_cpu(resp->maxdata);

	if (resp->hdr.type != nvme_tcp_icresp)
		return "the answer to ICReq is no ICResp";
	if (resp->hdr.hlen != sizeof(*resp))
		return "ICResp has a wrong header length";
	if (le32_to_cpu(resp->hdr.plen) != sizeof(*resp))
		return "ICResp has a wrong length";
	if (resp->hdr.flags || resp->hdr.pdo)
		return "ICResp sets reserved fields";
	if (le16_to_cpu(resp->pfv) != NVME_TCP_PFV_1_0)
		return "ICResp has another format version";
	if (resp->cpda > NVME_TCP_PDA_MAX)
		return "ICResp asks for an alignment that is not allowed";
	if (maxdata < NVME_TCP_MIN_MAXH2CDATA || maxdata % 4)
		return "ICResp has a wrong MAXH2CDATA";
	return NULL;
}

/* What the peer made of our wish for digests; NULL if it agreed. Pure. */
static const char *icresp_check_digests(const struct nvme_tcp_icresp_pdu *resp,
					bool hdgst, bool ddgst)
{
	bool has_hdgst = resp->digest & NVME_TCP_HDR_DIGEST_ENABLE;
	bool has_ddgst = resp->digest & NVME_TCP_DATA_DIGEST_ENABLE;

	if (hdgst && !has_hdgst)
		return "the controller refuses the header digest asked for";
	if (ddgst && !has_ddgst)
		return "the controller refuses the data digest asked for";
	if (!hdgst && has_hdgst)
		return "the controller insists on a header digest";
	if (!ddgst && has_ddgst)
		return "the controller insists on a data digest";
	return NULL;
}

static int icreq_send(struct nvme_tcp_queue *queue,
		      struct nvme_tcp_icreq_pdu *req)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = req, .iov_len = sizeof(*req) };
	int ret;

	ret = kernel_sendmsg(queue->sock, &msg, &vec, 1, sizeof(*req));
	if (ret < 0)
		return ret;
	return ret == sizeof(*req) ? 0 : -EIO;
}

static bool icresp_has_news(struct nvme_tcp_queue *queue)
{
	struct sock *sk = queue->sock->sk;

	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       inet_sk_state_load(sk) != TCP_ESTABLISHED;
}

/* How long the answer is, of which @have bytes are there; no ICResp maybe. */
static size_t icresp_len(const struct nvme_tcp_icresp_pdu *resp, size_t have)
{
	if (have < sizeof(resp->hdr))
		return sizeof(resp->hdr);
	if (resp->hdr.type != nvme_tcp_c2h_term)
		return sizeof(*resp);
	return clamp_t(size_t, le32_to_cpu(resp->hdr.plen),
		       sizeof(struct nvme_tcp_term_pdu), sizeof(*resp));
}

/* However many segments it takes, all of them have to be there in time. */
static int icresp_receive(struct nvme_tcp_queue *queue,
			  struct nvme_tcp_icresp_pdu *resp)
{
	unsigned long until = jiffies + NVME_TCP_ICRESP_TMO * HZ;
	size_t have = 0;
	int ret;

	while (have < icresp_len(resp, have)) {
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
		struct kvec vec = {
			.iov_base = (u8 *)resp + have,
			.iov_len = icresp_len(resp, have) - have,
		};

		ret = kernel_recvmsg(queue->sock, &msg, &vec, 1, vec.iov_len,
				     MSG_DONTWAIT);
		if (!ret)
			return -ECONNRESET;
		if (ret > 0) {
			have += ret;
			continue;
		}
		if (ret != -EAGAIN)
			return ret;
		if (time_after_eq(jiffies, until))
			return -ETIMEDOUT;
		ret = nvme_tcp_socket_wait(queue, icresp_has_news,
					   NVME_TCP_ICRESP_TMO);
		if (ret)
			return ret;
	}
	return 0;
}

static int icresp_accept(struct nvme_tcp_queue *queue,
			 const struct nvme_tcp_icresp_pdu *resp)
{
	const struct nvmf_ctrl_options *opts = queue->ctrl->ctrl.opts;
	const char *why = icresp_check(resp);

	if (resp->hdr.type == nvme_tcp_c2h_term) {
		nvme_tcp_term_log(queue, (const void *)resp);
		return -ECONNREFUSED;
	}
	if (!why)
		why = icresp_check_digests(resp, opts->hdr_digest,
					   opts->data_digest);
	if (why) {
		dev_err(nvme_tcp_dev(queue), "queue %d: %s\n", queue->qid, why);
		return -EPROTO;
	}
	queue->hdgst = opts->hdr_digest;
	queue->ddgst = opts->data_digest;
	queue->cpda = resp->cpda;
	queue->maxh2cdata = le32_to_cpu(resp->maxdata);
	return 0;
}

/**
 * nvme_tcp_handshake() - agree with the controller on how to talk
 * @queue: being opened, lock held, with a connected socket
 *
 * May sleep for NVME_TCP_ICRESP_TMO seconds.
 *
 * Return: 0 with @queue's parameters set, or a negative errno: -EPROTO for an
 * answer that is wrong, -ETIMEDOUT for none.
 */
int nvme_tcp_handshake(struct nvme_tcp_queue *queue)
{
	union {
		struct nvme_tcp_icreq_pdu req;
		struct nvme_tcp_icresp_pdu resp;
	} *pdu;
	int ret;

	pdu = kmalloc(sizeof(*pdu), GFP_KERNEL);
	if (!pdu)
		return -ENOMEM;
	queue->hpda = min_t(unsigned int, nvme_tcp_hpda, NVME_TCP_PDA_MAX);
	queue->max_r2t = clamp_t(unsigned int, nvme_tcp_max_r2t, 1,
				 NVME_TCP_R2T_MAX);
	icreq_build(queue, &pdu->req);
	ret = icreq_send(queue, &pdu->req);
	if (!ret)
		ret = icresp_receive(queue, &pdu->resp);
	if (!ret)
		ret = icresp_accept(queue, &pdu->resp);
	kfree(pdu);
	return ret;
}
