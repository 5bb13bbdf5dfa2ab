// SPDX-License-Identifier: Apache-2.0
#include "export/ipfix.h"

#include <fixbuf/public.h>

#include <array>

namespace cloak
{
namespace
{

constexpr std::uint16_t kShortMessage = 1400;
constexpr std::uint16_t kLongMessage = 16384;

/** Templates are told again in datagrams, RFC 7011 section 8.4. */
constexpr std::chrono::seconds kTellAgain(30);

enum FirewallEvent : std::uint8_t {
	kEventDeleted = 2,
	kEventDenied = 3,
	kEventUpdate = 5,
};

/** What records of both families have, as it lies in memory. */
struct Common {
	std::uint64_t startMs;
	std::uint64_t endMs;
	std::uint64_t octets;
	std::uint64_t packets;
	std::uint64_t reverseOctets;
	std::uint64_t reversePackets;
	std::uint32_t ingress;
	std::uint32_t egress;
	std::uint16_t sport;
	std::uint16_t dport;
	std::uint16_t vlan;
	std::uint16_t icmp;
	std::uint8_t protocol;
	std::uint8_t reverseFlags;
	std::uint8_t flags; //!< behind: nfdump keeps the last one of them
	std::uint8_t direction;
	std::uint8_t event;
	std::uint8_t end;
	std::array<std::uint8_t, 2> unused;
};

struct RecordV4 {
	Common common;
	std::uint32_t source;
	std::uint32_t destination;
};

struct RecordV6 {
	Common common;
	std::array<std::uint8_t, 16> source;
	std::array<std::uint8_t, 16> destination;
};

static_assert(sizeof(Common) == 72 && sizeof(RecordV4) == 80 &&
              sizeof(RecordV6) == 104);

/** An element by its name, and how many octets of it are in a record. */
struct Element {
	const char *name;
	std::uint16_t size;
};

/** In the order of struct Common. */
constexpr std::array<Element, 11> kFirstElements = {{
    {"flowStartMilliseconds", 8},
    {"flowEndMilliseconds", 8},
    {"octetDeltaCount", 8},
    {"packetDeltaCount", 8},
    {"reverseOctetDeltaCount", 8},
    {"reversePacketDeltaCount", 8},
    {"ingressInterface", 4},
    {"egressInterface", 4},
    {"sourceTransportPort", 2},
    {"destinationTransportPort", 2},
    {"vlanId", 2},
}};

constexpr std::array<Element, 6> kLastElements = {{
    {"protocolIdentifier", 1},
    {"reverseTcpControlBits", 1},
    {"tcpControlBits", 1},
    {"flowDirection", 1},
    {"firewallEvent", 1},
    {"flowEndReason", 1},
}};

/** Where the families differ. */
struct Family {
	std::uint16_t number; //!< of the template
	Element icmp;
	Element source;
	Element destination;
};

constexpr Family kV4 = {256,
                        {"icmpTypeCodeIPv4", 2},
                        {"sourceIPv4Address", 4},
                        {"destinationIPv4Address", 4}};
constexpr Family kV6 = {257,
                        {"icmpTypeCodeIPv6", 2},
                        {"sourceIPv6Address", 16},
                        {"destinationIPv6Address", 16}};

/** The order of the structures; @p inMemory with their padding. */
std::vector<Element> elementsOf(const Family &family, bool inMemory)
{
	std::vector<Element> all(kFirstElements.begin(), kFirstElements.end());

	all.push_back(family.icmp);
	all.insert(all.end(), kLastElements.begin(), kLastElements.end());
	if (inMemory)
		all.push_back({"paddingOctets", 2});
	all.push_back(family.source);
	all.push_back(family.destination);
	return all;
}

std::uint64_t milliseconds(WallTime time)
{
	return static_cast<std::uint64_t>(
	    std::chrono::floor<std::chrono::milliseconds>(time)
		.time_since_epoch()
		.count());
}

std::uint8_t eventOf(const Flow &flow)
{
	if (flow.verdict() == "drop")
		return kEventDenied;
	return flow.end == FlowEnd::Active ? kEventUpdate : kEventDeleted;
}

/** The source is who has begun, the reverse direction his answer. */
Common commonOf(const Flow &flow)
{
	const bool in = flow.isInbound();
	const auto forward = in ? CLOAK_INGRESS : CLOAK_EGRESS;
	const auto reverse = in ? CLOAK_EGRESS : CLOAK_INGRESS;
	const cloak_record &record = flow.record;
	const WallSpan span = toWall(flow.first(), flow.last());
	Common common{};

	common.startMs = milliseconds(span.begin);
	common.endMs = milliseconds(span.end);
	common.octets = record.bytes[forward];
	common.packets = record.packets[forward];
	common.reverseOctets = record.bytes[reverse];
	common.reversePackets = record.packets[reverse];
	(in ? common.ingress : common.egress) = flow.key.ifindex;
	if (flow.hasPorts()) {
		common.sport = in ? flow.key.remote_port : flow.key.local_port;
		common.dport = in ? flow.key.local_port : flow.key.remote_port;
	}
	common.vlan = flow.record.vlan;
	if (flow.isIcmp()) {
		common.icmp = static_cast<std::uint16_t>(
		    record.icmp_type << 8U | record.icmp_code);
	}
	common.protocol = flow.key.protocol;
	common.flags = record.tcp_flags[forward];
	common.reverseFlags = record.tcp_flags[reverse];
	common.direction = in ? 0 : 1;
	common.event = eventOf(flow);
	common.end = static_cast<std::uint8_t>(flow.end);
	return common;
}

/** libfixbuf wants numbers in the byte order of this machine. */
std::uint32_t v4Of(const IpAddress &ip)
{
	const auto &octets = ip.octets;

	return std::uint32_t{octets[12]} << 24U |
	       std::uint32_t{octets[13]} << 16U |
	       std::uint32_t{octets[14]} << 8U | octets[15];
}

Error failed(const char *what, GError *error)
{
	std::string text = what;

	if (error != nullptr) {
		text += std::string(": ") + error->message;
		g_error_free(error);
	}
	return Error(text);
}

} // namespace

bool isForIpfix(const Flow &flow)
{
	return flow.isIp();
}

struct IpfixEncoder::State {
	struct ModelDeleter {
		void operator()(fbInfoModel_t *model) const
		{
			fbInfoModelFree(model);
		}
	};
	struct BufferDeleter {
		void operator()(fBuf_t *buffer) const { fBufFree(buffer); }
	};

	Status prepare();
	Status addTemplate(const Family &family, bool inMemory);
	Status tellTemplates();
	Status append(const Flow &flow);
	Status write(std::uint16_t number, const void *record,
	             std::size_t size);
	Status emit();

	bool datagrams = false;
	bool prepared = false;
	std::chrono::steady_clock::time_point told;
	std::vector<std::uint8_t> bytes;
	std::vector<std::string> messages;
	bool pending = false; //!< the buffer has records that are not out
	std::unique_ptr<fbInfoModel_t, ModelDeleter> model;
	fbSession_t *session = nullptr;   // the buffer's
	fbExporter_t *exporter = nullptr; // the buffer's
	std::unique_ptr<fBuf_t, BufferDeleter> buffer;
};

Status IpfixEncoder::State::addTemplate(const Family &family, bool inMemory)
{
	GError *error = nullptr;
	fbTemplate_t *entry = fbTemplateAlloc(model.get());

	for (const Element &element : elementsOf(family, inMemory)) {
		std::string name = element.name;
		fbInfoElementSpec_t spec{};

		spec.name = name.data();
		spec.len_override = element.size;
		if (fbTemplateAppendSpec(entry, &spec, 0, &error) == 0) {
			fbTemplateFreeUnused(entry);
			return failed("cannot describe a flow", error);
		}
	}
	if (fbSessionAddTemplate(session, inMemory ? TRUE : FALSE,
	                         family.number, entry, &error) == 0) {
		fbTemplateFreeUnused(entry);
		return failed("cannot add a template", error);
	}
	return {};
}

/** Templates first: a session that has a buffer writes them there at once. */
Status IpfixEncoder::State::prepare()
{
	bytes.resize(datagrams ? kShortMessage : kLongMessage);
	model.reset(fbInfoModelAlloc());
	session = fbSessionAlloc(model.get());
	for (const Family &family : {kV4, kV6}) {
		for (const bool inMemory : {true, false}) {
			Status added = addTemplate(family, inMemory);
			if (!added) {
				fbSessionFree(session);
				return added;
			}
		}
	}
	exporter = fbExporterAllocBuffer(
	    bytes.data(), static_cast<std::uint16_t>(bytes.size()));
	buffer.reset(fBufAllocForExport(session, exporter));
	fBufSetAutomaticMode(buffer.get(), FALSE);
	prepared = true;
	return {};
}

Status IpfixEncoder::State::tellTemplates()
{
	const auto now = std::chrono::steady_clock::now();
	const bool again = datagrams && now - told >= kTellAgain;
	GError *error = nullptr;

	if (told.time_since_epoch().count() != 0 && !again)
		return {};
	// The first call ends the message before, even if there was none.
	if (fbSessionExportTemplates(session, &error) == 0 &&
	    g_error_matches(error, FB_ERROR_DOMAIN, FB_ERROR_EOM)) {
		g_clear_error(&error);
		fbSessionExportTemplates(session, &error);
	}
	if (error != nullptr)
		return failed("cannot tell templates", error);
	told = now;
	pending = true;
	return emit();
}

Status IpfixEncoder::State::emit()
{
	GError *error = nullptr;

	if (!pending)
		return {};
	if (fBufEmit(buffer.get(), &error) == 0)
		return failed("cannot finish a message", error);
	const auto *begin = reinterpret_cast<const char *>(bytes.data());
	messages.emplace_back(begin, fbExporterGetMsgLen(exporter));
	pending = false;
	return {};
}

/** A message that is full goes, and the record begins the next one. */
Status IpfixEncoder::State::write(std::uint16_t number, const void *record,
                                  std::size_t size)
{
	GError *error = nullptr;
	// fixbuf only reads it.
	auto *data = static_cast<std::uint8_t *>(const_cast<void *>(record));

	for (int attempt = 0; attempt < 2; ++attempt) {
		if (fBufSetInternalTemplate(buffer.get(), number, &error) !=
		        0 &&
		    fBufSetExportTemplate(buffer.get(), number, &error) != 0 &&
		    fBufAppend(buffer.get(), data, size, &error) != 0) {
			pending = true;
			return {};
		}
		if (!g_error_matches(error, FB_ERROR_DOMAIN, FB_ERROR_EOM))
			break;
		g_clear_error(&error);
		Status emitted = emit();
		if (!emitted)
			return emitted;
	}
	return failed("cannot encode a flow", error);
}

Status IpfixEncoder::State::append(const Flow &flow)
{
	const IpAddress source =
	    flow.isInbound() ? flow.remote() : flow.local();
	const IpAddress destination =
	    flow.isInbound() ? flow.local() : flow.remote();

	if (flow.isV6()) {
		const RecordV6 record = {commonOf(flow), source.octets,
		                         destination.octets};
		return write(kV6.number, &record, sizeof(record));
	}
	const RecordV4 record = {commonOf(flow), v4Of(source),
	                         v4Of(destination)};
	return write(kV4.number, &record, sizeof(record));
}

IpfixEncoder::IpfixEncoder(bool datagrams) : state_(std::make_unique<State>())
{
	state_->datagrams = datagrams;
}

IpfixEncoder::~IpfixEncoder() = default;

Result<std::vector<std::string>>
IpfixEncoder::encode(const std::vector<Flow> &flows)
{
	State &state = *state_;

	state.messages.clear();
	if (!state.prepared) {
		Status prepared = state.prepare();
		if (!prepared)
			return prepared.error();
	}
	Status done = state.tellTemplates();
	for (const Flow &flow : flows)
		if (done && isForIpfix(flow))
			done = state.append(flow);
	if (done)
		done = state.emit();
	if (!done)
		return done.error();
	return std::move(state.messages);
}

} // namespace cloak
