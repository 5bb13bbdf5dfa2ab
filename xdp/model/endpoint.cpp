// SPDX-License-Identifier: Apache-2.0
#include "model/endpoint.h"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "model/address.h"

namespace cloak
{
namespace
{

using Scheme = std::pair<std::string_view, Transport>;

constexpr std::array<Scheme, 3> kSchemes = {{
    {"tcp://", Transport::Tcp},
    {"tls://", Transport::Tls},
    {"udp://", Transport::Udp},
}};

constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kLongestHost = 253;

/** Letters, digits and what else stands in names and addresses. */
bool isHostCharacter(char character)
{
	return (character >= 'a' && character <= 'z') ||
	       (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || character == '-' ||
	       character == '.' || character == '_';
}

bool isHostName(std::string_view text)
{
	return !text.empty() && text.size() <= kLongestHost &&
	       std::ranges::all_of(text, isHostCharacter);
}

/** Splits "host:port" or "[address]:port". */
bool splitHost(std::string_view text, std::string &host, std::uint16_t &port)
{
	const auto colon = text.rfind(':');

	if (colon == std::string_view::npos)
		return false;
	const std::string_view number = text.substr(colon + 1);
	const char *end = number.data() + number.size();
	const auto [stop, failure] = std::from_chars(number.data(), end, port);
	if (number.empty() || failure != std::errc() || stop != end ||
	    port == 0)
		return false;
	std::string_view name = text.substr(0, colon);
	const bool bracketed =
	    name.size() > 2 && name.front() == '[' && name.back() == ']';
	if (bracketed) {
		name = name.substr(1, name.size() - 2);
		const auto address = parseIp(name);
		if (!address || address->isV4())
			return false;
	} else if (!isHostName(name)) {
		return false;
	}
	host = name;
	return true;
}

std::string joinHost(const std::string &host, std::uint16_t port)
{
	const bool brackets = host.find(':') != std::string::npos;

	return (brackets ? "[" + host + "]" : host) + ":" +
	       std::to_string(port);
}

} // namespace

std::optional<Endpoint> parseEndpoint(std::string_view text)
{
	for (const auto &[scheme, transport] : kSchemes) {
		if (!text.starts_with(scheme))
			continue;
		Endpoint endpoint;
		endpoint.transport = transport;
		if (!splitHost(text.substr(scheme.size()), endpoint.host,
		               endpoint.port))
			return std::nullopt;
		return endpoint;
	}
	return std::nullopt;
}

std::string toString(const Endpoint &endpoint)
{
	const auto *scheme =
	    std::ranges::find(kSchemes, endpoint.transport, &Scheme::second);

	return std::string(scheme->first) +
	       joinHost(endpoint.host, endpoint.port);
}

std::optional<LocalEndpoint> parseLocalEndpoint(std::string_view text)
{
	LocalEndpoint endpoint;

	if (text.empty())
		return endpoint;
	if (text.starts_with(kUnix)) {
		endpoint.path = text.substr(kUnix.size());
		const bool fits =
		    endpoint.path.size() < sizeof(sockaddr_un{}.sun_path);
		if (!fits || endpoint.path.empty() ||
		    endpoint.path.front() != '/' ||
		    endpoint.path.find('\0') != std::string::npos)
			return std::nullopt;
		return endpoint;
	}
	if (!splitHost(text, endpoint.host, endpoint.port))
		return std::nullopt;
	const auto address = parseIp(endpoint.host);
	const Prefix loopback = *parsePrefix("127.0.0.0/8");
	if (!address ||
	    (!loopback.contains(*address) && *address != *parseIp("::1")))
		return std::nullopt;
	return endpoint;
}

std::string toString(const LocalEndpoint &endpoint)
{
	if (endpoint.isNone())
		return {};
	if (!endpoint.path.empty())
		return std::string(kUnix) + endpoint.path;
	return joinHost(endpoint.host, endpoint.port);
}

} // namespace cloak
