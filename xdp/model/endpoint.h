// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Where something is sent to: "tcp://10.0.0.1:4739",
 * "tls://[2001:db8::1]:6514".
 */
#ifndef CLOAKLAKE_MODEL_ENDPOINT_H
#define CLOAKLAKE_MODEL_ENDPOINT_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloak
{

enum class Transport { Tcp, Tls, Udp };

/** A transport, a host by name or address, and a port. */
struct Endpoint {
	Transport transport = Transport::Tcp;
	std::string host;
	std::uint16_t port = 0;

	auto operator<=>(const Endpoint &) const = default;
};

/** Reads TRANSPORT://HOST:PORT; an IPv6 address stands in brackets. */
[[nodiscard]] std::optional<Endpoint> parseEndpoint(std::string_view text);

[[nodiscard]] std::string toString(const Endpoint &endpoint);

/**
 * Where metrics are served: "unix:/run/x.sock", "127.0.0.1:9469" or
 * "[::1]:9469"; nothing but the loopback, as whoever asks gets an answer.
 */
struct LocalEndpoint {
	std::string path; //!< of a Unix socket, or empty
	std::string host;
	std::uint16_t port = 0;

	auto operator<=>(const LocalEndpoint &) const = default;

	[[nodiscard]] bool isNone() const { return path.empty() && port == 0; }
};

/** Reads one of those, or "" for none. */
[[nodiscard]] std::optional<LocalEndpoint>
parseLocalEndpoint(std::string_view text);

[[nodiscard]] std::string toString(const LocalEndpoint &endpoint);

} // namespace cloak

#endif // CLOAKLAKE_MODEL_ENDPOINT_H
