// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A connection to a receiver: TCP, TLS over TCP, or UDP.
 */
#ifndef CLOAKLAKE_EXPORT_STREAM_H
#define CLOAKLAKE_EXPORT_STREAM_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "policy/seeing.h"
#include "util/cutoff.h"
#include "util/fd.h"
#include "util/result.h"

struct ssl_ctx_st; // OpenSSL
struct ssl_st;

namespace cloak
{

/**
 * Waits, so it belongs to a thread that has nothing else to do, but for no
 * longer than a time limit, and never beyond a cutoff that another thread may
 * set. Not for several threads.
 */
class Stream
{
public:
	/** So long the other end may take for whatever it has to do next. */
	static constexpr std::chrono::seconds kPatience{3};
	/** So long it may leave unacknowledged what was sent to it. */
	static constexpr std::chrono::seconds kMostSilence{30};

	/**
	 * Connects. With TLS (1.2 or later) the receiver's certificate must be
	 * good for the host of the endpoint, by name or address. Only to find
	 * the addresses of a name may take longer than the cutoff.
	 * @param cutoff must stay as long as the stream.
	 */
	[[nodiscard]] static Result<std::unique_ptr<Stream>>
	connect(const ReceiverPolicy &receiver, const Cutoff &cutoff);

	Stream(const Stream &) = delete;
	Stream &operator=(const Stream &) = delete;
	~Stream();

	/** Sends all of it; a datagram as one. */
	Status send(std::string_view bytes);

	/**
	 * Fails if the receiver has closed, as receivers say nothing else, or
	 * if the connection is lost.
	 */
	Status check();

	/** Octets given to the kernel so far; with TLS, those of TLS. */
	[[nodiscard]] std::uint64_t given() const;

	/**
	 * Those of them that the receiver's host has acknowledged, also of a
	 * connection that was lost. Of datagrams all of them, for nobody
	 * acknowledges those.
	 */
	[[nodiscard]] std::uint64_t acknowledged() const;

private:
	struct ContextDeleter {
		void operator()(ssl_ctx_st *context) const;
	};
	struct SessionDeleter {
		void operator()(ssl_st *session) const;
	};

	explicit Stream(const Cutoff &cutoff) : cutoff_(cutoff) {}

	Status open(const Endpoint &to);
	Status secure(const ReceiverPolicy &receiver);
	Status shakeHands();
	Status checkSession();
	Result<std::size_t> sendSome(std::string_view bytes);
	Status await(short events);
	Status awaitSession(int result);

	const Cutoff &cutoff_;
	Fd fd_;
	bool datagrams_ = false;
	std::uint64_t sent_ = 0; //!< octets, without TLS
	std::unique_ptr<ssl_ctx_st, ContextDeleter> context_;
	std::unique_ptr<ssl_st, SessionDeleter> session_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_STREAM_H
