// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The scanner of the namespace tests: fires every probe of the table, and
 * generated frames, at a host with the addresses of kLake, and counts the
 * frames that come back from its MAC, whatever they are.
 *
 *     probe INTERFACE each           probe by probe; says which were answered
 *     probe INTERFACE all COUNT SEED the whole table, then COUNT frames
 *     probe INTERFACE forged         the table with the peer's addresses
 *     probe INTERFACE listen SECONDS only listens
 *
 * The last line is "sent N answered M frames K". Exit status: 0 if no frame
 * came back, 1 if one did, 2 if the test itself failed.
 */
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/harness/generator.h"
#include "tests/harness/probes.h"
#include "util/fd.h"
#include "util/result.h"

namespace cloak::test
{

namespace
{

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kAnswerTime{40};
// Long enough for what the stack sends again by a timer of a second.
constexpr milliseconds kSilence{1500};

/** A raw socket that sends anything and hears only what kLake says. */
class Wire
{
public:
	[[nodiscard]] static Result<Wire> open(const std::string &interface);

	Status send(const Bytes &frame);

	/** Counts frames until there was none for @p silence. */
	Status listen(milliseconds silence);

	/** Counts frames until @p end, however many there are. */
	Status listenUntil(Clock::time_point end);

	[[nodiscard]] unsigned heard() const { return heard_; }

private:
	explicit Wire(Fd socket) : socket_(std::move(socket)) {}

	/** @returns whether a frame came within @p wait. */
	Result<bool> hearOne(milliseconds wait);

	Fd socket_;
	unsigned heard_ = 0;
};

/** Lets only frames with kLake's source MAC through, before they queue. */
Status hearOnlyTheLake(const Fd &socket)
{
	const auto word = [](std::size_t at, std::size_t count) {
		std::uint32_t value = 0;
		for (std::size_t i = 0; i < count; i++)
			value = value << 8U | kLake.mac.at(at + i);
		return value;
	};
	std::array<sock_filter, 6> code = {{
	    {BPF_LD | BPF_W | BPF_ABS, 0, 0, 6},
	    {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, word(0, 4)},
	    {BPF_LD | BPF_H | BPF_ABS, 0, 0, 10},
	    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, word(4, 2)},
	    {BPF_RET | BPF_K, 0, 0, 0xffff},
	    {BPF_RET | BPF_K, 0, 0, 0},
	}};
	const sock_fprog program = {code.size(), code.data()};

	if (setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program,
	               sizeof(program)))
		return Error::fromErrno("cannot attach a filter");
	return {};
}

Result<Wire> Wire::open(const std::string &interface)
{
	Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	sockaddr_ll address{};

	if (!socket)
		return Error::fromErrno("cannot open a packet socket");
	auto filtered = hearOnlyTheLake(socket);
	if (!filtered)
		return filtered.error();
	address.sll_family = AF_PACKET;
	address.sll_protocol = htons(ETH_P_ALL);
	address.sll_ifindex =
	    static_cast<int>(if_nametoindex(interface.c_str()));
	if (bind(socket.get(), reinterpret_cast<const sockaddr *>(&address),
	         sizeof(address)))
		return Error::fromErrno("cannot bind to " + interface);
	return Wire(std::move(socket));
}

Status Wire::send(const Bytes &frame)
{
	for (int attempt = 0; attempt < 1000; attempt++) {
		if (::send(socket_.get(), frame.data(), frame.size(), 0) >= 0)
			return {};
		// A link that flaps is down for a while: that is part of it.
		if (errno != ENOBUFS && errno != ENETDOWN && errno != EAGAIN)
			break;
		poll(nullptr, 0, 1);
	}
	return Error::fromErrno("cannot send a frame");
}

Result<bool> Wire::hearOne(milliseconds wait)
{
	pollfd descriptor = {socket_.get(), POLLIN, 0};
	std::array<std::uint8_t, 2048> frame{};

	const int ready = poll(&descriptor, 1, static_cast<int>(wait.count()));
	if (ready < 0)
		return Error::fromErrno("cannot wait for a frame");
	if (ready == 0)
		return false;
	const ssize_t size =
	    recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
	if (size < 0 && (errno == ENETDOWN || errno == EAGAIN))
		return true;
	if (size < 0)
		return Error::fromErrno("cannot read a frame");
	heard_++;
	if (heard_ <= 20)
		fmt::print(
		    "heard {:02x}\n",
		    fmt::join(frame.begin(),
		              frame.begin() + std::min<ssize_t>(size, 80), ""));
	return true;
}

Status Wire::listen(milliseconds silence)
{
	for (;;) {
		auto heard = hearOne(silence);

		if (!heard)
			return heard.error();
		if (!*heard)
			return {};
	}
}

Status Wire::listenUntil(Clock::time_point end)
{
	for (;;) {
		const auto left = std::chrono::duration_cast<milliseconds>(
		    end - Clock::now());
		if (left.count() <= 0)
			return {};
		auto heard = hearOne(left);
		if (!heard)
			return heard.error();
	}
}

struct Tally {
	unsigned sent = 0;
	unsigned answered = 0;
};

Result<Tally> probeEach(Wire &wire)
{
	Tally tally;

	for (const Probe &probe : allProbes()) {
		const unsigned before = wire.heard();

		auto sent = wire.send(probe.make(kScanner).bytes());
		if (!sent)
			return sent.error();
		auto listened = wire.listen(kAnswerTime);
		if (!listened)
			return listened.error();
		tally.sent++;
		if (wire.heard() == before)
			continue;
		tally.answered++;
		fmt::print("answered {}\n", probe.name);
	}
	return tally;
}

Result<Tally> probeAs(Wire &wire, const Host &host)
{
	Tally tally;

	for (const Probe &probe : allProbes()) {
		auto sent = wire.send(probe.make(host).bytes());
		if (!sent)
			return sent.error();
		tally.sent++;
	}
	return tally;
}

Result<Tally> probeAll(Wire &wire, unsigned count, std::uint32_t seed)
{
	Generator generator(seed);
	auto tally = probeAs(wire, kScanner);

	if (!tally)
		return tally;
	while (count > 0) {
		const Bytes frame =
		    count % 2 == 0 ? generator.noise() : generator.damaged();
		if (namesAPeer(frame))
			continue;
		auto sent = wire.send(frame);
		if (!sent)
			return sent.error();
		tally->sent++;
		count--;
	}
	return tally;
}

Result<Tally> run(Wire &wire, const std::vector<std::string> &words)
{
	const std::string_view verb = words.at(1);

	if (verb == "each" && words.size() == 2)
		return probeEach(wire);
	if (verb == "all" && words.size() == 4)
		return probeAll(
		    wire, static_cast<unsigned>(std::stoul(words[2])),
		    static_cast<std::uint32_t>(std::stoul(words[3])));
	if (verb == "forged" && words.size() == 2) {
		Host forger = kPeer;
		forger.mac = kScanner.mac;
		return probeAs(wire, forger);
	}
	if (verb == "listen" && words.size() == 3) {
		auto listened = wire.listenUntil(
		    Clock::now() + std::chrono::seconds(std::stoul(words[2])));
		return listened ? Result<Tally>(Tally{})
		                : Result<Tally>(listened.error());
	}
	return Error(
	    "what to do? each, all COUNT SEED, forged, listen SECONDS");
}

Result<unsigned> probe(const std::vector<std::string> &words)
{
	if (words.size() < 2)
		return Error("usage: probe INTERFACE VERB [ARGUMENT...]");
	auto wire = Wire::open(words[0]);
	if (!wire)
		return wire.error();
	auto tally = run(*wire, words);
	if (!tally)
		return tally.error();
	auto listened = wire->listen(kSilence);
	if (!listened)
		return listened.error();
	fmt::print("sent {} answered {} frames {}\n", tally->sent,
	           tally->answered, wire->heard());
	return wire->heard();
}

} // namespace

} // namespace cloak::test

int main(int argc, char **argv)
{
	const auto heard = cloak::test::probe({argv + 1, argv + argc});

	if (!heard) {
		fmt::print(stderr, "probe: {}\n", heard.error().message());
		return 2;
	}
	return *heard == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
