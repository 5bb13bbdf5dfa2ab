// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Rules that reject: what has a wrong checksum is not answered, or a scanner
 * would see that it is no host that answers (nmap --badsum).
 */
#include <array>

#include "tests/prog/reject.h"

namespace cloak::test
{

namespace
{

constexpr std::size_t kLink = 14;
constexpr std::size_t kIpv4Sum = kLink + 10;
constexpr std::size_t kTcpSum = 16;
constexpr std::size_t kUdpLength = 4;
constexpr std::size_t kUdpSum = 6;
constexpr std::size_t kIcmpSum = 2;

/** Around the ends of the pieces that are summed up at once; odd and even. */
constexpr std::array<std::size_t, 14> kSizes = {
    0, 1, 2, 3, 491, 492, 493, 503, 504, 505, 1016, 1017, 1401, 3001};

/** Each packet is from somebody else, who has a budget of his own. */
std::uint8_t next()
{
	static std::uint8_t number = 0;

	return ++number;
}

Ipv4 from4()
{
	Ipv4 ip = in4();

	ip.src = {198, 18, 7, next()};
	return ip;
}

Ipv6 from6()
{
	Ipv6 ip = in6();

	ip.src[7] = next();
	return ip;
}

/** A frame and where in it the transport header begins. */
struct Frame {
	Bytes bytes;
	std::size_t transport;
	std::size_t sum; //!< its checksum, from there on
};

Frame over4(const Packet &packet, std::size_t sum)
{
	return {packet.bytes(), kLink + 20, sum};
}

Frame over6(const Packet &packet, std::size_t sum)
{
	return {packet.bytes(), kLink + 40, sum};
}

/** Each protocol with a checksum, with @p size octets of data. */
std::vector<Frame> everyKind(std::size_t size)
{
	const Raw data = payload(size);
	const Tcp tcp = {.dport = 22};

	return {
	    over4(inLink() / from4() / tcp / data, kTcpSum),
	    over6(inLink() / from6() / tcp / data, kTcpSum),
	    over4(inLink() / from4() / Udp{} / data, kUdpSum),
	    over6(inLink() / from6() / Udp{} / data, kUdpSum),
	    over4(inLink() / from4() / Icmp{} / data, kIcmpSum),
	    over6(inLink() / from6() / Icmp6{} / data, kIcmpSum),
	};
}

void put16(Bytes &frame, std::size_t at, std::uint32_t value)
{
	frame.at(at) = static_cast<std::uint8_t>(value >> 8U);
	frame.at(at + 1) = static_cast<std::uint8_t>(value);
}

/** The sum over the addresses of an IP packet, its protocol and length. */
std::uint16_t pseudoSum(const Frame &frame, std::uint8_t protocol)
{
	const std::size_t addresses = frame.transport == kLink + 20 ? 8 : 32;
	std::uint32_t sum = protocol;

	sum += static_cast<std::uint32_t>(frame.bytes.size() - frame.transport);
	for (std::size_t i = 0; i < addresses; i++) {
		const std::uint32_t octet =
		    frame.bytes.at(frame.transport - addresses + i);

		sum += i % 2 == 0 ? octet << 8U : octet;
	}
	while (sum > 0xffff)
		sum = (sum & 0xffffU) + (sum >> 16U);
	return static_cast<std::uint16_t>(sum);
}

} // namespace

class RejectChecksumTest : public RejectTest
{
protected:
	static void expectAnswered(const Bytes &frame)
	{
		const Outcome outcome = ingress(frame);

		EXPECT_TRUE(outcome.answered);
		EXPECT_EQ(outcome.reason, CLOAK_DROP_REJECT);
	}

	static void expectSilence(const Bytes &frame)
	{
		const Outcome outcome = ingress(frame);

		EXPECT_FALSE(outcome.answered);
		EXPECT_FALSE(outcome.passed);
		EXPECT_EQ(outcome.reason, CLOAK_DROP_REJECT_CHECKSUM);
	}
};

TEST_F(RejectChecksumTest, RightOnesAreAnswered)
{
	for (const std::size_t size : kSizes) {
		SCOPED_TRACE(size);
		for (const Frame &frame : everyKind(size))
			expectAnswered(frame.bytes);
	}
}

TEST_F(RejectChecksumTest, WrongOnesAreNot)
{
	for (const std::size_t size : kSizes) {
		SCOPED_TRACE(size);
		for (Frame &frame : everyKind(size)) {
			frame.bytes.at(frame.transport + frame.sum) ^= 0x40;
			expectSilence(frame.bytes);
		}
	}
}

/** Also where it is the last octet of an odd number that was damaged. */
TEST_F(RejectChecksumTest, DamagedDataIsNotAnswered)
{
	for (const std::size_t size : kSizes) {
		SCOPED_TRACE(size);
		for (Frame &frame : everyKind(size)) {
			frame.bytes.back() ^= 0x01;
			expectSilence(frame.bytes);
		}
	}
}

TEST_F(RejectChecksumTest, HeaderOfIpv4)
{
	const auto damaged = [](Packet packet) {
		Bytes frame = packet.bytes();

		frame.at(kIpv4Sum) ^= 0x40;
		return frame;
	};
	Ipv4 optional = from4();
	optional.options = Bytes(12, 1);
	Ipv4 gre = from4();
	gre.protocol = 47;

	expectSilence(damaged(inLink() / from4() / Tcp{.dport = 22}));
	expectSilence(damaged(inLink() / from4() / Udp{} / payload(3)));
	expectSilence(damaged(inLink() / optional / Tcp{.dport = 22}));
	expectSilence(damaged(inLink() / gre / payload(12)));
}

TEST_F(RejectChecksumTest, UdpWithoutOne)
{
	Frame four = over4(inLink() / from4() / Udp{} / payload(3), kUdpSum);
	Frame six = over6(inLink() / from6() / Udp{} / payload(3), kUdpSum);

	for (Frame *frame : {&four, &six})
		put16(frame->bytes, frame->transport + kUdpSum, 0);
	expectAnswered(four.bytes);
	expectSilence(six.bytes);
}

/** What is behind the datagram is not summed up; and it must be all there. */
TEST_F(RejectChecksumTest, LengthOfUdp)
{
	Ipv4 ip = from4();
	const Bytes whole = (ip / Udp{} / payload(5)).bytes();
	Bytes datagram(whole.begin() + 20, whole.end());
	const auto frame = [&](bool summed, std::uint32_t length) {
		Bytes bytes = datagram;

		put16(bytes, kUdpLength, length);
		if (!summed)
			put16(bytes, kUdpSum, 0);
		return (inLink() / ip / Raw{bytes}).bytes();
	};

	ip.protocol = 17;
	datagram.insert(datagram.end(), 4, 0xab);
	expectAnswered(frame(true, 13));
	expectSilence(frame(true, 17));
	expectAnswered(frame(false, 17));
	for (const std::uint32_t length : {18U, 7U, 0U})
		expectSilence(frame(false, length));
}

/** As the stack leaves it to hardware that is not there on a veth. */
TEST_F(RejectChecksumTest, SumOfThePseudoHeaderAlone)
{
	const std::array<std::uint8_t, 6> protocols = {6, 6, 17, 17, 1, 58};

	for (const std::size_t size : {0U, 1U, 1400U}) {
		auto frames = everyKind(size);

		for (std::size_t i = 0; i < frames.size(); i++) {
			Frame &frame = frames.at(i);
			SCOPED_TRACE(i);

			put16(frame.bytes, frame.transport + frame.sum,
			      pseudoSum(frame, protocols.at(i)));
			if (frame.sum == kIcmpSum)
				expectSilence(frame.bytes);
			else
				expectAnswered(frame.bytes);
		}
	}
}

/** Their checksums are over more than there is, or none of the Internet's. */
TEST_F(RejectChecksumTest, FragmentsAndOtherProtocolsAreNotSummedUp)
{
	Ipv4 piece = from4();
	piece.more = true;
	Frame first = over4(inLink() / piece / Udp{} / payload(56), kUdpSum);
	const Packet sctp = inLink() / from4() / Sctp{};

	first.bytes.at(first.transport + kUdpSum) ^= 0x40;
	expectAnswered(first.bytes);
	expectAnswered(sctp.bytes());
}

TEST_F(RejectChecksumTest, InSeveralBuffersNothingIsAnswered)
{
	Frame right =
	    over4(inLink() / from4() / Tcp{} / payload(6000), kTcpSum);
	Frame wrong = right;

	wrong.bytes.at(wrong.transport + kTcpSum) ^= 0x40;
	EXPECT_EQ(ingress(right.bytes).reason, CLOAK_DROP_REJECT_MUTE);
	EXPECT_EQ(ingress(wrong.bytes).reason, CLOAK_DROP_REJECT_MUTE);
}

TEST_F(RejectChecksumTest, WrongOnesCostNobodyHisBudget)
{
	const Packet packet = inLink() / from4() / Tcp{.dport = 22};
	Bytes wrong = packet.bytes();

	wrong.at(kLink + 20 + kTcpSum) ^= 0x40;
	ingressAll(std::vector<Bytes>(3 * kBudget, wrong));
	expectAnswered(packet.bytes());
}

} // namespace cloak::test
