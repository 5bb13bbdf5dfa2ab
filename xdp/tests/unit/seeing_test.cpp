// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "evidence/pcapng.h"
#include "evidence/recorder.h"
#include "export/ipfix.h"
#include "export/syslog.h"
#include "flows/beginnings.h"
#include "flows/collector.h"
#include "flows/eve.h"
#include "model/endpoint.h"
#include "policy/parse.h"
#include "policy/render.h"
#include "util/size.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

TEST(Size, ReadsWhatItWrites)
{
	for (const char *text : {"1", "1023", "64K", "16M", "3G"})
		EXPECT_EQ(toString(*parseSize(text)), text);
	EXPECT_EQ(parseSize("1024")->octets, 1024U);
	EXPECT_EQ(toString(Size{1024}), "1K");
	for (const char *text : {"", "K", "-1", "1k", "1 M", "1MM", "9999999G"})
		EXPECT_FALSE(parseSize(text)) << text;
}

TEST(Endpoint, ReadsWhatItWrites)
{
	for (const char *text :
	     {"tcp://10.0.0.1:4739", "tls://log.example.org:6514",
	      "udp://[2001:db8::1]:2055"})
		EXPECT_EQ(toString(*parseEndpoint(text)), text);
	for (const char *text :
	     {"", "tcp://", "10.0.0.1:1", "tcp://10.0.0.1", "tcp://h:0",
	      "tcp://h:65536", "tcp://:1", "tcp://a b:1", "tcp://[10.0.0.1]:1",
	      "tcp://2001:db8::1:2", "http://h:1"})
		EXPECT_FALSE(parseEndpoint(text)) << text;
}

TEST(Endpoint, LocalIsLocal)
{
	for (const char *text :
	     {"unix:/run/m.sock", "127.0.0.1:9469", "[::1]:9469", ""})
		EXPECT_EQ(toString(*parseLocalEndpoint(text)), text);
	for (const char *text : {"unix:", "unix:run", "10.0.0.1:9469",
	                         "0.0.0.0:1", "[::]:1", "localhost:1"})
		EXPECT_FALSE(parseLocalEndpoint(text)) << text;
}

template <typename T> T numberAt(const std::string &bytes, std::size_t at)
{
	T value{};

	std::memcpy(&value, bytes.data() + at, sizeof(value));
	return value;
}

TEST(Pcapng, BlocksAreFramedAndAligned)
{
	const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5};
	CapturedPacket packet;

	packet.bytes = bytes;
	packet.length = 60;
	packet.time = WallTime(1'000'000'000'123'456'789ns);
	packet.comment = "why";
	for (const std::string &block :
	     {sectionHeaderBlock("x86_64", "Linux", "cloakd"),
	      interfaceBlock("eth0", 256), packetBlock(packet)}) {
		EXPECT_EQ(block.size() % 4, 0U);
		EXPECT_EQ(numberAt<std::uint32_t>(block, 4), block.size());
		EXPECT_EQ(numberAt<std::uint32_t>(block, block.size() - 4),
		          block.size());
	}
	const std::string block = packetBlock(packet);
	const std::uint64_t time =
	    std::uint64_t{numberAt<std::uint32_t>(block, 12)} << 32U |
	    numberAt<std::uint32_t>(block, 16);
	EXPECT_EQ(time, 1'000'000'000'123'456'789U);
	EXPECT_EQ(numberAt<std::uint32_t>(block, 20), 5U);
	EXPECT_EQ(numberAt<std::uint32_t>(block, 24), 60U);
	EXPECT_NE(block.find("why"), std::string::npos);
}

TEST(Recorder, CommentSaysWhy)
{
	cloak_evidence evidence{};

	evidence.source = toAbi(*parseIp("10.0.3.7"));
	evidence.reason = CLOAK_DROP_UNAUTHORISED;
	evidence.causes = 1U << CLOAK_SHADOW_PROBE | 1U << CLOAK_SHADOW_DECOY;
	EXPECT_EQ(commentOf(evidence),
	          "drop: unauthorised (the source is no peer); 10.0.3.7 "
	          "is shadowed: probe, decoy");
}

class FlowTest : public testing::Test
{
protected:
	FlowTest()
	{
		flow_.key.remote_addr = toAbi(*parseIp("10.0.3.7"));
		flow_.key.local_addr = toAbi(*parseIp("10.0.9.5"));
		flow_.key.remote_port = 40000;
		flow_.key.local_port = 22;
		flow_.key.ethertype = 0x0800;
		flow_.key.protocol = 6;
		flow_.record.first_ns = nanoseconds(1s);
		flow_.record.last_ns = nanoseconds(2s);
		flow_.record.packets[CLOAK_INGRESS] = 3;
		flow_.record.bytes[CLOAK_INGRESS] = 120;
		flow_.record.dropped[CLOAK_INGRESS] = 3;
		flow_.record.tcp_flags[CLOAK_INGRESS] = 2;
		flow_.record.reason[CLOAK_INGRESS] = CLOAK_DROP_UNAUTHORISED;
		flow_.record.flags = CLOAK_RECORD_SHADOWED;
		flow_.interface = "eth0";
	}

	static std::uint64_t nanoseconds(std::chrono::nanoseconds time)
	{
		return static_cast<std::uint64_t>(time.count());
	}

	[[nodiscard]] std::optional<FlowEnd> endAt(std::chrono::seconds when)
	{
		return endOf(flow_.key, flow_.record, BootTime(when), policy_);
	}

	Flow flow_;
	FlowPolicy policy_;
};

TEST_F(FlowTest, EndsWhenIdle)
{
	EXPECT_EQ(endAt(16s), std::nullopt);
	EXPECT_EQ(endAt(17s), FlowEnd::Idle);
}

TEST_F(FlowTest, IsToldOfWhileItGoesOn)
{
	flow_.record.last_ns = nanoseconds(60s);
	EXPECT_EQ(endAt(60s), std::nullopt);
	EXPECT_EQ(endAt(61s), FlowEnd::Active);
}

TEST_F(FlowTest, EndsWhenBothHaveClosedOrOneHasReset)
{
	flow_.record.tcp_flags[CLOAK_INGRESS] |= 1;
	EXPECT_EQ(endAt(5s), std::nullopt);
	flow_.record.tcp_flags[CLOAK_EGRESS] |= 1;
	EXPECT_EQ(endAt(3s), std::nullopt) << "a last packet may come";
	EXPECT_EQ(endAt(5s), FlowEnd::Ended);
	flow_.record.tcp_flags[CLOAK_EGRESS] = 4;
	flow_.record.tcp_flags[CLOAK_INGRESS] = 2;
	EXPECT_EQ(endAt(5s), FlowEnd::Ended);
	flow_.key.protocol = 17;
	EXPECT_EQ(endAt(5s), std::nullopt);
}

/** A collector with a table of its own. */
class CollectorTest : public FlowTest
{
protected:
	void SetUp() override
	{
		Fd map(bpf_map_create(BPF_MAP_TYPE_HASH, "records",
		                      sizeof(cloak_record_key),
		                      sizeof(cloak_split_record), 16, nullptr));
		if (!map)
			GTEST_SKIP() << "may not make a map";
		maps_.records = RecordMap(std::move(map), "records");
		// A ping of the other end.
		flow_.key.protocol = 1;
		flow_.key.local_port = 0;
	}

	/** There were packets from then to then, the first one this way. */
	void happen(std::chrono::seconds from, std::chrono::seconds to,
	            cloak_direction first, std::uint8_t type)
	{
		cloak_split_record split{};

		split.record = flow_.record;
		split.record.first_ns = nanoseconds(from);
		split.record.last_ns = nanoseconds(to);
		split.record.first = static_cast<std::uint8_t>(first);
		split.record.icmp_type = type;
		ASSERT_TRUE(maps_.records.put(flow_.key, split).ok());
	}

	/** "in 8 active": how what was closed at that time has begun. */
	std::string closedAt(std::chrono::seconds when)
	{
		closed_.clear();
		EXPECT_TRUE(collector_.collect(maps_, BootTime(when)).ok());
		return closed_;
	}

	static std::string describe(const Flow &flow)
	{
		return (flow.isInbound() ? "in " : "out ") +
		       std::to_string(flow.record.icmp_type) + " " +
		       std::string(endName(flow.end));
	}

	std::string closed_;
	CloakMaps maps_;
	Collector collector_{
	    [this](const Flow &flow) { closed_ += describe(flow); },
	    [](unsigned) { return std::string("eth0"); }};
};

TEST_F(CollectorTest, EachPartOfAFlowHasItsBeginner)
{
	happen(1s, 60s, CLOAK_INGRESS, 8);
	EXPECT_EQ(closedAt(61s), "in 8 active");
	for (const auto start : {62s, 123s}) {
		happen(start, start + 59s, CLOAK_EGRESS, 0);
		auto current = collector_.current(maps_);
		ASSERT_TRUE(current.ok());
		ASSERT_EQ(current->size(), 1U);
		EXPECT_EQ(describe(current->front()), "in 8 ");
		EXPECT_EQ(closedAt(start + 30s), "");
		EXPECT_EQ(closedAt(start + 60s), "in 8 active");
	}
	happen(184s, 185s, CLOAK_EGRESS, 0);
	EXPECT_EQ(closedAt(200s), "in 8 idle");
	happen(201s, 202s, CLOAK_EGRESS, 0);
	EXPECT_EQ(closedAt(217s), "out 0 idle") << "another flow";
}

TEST_F(CollectorTest, AFlowThatWasSilentBeginsAnew)
{
	happen(1s, 60s, CLOAK_INGRESS, 8);
	EXPECT_EQ(closedAt(61s), "in 8 active");
	EXPECT_EQ(closedAt(75s), "");
	happen(76s, 77s, CLOAK_EGRESS, 8);
	EXPECT_EQ(closedAt(92s), "out 8 idle");
}

TEST_F(CollectorTest, AFlowThatWasClosedBeginsAnew)
{
	happen(1s, 60s, CLOAK_INGRESS, 8);
	EXPECT_EQ(closedAt(61s), "in 8 active");
	happen(62s, 63s, CLOAK_EGRESS, 0);
	ASSERT_TRUE(collector_.closeAll(maps_, std::nullopt).ok());
	happen(64s, 65s, CLOAK_EGRESS, 8);
	EXPECT_EQ(closedAt(80s), "out 8 idle");
}

TEST_F(FlowTest, OnlySoManyBeginningsAreRemembered)
{
	Beginnings beginnings;

	for (std::size_t i = 0; i <= Beginnings::kMost; ++i) {
		flow_.key.ifindex = static_cast<unsigned>(i);
		beginnings.close(flow_.key, flow_.record, FlowEnd::Active);
	}
	EXPECT_EQ(beginnings.size(), Beginnings::kMost);
	cloak_record next = flow_.record;
	next.first = CLOAK_EGRESS;
	beginnings.apply(flow_.key, next);
	EXPECT_EQ(next.first, CLOAK_EGRESS) << "not remembered";
	flow_.key.ifindex = 0;
	beginnings.apply(flow_.key, next);
	EXPECT_EQ(next.first, CLOAK_INGRESS);
	beginnings.forget(BootTime(17s), 15s);
	EXPECT_EQ(beginnings.size(), 0U);
}

TEST_F(FlowTest, HasTheShapeOfEve)
{
	flow_.end = FlowEnd::Idle;
	const nlohmann::json event =
	    toEve(flow_, std::chrono::system_clock::now());

	EXPECT_EQ(event.at("event_type"), "flow");
	EXPECT_EQ(event.at("src_ip"), "10.0.3.7");
	EXPECT_EQ(event.at("src_port"), 40000);
	EXPECT_EQ(event.at("dest_port"), 22);
	EXPECT_EQ(event.at("proto"), "TCP");
	EXPECT_EQ(event.at("flow").at("pkts_toserver"), 3);
	EXPECT_EQ(event.at("flow").at("bytes_toclient"), 0);
	EXPECT_EQ(event.at("flow").at("state"), "new");
	EXPECT_EQ(event.at("tcp").at("tcp_flags_ts"), "02");
	EXPECT_EQ(event.at("cloak").at("verdict"), "drop");
	EXPECT_EQ(event.at("cloak").at("reasons").at("in"), "unauthorised");
	EXPECT_EQ(event.at("cloak").at("end"), "idle");
}

TEST_F(FlowTest, SourceIsWhoHasBegun)
{
	flow_.record.first = CLOAK_EGRESS;
	const nlohmann::json event =
	    toEve(flow_, std::chrono::system_clock::now());

	EXPECT_EQ(event.at("src_ip"), "10.0.9.5");
	EXPECT_EQ(event.at("src_port"), 22);
	EXPECT_EQ(event.at("flow").at("pkts_toclient"), 3);
	EXPECT_EQ(event.at("cloak").at("remote"), "dest");
}

/** Octets of a message in the order of the network. */
std::uint32_t wordAt(const std::string &bytes, std::size_t at)
{
	const auto octet = [&](std::size_t offset) {
		return std::uint32_t{
		    static_cast<std::uint8_t>(bytes.at(at + offset))};
	};

	return octet(0) << 24U | octet(1) << 16U | octet(2) << 8U | octet(3);
}

TEST_F(FlowTest, IpfixTellsTemplatesFirst)
{
	IpfixEncoder encoder(false);

	auto first = encoder.encode({flow_});
	ASSERT_TRUE(first.ok()) << first.error().message();
	ASSERT_EQ(first->size(), 2U);
	auto second = encoder.encode({flow_, flow_});
	ASSERT_TRUE(second.ok());
	ASSERT_EQ(second->size(), 1U);
	for (const std::string &message : *first) {
		EXPECT_EQ(wordAt(message, 0) >> 16U, 10U) << "version";
		EXPECT_EQ(wordAt(message, 0) & 0xffffU, message.size());
	}
	EXPECT_EQ(wordAt(first->at(0), 16) >> 16U, 2U) << "templates";
	EXPECT_EQ(wordAt(first->at(1), 16) >> 16U, 256U) << "IPv4";
	EXPECT_EQ(wordAt(first->at(1), 8), 0U) << "sequence";
	EXPECT_EQ(wordAt(second->at(0), 8), 1U);
}

TEST_F(FlowTest, IpfixMessagesFitDatagrams)
{
	IpfixEncoder encoder(true);
	flow_.key.ethertype = 0x86dd;

	auto messages = encoder.encode(std::vector<Flow>(100, flow_));
	ASSERT_TRUE(messages.ok()) << messages.error().message();
	EXPECT_GT(messages->size(), 5U);
	for (const std::string &message : *messages)
		EXPECT_LE(message.size(), 1400U);
}

TEST_F(FlowTest, ArpIsNotForIpfix)
{
	EXPECT_TRUE(isForIpfix(flow_));
	flow_.key.ethertype = 0x0806;
	EXPECT_FALSE(isForIpfix(flow_));
}

TEST(Syslog, IsOneOfRfc5424)
{
	const std::string message = syslogMessage(
	    SyslogSeverity::Warning, WallTime(1'700'000'000'123'456'000ns),
	    "port scan", "one\ntwo");

	EXPECT_TRUE(message.starts_with("<84>1 2023-11-14T22:13:20.123456Z "))
	    << message;
	EXPECT_NE(message.find(" port-scan [origin "), std::string::npos);
	EXPECT_TRUE(message.ends_with("one two"));
}

TEST(Syslog, CountsOctets)
{
	SyslogEncoder encoder;
	auto frames = encoder.encode({"abc", "de"});

	ASSERT_TRUE(frames.ok());
	EXPECT_EQ(frames->at(0), "3 abc2 de");
}

constexpr const char *kSeeing = R"(
[[interface]]
name = "eth0"
[shadow]
time = "30m"
[flows]
all = true
eve_per_second = 70
idle = "5s"
[evidence]
folder = "/var/x"
file_size = "1M"
files = 2
[[decoy]]
address = "10.0.9.6"
ports = [23, 3389]
[[ipfix]]
to = "udp://10.0.0.1:4739"
[[syslog]]
to = "tls://log:6514"
ca = "/etc/ca.pem"
)";

TEST(SeeingPolicy, IsReadAndWritten)
{
	const ParsedPolicy parsed = readPolicy(kSeeing);

	ASSERT_TRUE(parsed.errors.empty())
	    << toString(parsed.errors.front(), {"policy"});
	const SeeingPolicy &seeing = parsed.policy.seeing;
	EXPECT_EQ(seeing.shadow.time, 30min);
	EXPECT_TRUE(seeing.flows.all);
	EXPECT_EQ(seeing.flows.evePerSecond, 70U);
	EXPECT_EQ(seeing.flows.idle, 5s);
	EXPECT_EQ(seeing.evidence.fileSize.octets, 1U << 20U);
	ASSERT_EQ(seeing.decoys.size(), 1U);
	EXPECT_EQ(seeing.decoys[0].ports.size(), 2U);
	EXPECT_EQ(toString(seeing.syslog.at(0).to.value), "tls://log:6514");
	const std::string text = renderPolicy(parsed.policy);
	EXPECT_EQ(renderPolicy(readPolicy(text).policy), text);
}

std::string firstError(const std::string &line)
{
	const ParsedPolicy parsed =
	    readPolicy("[[interface]]\nname = \"eth0\"\n" + line);

	return parsed.errors.empty() ? ""
	                             : toString(parsed.errors.front(), {"p"});
}

TEST(SeeingPolicy, NamesFaultsWithTheirPlace)
{
	EXPECT_EQ(firstError("[[syslog]]\nto = \"tls://log:6514\"\n"
	                     "[[ipfix]]\nto = \"tls://log:6514\"\n"
	                     "[[syslog]]\nto = \"tls://log:6514\"\n"
	                     "ca = \"/etc/ca.pem\""),
	          "p:8:6: syslog.to = \"tls://log:6514\": expected each "
	          "receiver once; this one stands in line 4 already");
	EXPECT_EQ(firstError("[[decoy]]\naddress = \"10.0.9.6\"\n"
	                     "ports = [23, 70000]"),
	          "p:5:14: decoy.ports = 70000: expected a port from 1 to "
	          "65535");
	for (const char *bad :
	     {"[[decoy]]\naddress = \"224.0.0.1\"", "[[decoy]]\nports = [1]",
	      "[[decoy]]\naddress = \"10.0.9.6\"\n"
	      "[[decoy]]\naddress = \"10.0.9.6\"",
	      "[evidence]\nfile_size = \"1K\"", "[evidence]\nsnaplen = 3",
	      "[shadow]\ntime = \"soon\"", "[flows]\nidle = \"0s\"",
	      "[flows]\neve_per_second = 0", "[[syslog]]\nto = \"udp://h:1\"",
	      "[[ipfix]]\nto = \"h:1\"",
	      "[[ipfix]]\nto = \"tcp://h:1\"\nca = \"/x\"",
	      "[[syslog]]\nto = \"tls://h:1\"\nkey = \"/x\""})
		EXPECT_TRUE(firstError(bad).starts_with("p:")) << bad;
}

} // namespace
} // namespace cloak
