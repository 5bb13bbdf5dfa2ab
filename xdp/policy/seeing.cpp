// SPDX-License-Identifier: Apache-2.0
#include "policy/seeing.h"

#include <fmt/format.h>

#include <map>

#include "policy/policy.h"
#include "policy/table.h"
#include "policy/words.h"
#include "util/duration.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using std::chrono::milliseconds;

constexpr std::string_view kSizeExpected =
    "a size such as \"64K\", \"16M\" or \"1G\", at least \"64K\"";
constexpr std::string_view kEndpointExpected =
    "a receiver such as \"tcp://10.0.0.1:4739\", \"tls://collector:4740\" or "
    "\"udp://[2001:db8::1]:4739\"";
constexpr std::string_view kLocalExpected =
    "\"unix:/run/cloaklake/metrics.sock\", a loopback address with a port "
    "such as \"127.0.0.1:9469\", or \"\" for none";

constexpr std::uint64_t kLeastFile = 64ULL << 10U;
constexpr std::size_t kMostReceivers = 16;

std::optional<Size> parseFileSize(std::string_view text)
{
	auto size = parseSize(text);

	return size && size->octets < kLeastFile ? std::nullopt : size;
}

void readReceiver(TableReader &reader, std::vector<ReceiverPolicy> &into)
{
	ReceiverPolicy receiver;

	if (reader.require("to", kEndpointExpected)) {
		reader.text("to", receiver.to, parseEndpoint,
		            kEndpointExpected);
	}
	reader.text("ca", receiver.ca, parsePath, kPathExpected);
	reader.text("certificate", receiver.certificate, parsePath,
	            kPathExpected);
	reader.text("key", receiver.key, parsePath, kPathExpected);
	into.push_back(std::move(receiver));
}

void checkDecoys(const Policy &policy, Diagnostics &errors)
{
	const std::vector<Decoy> &decoys = policy.seeing.decoys;
	std::map<IpAddress, Position> seen;

	for (const Decoy &decoy : decoys) {
		const auto &[address, at] = decoy.address;
		const std::string shown = quote(toString(address));

		if (at.line == 0)
			continue;
		auto [first, fresh] = seen.try_emplace(address, at);
		if (!fresh) {
			errors.push_back(
			    {at, "decoy.address", shown,
			     fmt::format(
				 "each address once; this one stands in {} "
				 "already",
				 lineOf(first->second, at, policy.files))});
		}
		if (address.isGroup() || address.isUnspecified()) {
			errors.push_back({at, "decoy.address", shown,
			                  "an address of this host"});
		}
		if (decoy.ports.size() > CLOAK_DECOY_PORTS) {
			errors.push_back(
			    {decoy.ports[CLOAK_DECOY_PORTS].at, "decoy.ports",
			     fmt::format("{} ports", decoy.ports.size()),
			     fmt::format("at most {}; none stands for all",
			                 CLOAK_DECOY_PORTS)});
		}
	}
	if (decoys.size() > CLOAK_MAX_DECOYS) {
		errors.push_back({decoys[CLOAK_MAX_DECOYS].address.at, "decoy",
		                  fmt::format("{} tables", decoys.size()),
		                  fmt::format("at most {}", CLOAK_MAX_DECOYS)});
	}
}

void checkReceivers(const std::vector<ReceiverPolicy> &receivers,
                    std::string_view table, bool datagrams,
                    const FileNames &files, Diagnostics &errors)
{
	std::map<Endpoint, Position> seen;

	for (const ReceiverPolicy &receiver : receivers) {
		const auto &[to, at] = receiver.to;

		if (at.line == 0)
			continue;
		const auto [first, fresh] = seen.try_emplace(to, at);
		if (!fresh) {
			errors.push_back(
			    {at, fmt::format("{}.to", table),
			     quote(toString(to)),
			     fmt::format("each receiver once; this one stands "
			                 "in {} already",
			                 lineOf(first->second, at, files))});
		}
		if (to.transport == Transport::Udp && !datagrams) {
			errors.push_back({at, fmt::format("{}.to", table),
			                  quote(toString(to)),
			                  "tcp:// or tls://"});
		}
		if (to.transport != Transport::Tls &&
		    !(receiver.ca + receiver.certificate + receiver.key)
		         .empty()) {
			errors.push_back({at, fmt::format("{}.to", table),
			                  quote(toString(to)),
			                  "tls://, as certificates are named"});
		}
		if (receiver.certificate.empty() != receiver.key.empty()) {
			errors.push_back({at, fmt::format("{}.key", table), "",
			                  "certificate and key, both or none"});
		}
	}
	if (receivers.size() > kMostReceivers) {
		errors.push_back({receivers[kMostReceivers].to.at,
		                  std::string(table),
		                  fmt::format("{} tables", receivers.size()),
		                  fmt::format("at most {}", kMostReceivers)});
	}
}

std::string renderDecoy(const Decoy &decoy)
{
	return fmt::format("[[decoy]]\naddress = \"{}\"\nports = {}\n\n",
	                   toString(decoy.address.value),
	                   listedPorts(decoy.ports));
}

std::string renderReceiver(std::string_view table,
                           const ReceiverPolicy &receiver)
{
	return fmt::format("[[{}]]\nto = {}\nca = {}\ncertificate = {}\n"
	                   "key = {}\n\n",
	                   table, quoteToml(toString(receiver.to.value)),
	                   quoteToml(receiver.ca),
	                   quoteToml(receiver.certificate),
	                   quoteToml(receiver.key));
}

std::string renderFlows(const FlowPolicy &flows)
{
	return fmt::format("[flows]\nall = {}\neve = {}\neve_per_second = {}\n"
	                   "active = \"{}\"\nidle = \"{}\"\n\n",
	                   flows.all, flows.eve, flows.evePerSecond,
	                   toString(flows.active), toString(flows.idle));
}

std::string renderEvidence(const EvidencePolicy &evidence)
{
	return fmt::format("[evidence]\nfolder = {}\nfile_size = \"{}\"\n"
	                   "files = {}\nsnaplen = {}\nper_second = {}\n\n",
	                   quoteToml(evidence.folder),
	                   toString(evidence.fileSize), evidence.files,
	                   evidence.snaplen, evidence.perSecond);
}

} // namespace

void readShadow(TableReader &reader, Policy &policy)
{
	reader.duration("time", policy.seeing.shadow.time, milliseconds(0));
}

void readFlows(TableReader &reader, Policy &policy)
{
	FlowPolicy &flows = policy.seeing.flows;

	reader.flag("all", flows.all);
	reader.flag("eve", flows.eve);
	reader.integer("eve_per_second", flows.evePerSecond, {1, 100'000});
	reader.duration("active", flows.active, std::chrono::seconds(1));
	reader.duration("idle", flows.idle, std::chrono::seconds(1));
}

void readEvidence(TableReader &reader, Policy &policy)
{
	EvidencePolicy &evidence = policy.seeing.evidence;

	reader.text("folder", evidence.folder, parsePath, kPathExpected);
	reader.text("file_size", evidence.fileSize, parseFileSize,
	            kSizeExpected);
	reader.integer("files", evidence.files, {1, 10'000});
	reader.integer("snaplen", evidence.snaplen, {14, CLOAK_MAX_SNAPLEN});
	reader.integer("per_second", evidence.perSecond, {1, 100'000});
}

void readDecoy(TableReader &reader, Policy &policy)
{
	Decoy decoy;

	if (reader.require("address", kAddressExpected)) {
		reader.text("address", decoy.address, parseIp,
		            kAddressExpected);
	}
	reader.ports("ports", decoy.ports);
	policy.seeing.decoys.push_back(std::move(decoy));
}

void readIpfix(TableReader &reader, Policy &policy)
{
	readReceiver(reader, policy.seeing.ipfix);
}

void readSyslog(TableReader &reader, Policy &policy)
{
	readReceiver(reader, policy.seeing.syslog);
}

void readMetrics(TableReader &reader, Policy &policy)
{
	MetricsPolicy &metrics = policy.seeing.metrics;

	reader.text("listen", metrics.listen, parseLocalEndpoint,
	            kLocalExpected);
	reader.flag("run_time", metrics.runTime);
	reader.integer("rules", metrics.rules, {0, kMostRules});
}

void checkSeeing(const Policy &policy, Diagnostics &errors)
{
	checkDecoys(policy, errors);
	checkReceivers(policy.seeing.ipfix, "ipfix", true, policy.files,
	               errors);
	checkReceivers(policy.seeing.syslog, "syslog", false, policy.files,
	               errors);
}

std::string renderSeeing(const SeeingPolicy &policy)
{
	std::string text = fmt::format("[shadow]\ntime = \"{}\"\n\n",
	                               toString(policy.shadow.time));

	text += renderFlows(policy.flows);
	text += renderEvidence(policy.evidence);
	for (const Decoy &decoy : policy.decoys)
		text += renderDecoy(decoy);
	for (const ReceiverPolicy &receiver : policy.ipfix)
		text += renderReceiver("ipfix", receiver);
	for (const ReceiverPolicy &receiver : policy.syslog)
		text += renderReceiver("syslog", receiver);
	return text + fmt::format("[metrics]\nlisten = {}\nrun_time = {}\n"
	                          "rules = {}\n\n",
	                          quoteToml(toString(policy.metrics.listen)),
	                          policy.metrics.runTime, policy.metrics.rules);
}

} // namespace cloak
