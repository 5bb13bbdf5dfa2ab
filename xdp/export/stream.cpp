// SPDX-License-Identifier: Apache-2.0
#include "export/stream.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace cloak
{
namespace
{

/** @name An idle connection: when it is tried, how often, and how many times */
/** @{ */
constexpr std::chrono::seconds kIdle{10};
constexpr std::chrono::seconds kBetweenProbes{5};
constexpr int kProbes = 4;
/** @} */

struct AddressesDeleter {
	void operator()(addrinfo *list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

Result<Addresses> resolve(const Endpoint &to)
{
	addrinfo hints{};
	addrinfo *found = nullptr;

	hints.ai_socktype =
	    to.transport == Transport::Udp ? SOCK_DGRAM : SOCK_STREAM;
	const int failure = getaddrinfo(
	    to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
	if (failure != 0) {
		return Error(fmt::format("cannot find {}: {}", to.host,
		                         gai_strerror(failure)));
	}
	return Addresses(found);
}

/** Waits until the socket is ready for @p events, or there is an error. */
Status awaitSocket(int fd, short events, const Cutoff &cutoff)
{
	const std::chrono::milliseconds patience = Stream::kPatience;
	std::array<pollfd, 2> watched = {
	    {{fd, events, 0}, {cutoff.fd(), POLLIN, 0}}};
	const int ready = ::poll(watched.data(), watched.size(),
	                         static_cast<int>(patience.count()));

	if (ready < 0 && errno != EINTR)
		return Error::fromErrno("cannot wait");
	if (watched[1].revents != 0)
		return Error(ECANCELED, "no time is left");
	if (ready == 0)
		return Error(ETIMEDOUT, "the receiver is silent");
	return {};
}

/** The error that the socket has had since this was last asked. */
int takeError(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		return errno;
	return error;
}

/** An option of a socket. */
struct SocketOption {
	int level;
	int name;
	int value;
};

/** A host that has lost its power says nothing: its silence is an error. */
Status expectLife(int fd)
{
	const auto silence =
	    std::chrono::milliseconds(Stream::kMostSilence).count();
	const SocketOption options[] = {
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(silence)},
	    {IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(kIdle.count())},
	    {IPPROTO_TCP, TCP_KEEPINTVL,
	     static_cast<int>(kBetweenProbes.count())},
	    {IPPROTO_TCP, TCP_KEEPCNT, kProbes},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	};

	for (const SocketOption &option : options)
		if (setsockopt(fd, option.level, option.name, &option.value,
		               sizeof(option.value)) != 0)
			return Error::fromErrno("cannot watch the connection");
	return {};
}

Result<Fd> connectTo(const addrinfo &address, const Cutoff &cutoff)
{
	Fd fd(socket(address.ai_family,
	             address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	             address.ai_protocol));

	if (!fd)
		return Error::fromErrno("cannot make a socket");
	if (address.ai_socktype == SOCK_STREAM) {
		Status watched = expectLife(fd.get());
		if (!watched)
			return watched.error();
	}
	if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0)
		return fd;
	if (errno != EINPROGRESS)
		return Error::fromErrno("cannot connect");
	Status ready = awaitSocket(fd.get(), POLLOUT, cutoff);
	if (!ready)
		return ready.error().in("cannot connect");
	const int error = takeError(fd.get());
	if (error != 0)
		return Error(error, "cannot connect");
	return fd;
}

/** What OpenSSL has to say; it keeps errors for each thread. */
Error tlsError(const std::string &what)
{
	std::array<char, 256> text{};
	const unsigned long code = ERR_get_error();

	ERR_error_string_n(code, text.data(), text.size());
	ERR_clear_error();
	return Error(code == 0 ? what : what + ": " + text.data());
}

Status loadCertificates(SSL_CTX *context, const ReceiverPolicy &receiver)
{
	const int trusted = receiver.ca.empty()
	                        ? SSL_CTX_set_default_verify_paths(context)
	                        : SSL_CTX_load_verify_locations(
				      context, receiver.ca.c_str(), nullptr);

	if (trusted != 1)
		return tlsError("cannot read certificates of " + receiver.ca);
	if (receiver.certificate.empty())
		return {};
	if (SSL_CTX_use_certificate_chain_file(
		context, receiver.certificate.c_str()) != 1)
		return tlsError("cannot read " + receiver.certificate);
	if (SSL_CTX_use_PrivateKey_file(context, receiver.key.c_str(),
	                                SSL_FILETYPE_PEM) != 1)
		return tlsError("cannot read " + receiver.key);
	return {};
}

/** An address is looked for among the addresses of a certificate. */
Status expectHost(SSL *session, const std::string &host)
{
	X509_VERIFY_PARAM *expected = SSL_get0_param(session);

	if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1)
		return {};
	ERR_clear_error();
	if (SSL_set1_host(session, host.c_str()) != 1 ||
	    SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME,
	             TLSEXT_NAMETYPE_host_name,
	             const_cast<char *>(host.c_str())) != 1)
		return tlsError("cannot expect a certificate of " + host);
	return {};
}

/** Why there is no session: the certificate, or what else OpenSSL says. */
Error refusalOf(const SSL *session)
{
	const long verified = SSL_get_verify_result(session);

	if (verified == X509_V_OK)
		return tlsError("no TLS");
	ERR_clear_error();
	return Error(fmt::format("the certificate is not trusted: {}",
	                         X509_verify_cert_error_string(verified)));
}

} // namespace

void Stream::ContextDeleter::operator()(ssl_ctx_st *context) const
{
	SSL_CTX_free(context);
}

void Stream::SessionDeleter::operator()(ssl_st *session) const
{
	SSL_free(session);
}

Result<std::unique_ptr<Stream>> Stream::connect(const ReceiverPolicy &receiver,
                                                const Cutoff &cutoff)
{
	std::unique_ptr<Stream> stream(new Stream(cutoff));
	const Endpoint &to = receiver.to.value;

	Status ready = stream->open(to);
	if (ready && to.transport == Transport::Tls)
		ready = stream->secure(receiver);
	if (!ready)
		return ready.error().in(toString(to));
	return stream;
}

Status Stream::open(const Endpoint &to)
{
	auto addresses = resolve(to);

	if (!addresses)
		return addresses.error();
	datagrams_ = to.transport == Transport::Udp;
	Status last = Error("no address");
	for (const addrinfo *one = addresses->get(); one != nullptr;
	     one = one->ai_next) {
		auto connected = connectTo(*one, cutoff_);
		if (connected) {
			fd_ = std::move(*connected);
			return {};
		}
		last = connected.error();
	}
	return last;
}

Status Stream::secure(const ReceiverPolicy &receiver)
{
	context_.reset(SSL_CTX_new(TLS_client_method()));
	if (!context_)
		return tlsError("cannot use TLS");
	SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
	SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
	Status loaded = loadCertificates(context_.get(), receiver);
	if (!loaded)
		return loaded;
	session_.reset(SSL_new(context_.get()));
	if (!session_ || SSL_set_fd(session_.get(), fd_.get()) != 1)
		return tlsError("cannot use TLS");
	SSL_set_mode(session_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
	Status expected = expectHost(session_.get(), receiver.to.value.host);
	return expected ? shakeHands() : expected;
}

Status Stream::shakeHands()
{
	while (true) {
		const int result = SSL_connect(session_.get());
		if (result == 1)
			return {};
		Status ready = awaitSession(result);
		if (!ready)
			return ready.error().code() != 0
			           ? ready.error().in("no TLS")
			           : refusalOf(session_.get());
	}
}

/** Says farewell, without waiting for an answer. */
Stream::~Stream()
{
	if (session_)
		SSL_shutdown(session_.get());
}

Status Stream::await(short events)
{
	return awaitSocket(fd_.get(), events, cutoff_);
}

/**
 * Waits for what @p result of OpenSSL wants. An error with a code is one of
 * waiting; one without, that OpenSSL has another to tell.
 */
Status Stream::awaitSession(int result)
{
	switch (SSL_get_error(session_.get(), result)) {
	case SSL_ERROR_WANT_READ:
		return await(POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return await(POLLOUT);
	default:
		return Error("TLS has failed");
	}
}

/** @returns how much of it is sent, maybe nothing. */
Result<std::size_t> Stream::sendSome(std::string_view bytes)
{
	if (session_) {
		const int sent = SSL_write(session_.get(), bytes.data(),
		                           static_cast<int>(bytes.size()));
		if (sent > 0)
			return static_cast<std::size_t>(sent);
		Status ready = awaitSession(sent);
		if (ready)
			return std::size_t{0};
		return ready.error().code() != 0
		           ? ready.error().in("cannot send")
		           : tlsError("cannot send");
	}
	const ssize_t sent =
	    ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
	if (sent >= 0) {
		sent_ += static_cast<std::uint64_t>(sent);
		return static_cast<std::size_t>(sent);
	}
	if (errno != EAGAIN && errno != EINTR)
		return Error::fromErrno("cannot send");
	Status ready = await(POLLOUT);
	if (!ready)
		return ready.error().in("cannot send");
	return std::size_t{0};
}

/** One who takes a little all the time is no reason to go on for ever. */
Status Stream::send(std::string_view bytes)
{
	while (!bytes.empty()) {
		auto sent = sendSome(bytes);
		if (!sent)
			return sent.error();
		bytes.remove_prefix(*sent);
		if (!bytes.empty() && cutoff_.passed())
			return Error(ECANCELED, "cannot send");
	}
	return {};
}

/** What a TLS 1.3 receiver says first is no text of its own. */
Status Stream::checkSession()
{
	std::array<char, 512> dropped{};

	ERR_clear_error();
	const int got =
	    SSL_read(session_.get(), dropped.data(), dropped.size());
	if (got > 0)
		return {};
	const int why = SSL_get_error(session_.get(), got);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return {};
	if (why == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) !=
	                                SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return tlsError("the receiver has ended TLS");
	ERR_clear_error();
	return Error("the receiver has closed the connection");
}

Status Stream::check()
{
	pollfd readable = {fd_.get(), POLLIN | POLLRDHUP, 0};
	std::array<char, 512> dropped{};

	if (::poll(&readable, 1, 0) <= 0)
		return {};
	const bool failed = (readable.revents & POLLERR) != 0;
	const int error = failed ? takeError(fd_.get()) : 0;
	if (error != 0)
		return Error(error, datagrams_ ? "nobody receives"
		                               : "the connection is lost");
	if (session_)
		return checkSession();
	const ssize_t got =
	    ::recv(fd_.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
	if (got > 0 || (got < 0 && errno == EAGAIN))
		return {};
	return datagrams_ && got < 0
	           ? Error::fromErrno("nobody receives")
	           : Error("the receiver has closed the connection");
}

std::uint64_t Stream::given() const
{
	return session_ ? BIO_number_written(SSL_get_wbio(session_.get()))
	                : sent_;
}

std::uint64_t Stream::acknowledged() const
{
	int waiting = 0;

	if (datagrams_)
		return given();
	if (ioctl(fd_.get(), SIOCOUTQ, &waiting) != 0)
		return 0;
	return given() - std::min(given(), static_cast<std::uint64_t>(waiting));
}

} // namespace cloak
