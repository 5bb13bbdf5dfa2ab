// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/check.h"
#include "policy/parse_rules.h"
#include "policy/table.h"
#include "policy/words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

void readInterface(TableReader &reader, Policy &policy)
{
	InterfacePolicy interface;

	if (reader.require("name", kInterfaceExpected)) {
		reader.text("name", interface.name, parseInterface,
		            kInterfaceExpected);
	}
	reader.text("mode", interface.scope, oneOf(kScopes),
	            R"("all" or "addresses")");
	reader.text("attach", interface.attach, oneOf(kAttachments),
	            R"("auto", "native" or "generic")");
	reader.text("action", interface.action, oneOf(kActions),
	            R"("enforce" or "monitor")");
	reader.flag("resolve", interface.resolve);
	policy.interfaces.push_back(std::move(interface));
}

void readPeers(TableReader &reader, Policy &policy)
{
	PeerGroup group;

	if (reader.require("name", kNameExpected))
		reader.text("name", group.name, parseName, kNameExpected);
	if (reader.require("prefixes", "a list of addresses or networks")) {
		reader.list("prefixes", group.prefixes, parsePrefix,
		            kPrefixExpected);
	}
	reader.list("except", group.except, parsePrefix, kPrefixExpected);
	reader.list("macs", group.macs, parseMac, kMacExpected);
	reader.text("interface", group.interface, parseInterface,
	            kInterfaceExpected);
	reader.text("access", group.access, oneOf(kAccesses),
	            R"("full" or "outbound")");
	policy.peers.push_back(std::move(group));
}

void readGateway(TableReader &reader, Policy &policy)
{
	Gateway gateway;

	const bool present = reader.require("address", kAddressExpected);
	const bool usable = present && reader.text("address", gateway.address,
	                                           parseIp, kAddressExpected);
	reader.text("mac", gateway.mac, parseMac, kMacExpected);
	reader.text("interface", gateway.interface, parseInterface,
	            kInterfaceExpected);
	if (usable)
		policy.gateways.push_back(std::move(gateway));
}

void readCloak(TableReader &reader, Policy &policy)
{
	reader.list("addresses", policy.addresses, parseIp, kAddressExpected);
	reader.ports("logins", policy.logins);
}

void readAlerts(TableReader &reader, Policy &policy)
{
	constexpr std::chrono::seconds least(1);
	AlertPolicy &alerts = policy.alerts;

	alerts.at = reader.position();
	reader.integer("per_second", alerts.perSecond, {1, 100'000});
	reader.duration("repeat", alerts.repeat, least);
	reader.duration("forget", alerts.forget, least);
	reader.integer("sources", alerts.sources, {16, CLOAK_MAX_SOURCES});
}

void readOutput(TableReader &reader, Policy &policy)
{
	reader.flag("text", policy.output.text);
	reader.text("eve", policy.output.eve, parsePath, kPathExpected);
}

/** One kind of table at the top of the file. */
struct Section {
	std::string_view name;
	bool repeated; //!< [[name]], else [name]
	void (*read)(TableReader &reader, Policy &policy);
};

constexpr std::array<Section, 14> kSections = {{
    {"alerts", false, readAlerts},
    {"cloak", false, readCloak},
    {"decoy", true, readDecoy},
    {"evidence", false, readEvidence},
    {"flows", false, readFlows},
    {"gateway", true, readGateway},
    {"interface", true, readInterface},
    {"ipfix", true, readIpfix},
    {"metrics", false, readMetrics},
    {"output", false, readOutput},
    {"peers", true, readPeers},
    {"shadow", false, readShadow},
    {"syslog", true, readSyslog},
    {"table", true, readRuleTable},
}};

std::string brackets(const Section &section)
{
	return section.repeated ? fmt::format("[[{}]]", section.name)
	                        : fmt::format("[{}]", section.name);
}

std::string allSections()
{
	std::string names;

	for (const Section &section : kSections)
		names += (names.empty() ? "" : ", ") + brackets(section);
	return names;
}

void readTable(const Section &section, const toml::node &node,
               ParsedPolicy &parsed)
{
	const toml::table *table = node.as_table();

	if (table == nullptr) {
		parsed.errors.push_back({positionOf(node.source()),
		                         std::string(section.name), shown(node),
		                         "a table, " + brackets(section)});
		return;
	}
	TableReader reader(*table, std::string(section.name), parsed.errors);
	section.read(reader, parsed.policy);
	reader.finish();
}

void readSection(const Section &section, const toml::node &node,
                 ParsedPolicy &parsed)
{
	const toml::array *array = node.as_array();

	if (!section.repeated) {
		readTable(section, node, parsed);
	} else if (array == nullptr) {
		parsed.errors.push_back(
		    {positionOf(node.source()), std::string(section.name),
		     shown(node), "tables, each under " + brackets(section)});
	} else {
		for (const toml::node &member : *array)
			readTable(section, member, parsed);
	}
}

void readDocument(const toml::table &document, ParsedPolicy &parsed)
{
	for (const auto &[key, node] : document) {
		const auto *section =
		    std::ranges::find(kSections, key.str(), &Section::name);

		if (section != kSections.end()) {
			readSection(*section, node, parsed);
		} else {
			parsed.errors.push_back(
			    {positionOf(key.source()), shownKey(key.str()),
			     shown(node), "one of " + allSections()});
		}
	}
}

Diagnostic syntaxError(const toml::parse_error &error)
{
	return {positionOf(error.source()), "", "",
	        fmt::format("TOML ({})", printable(error.description()))};
}

} // namespace

ParsedPolicy parsePolicy(std::string_view text)
{
	ParsedPolicy parsed;

	if (text.size() > kLongestPolicy) {
		parsed.unreadable = true;
		parsed.errors.push_back(
		    {{},
		     "size",
		     fmt::format("{} bytes", text.size()),
		     fmt::format("at most {} bytes", kLongestPolicy)});
		return parsed;
	}
	try {
		readDocument(toml::parse(text), parsed);
	} catch (const toml::parse_error &error) {
		parsed.unreadable = true;
		parsed.errors.push_back(syntaxError(error));
	}
	return parsed;
}

ParsedPolicy readPolicy(std::string_view text)
{
	ParsedPolicy parsed = parsePolicy(text);

	if (!parsed.unreadable)
		checkPolicy(parsed.policy, parsed.errors);
	if (parsed.errors.empty())
		parsed.rules = compileRules(parsed.policy, parsed.errors);
	sortByPosition(parsed.errors);
	return parsed;
}

} // namespace cloak
