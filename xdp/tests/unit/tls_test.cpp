// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Receivers over TLS, and what they think of certificates.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "export/courier.h"

/** OpenSSL has no memory for a name as long as this is set. */
static std::atomic<bool> forgetsNames = false;

/** Stands before that of OpenSSL. */
extern "C" int SSL_set1_host(SSL *session, const char *name)
{
	using Function = int (*)(SSL *, const char *);
	static const auto real =
	    reinterpret_cast<Function>(dlsym(RTLD_NEXT, "SSL_set1_host"));

	return forgetsNames ? 0 : real(session, name);
}

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

struct TlsDeleter {
	void operator()(SSL_CTX *context) const { SSL_CTX_free(context); }
	void operator()(SSL *session) const { SSL_free(session); }
	void operator()(EVP_PKEY *key) const { EVP_PKEY_free(key); }
	void operator()(X509 *certificate) const { X509_free(certificate); }
};
template <typename T> using TlsOwner = std::unique_ptr<T, TlsDeleter>;

/** One that signs itself, for @p names as OpenSSL's configuration has them. */
TlsOwner<X509> certify(EVP_PKEY *key, const char *names)
{
	constexpr long day = 86400;
	TlsOwner<X509> made(X509_new());
	X509_NAME *subject = X509_get_subject_name(made.get());
	const auto *text = reinterpret_cast<const unsigned char *>("test");
	X509_EXTENSION *extension =
	    X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);

	X509_set_version(made.get(), X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
	X509_gmtime_adj(X509_getm_notBefore(made.get()), -day);
	X509_gmtime_adj(X509_getm_notAfter(made.get()), day);
	X509_set_pubkey(made.get(), key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1,
	                           0);
	X509_set_issuer_name(made.get(), subject);
	X509_add_ext(made.get(), extension, -1);
	X509_EXTENSION_free(extension);
	EXPECT_NE(X509_sign(made.get(), key, EVP_sha256()), 0);
	return made;
}

/** Takes its time, as one who asks somebody else, and then decides. */
int judge(X509_STORE_CTX *, void *accepts)
{
	std::this_thread::sleep_for(100ms);
	return *static_cast<bool *>(accepts) ? 1 : 0;
}

/** A receiver that wants to see a certificate. It waits, but not for ever. */
class TlsReceiver
{
public:
	/** @param names for which its own certificate is good. */
	explicit TlsReceiver(const char *names)
	    : folder_(std::filesystem::path(testing::TempDir()) /
	              ("cloak-tls-" + std::to_string(getpid()))),
	      context_(SSL_CTX_new(TLS_server_method()))
	{
		std::filesystem::create_directories(folder_);
		writeCertificate(names);
		SSL_CTX_use_certificate_chain_file(context_.get(),
		                                   certificate().c_str());
		SSL_CTX_use_PrivateKey_file(context_.get(), key().c_str(),
		                            SSL_FILETYPE_PEM);
		SSL_CTX_set_verify(
		    context_.get(),
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
		SSL_CTX_set_cert_verify_callback(context_.get(), judge,
		                                 &accepts_);
		listenSomewhere();
	}
	TlsReceiver(const TlsReceiver &) = delete;
	TlsReceiver &operator=(const TlsReceiver &) = delete;
	~TlsReceiver() { std::filesystem::remove_all(folder_); }

	[[nodiscard]] ReceiverPolicy policy(const std::string &host) const
	{
		ReceiverPolicy policy;

		policy.to.value = {Transport::Tls, host, port_};
		policy.ca = certificate();
		policy.certificate = certificate();
		policy.key = key();
		return policy;
	}

	/** @returns whether the next one who calls has come in. */
	bool serve(bool accepts)
	{
		accepts_ = accepts;
		session_.reset();
		connection_ = Fd(accept(listener_.get(), nullptr, nullptr));
		limitWaiting(connection_.get());
		session_.reset(SSL_new(context_.get()));
		SSL_set_fd(session_.get(), connection_.get());
		if (SSL_accept(session_.get()) == 1)
			return true;
		session_.reset();
		connection_.reset();
		return false;
	}

	/** The next octets that the one inside says, up to @p size. */
	std::string hear(std::size_t size)
	{
		std::string text(size, '\0');
		std::size_t heard = 0;

		while (heard < size) {
			const int more =
			    SSL_read(session_.get(), text.data() + heard,
			             static_cast<int>(size - heard));
			if (more <= 0)
				break;
			heard += static_cast<std::size_t>(more);
		}
		text.resize(heard);
		return text;
	}

private:
	[[nodiscard]] std::string certificate() const
	{
		return folder_ / "certificate.pem";
	}
	[[nodiscard]] std::string key() const { return folder_ / "key.pem"; }

	void writeCertificate(const char *names) const
	{
		const TlsOwner<EVP_PKEY> made(EVP_EC_gen("P-256"));
		const auto shown = certify(made.get(), names);
		FILE *file = std::fopen(certificate().c_str(), "w");

		PEM_write_X509(file, shown.get());
		std::fclose(file);
		file = std::fopen(key().c_str(), "w");
		PEM_write_PrivateKey(file, made.get(), nullptr, nullptr, 0,
		                     nullptr, nullptr);
		std::fclose(file);
	}

	static void limitWaiting(int fd)
	{
		timeval patience{};

		patience.tv_sec = 60;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		           sizeof(patience));
	}

	void listenSomewhere()
	{
		sockaddr_in address{};
		socklen_t length = sizeof(address);
		auto *generic = reinterpret_cast<sockaddr *>(&address);

		listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		limitWaiting(listener_.get());
		address.sin_family = AF_INET;
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(bind(listener_.get(), generic, length), 0);
		EXPECT_EQ(listen(listener_.get(), 1), 0);
		getsockname(listener_.get(), generic, &length);
		port_ = ntohs(address.sin_port);
	}

	std::filesystem::path folder_;
	TlsOwner<SSL_CTX> context_;
	bool accepts_ = false;
	Fd listener_;
	std::uint16_t port_ = 0;
	Fd connection_;
	TlsOwner<SSL> session_;
};

class PlainEncoder : public Encoder<std::string>
{
public:
	Result<std::vector<std::string>>
	encode(const std::vector<std::string> &items) override
	{
		return items;
	}
};

/** Whoever is told so by TLS 1.3 has shaken hands, and said something. */
TEST(Tls, ARejectedCertificateLosesNothing)
{
	std::signal(SIGPIPE, SIG_IGN);
	TlsReceiver receiver("IP:127.0.0.1");
	Courier<std::string> courier(receiver.policy("127.0.0.1"), [] {
		return std::make_unique<PlainEncoder>();
	});

	courier.push("one ");
	courier.push("two ");
	for (int i = 0; i < 2; ++i) {
		ASSERT_FALSE(receiver.serve(false));
		EXPECT_EQ(courier.stats().sent, 0U);
		EXPECT_EQ(courier.stats().waiting, 2U);
	}
	// It has noticed the first of them, and not forgotten by the second.
	EXPECT_NE(courier.stats().lastError, "");
	ASSERT_TRUE(receiver.serve(true));
	EXPECT_EQ(receiver.hear(8), "one two ");
	for (int i = 0; i < 6000 && courier.stats().waiting > 0; ++i)
		std::this_thread::sleep_for(10ms);
	EXPECT_EQ(courier.stats().sent, 2U);
	EXPECT_EQ(courier.stats().lastError, "");
}

/** @returns the error of a connection to "localhost"; empty if there is one. */
std::string connectByName(TlsReceiver &receiver)
{
	const Cutoff cutoff;
	std::thread answering([&receiver] { receiver.serve(true); });
	auto stream = Stream::connect(receiver.policy("localhost"), cutoff);
	std::string error = stream ? "" : stream.error().message();

	answering.join();
	return error;
}

TEST(Tls, ACertificateHasToBeGoodForTheName)
{
	TlsReceiver good("DNS:localhost");
	EXPECT_EQ(connectByName(good), "");
	TlsReceiver other("DNS:elsewhere.example");
	EXPECT_NE(connectByName(other).find("not trusted"), std::string::npos);
}

TEST(Tls, NoConnectionIfTheNameCannotBeLookedAt)
{
	TlsReceiver other("DNS:elsewhere.example");

	forgetsNames = true;
	const std::string error = connectByName(other);
	forgetsNames = false;
	EXPECT_NE(error.find("cannot expect a certificate of localhost"),
	          std::string::npos);
}

} // namespace
} // namespace cloak
