// SPDX-License-Identifier: Apache-2.0
#include "policy/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "policy/check.h"
#include "policy/key_parts.h"
#include "policy/parse_rules.h"
#include "policy/rule_warnings.h"
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

	if (reader.require("name", kPatternExpected)) {
		reader.text("name", interface.name, parseInterfacePattern,
		            kPatternExpected);
	}
	reader.text("mode", interface.scope, oneOf(kScopes),
	            R"("all" or "addresses")");
	reader.text("attach", interface.attach, oneOf(kAttachments),
	            R"("auto", "native" or "generic")");
	reader.text("action", interface.action, oneOf(kActions),
	            R"("enforce" or "monitor")");
	reader.flag("resolve", interface.resolve);
	reader.flag("dispatcher", interface.dispatcher);
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
	reader.text("interface", group.interface, parseInterfacePattern,
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
	reader.text("interface", gateway.interface, parseInterfacePattern,
	            kInterfaceExpected);
	if (usable)
		policy.gateways.push_back(std::move(gateway));
}

void readCloak(TableReader &reader, Policy &policy)
{
	const std::vector<Located<std::uint16_t>> former = policy.logins;
	const bool usual = former.empty() || former.front().at.line == 0;

	reader.list("addresses", policy.addresses, parseIp, kAddressExpected);
	// Ports that are named take the place of the usual ones only.
	if (reader.ports("logins", policy.logins) && !usual) {
		policy.logins.insert(policy.logins.begin(), former.begin(),
		                     former.end());
	}
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
	bool addsUp = repeated; //!< may stand in several files
};

constexpr std::array<Section, 14> kSections = {{
    {"alerts", false, readAlerts},
    {"cloak", false, readCloak, true},
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

/** Where the sections were that stand in one file only. */
using SeenSections = std::map<std::string_view, Position>;

/** Notes a section that another file has already. */
bool isElsewhere(const Section &section, const toml::node &node,
                 SeenSections &seen, ParsedPolicy &parsed)
{
	const Position at = positionOf(node.source());
	const auto [first, fresh] = seen.try_emplace(section.name, at);

	if (fresh || section.addsUp)
		return false;
	parsed.errors.push_back(
	    {at, std::string(section.name), shown(node),
	     fmt::format("{} in one file only; it stands in {} already",
	                 brackets(section),
	                 lineOf(first->second, at, parsed.policy.files))});
	return true;
}

void readDocument(const toml::table &document, SeenSections &seen,
                  ParsedPolicy &parsed)
{
	for (const auto &[key, node] : document) {
		const auto *section =
		    std::ranges::find(kSections, key.str(), &Section::name);

		if (section == kSections.end()) {
			parsed.errors.push_back(
			    {positionOf(key.source()), shownKey(key.str()),
			     shown(node), "one of " + allSections()});
		} else if (!isElsewhere(*section, node, seen, parsed)) {
			readSection(*section, node, parsed);
		}
	}
}

Diagnostic syntaxError(const toml::parse_error &error)
{
	return {positionOf(error.source()), "", "",
	        fmt::format("TOML ({})", printable(error.description()))};
}

/** Reads one file, unless it is none or no policy could have its keys. */
void readText(std::string_view text, std::uint32_t file, SeenSections &seen,
              ParsedPolicy &parsed)
{
	if (auto deep = findDeepKey(text)) {
		deep->file = file;
		parsed.unreadable = true;
		parsed.errors.push_back(
		    {*deep, "", "",
		     fmt::format("a key of at most {} parts", kMostKeyParts)});
		return;
	}
	try {
		readDocument(toml::parse(text, std::to_string(file)), seen,
		             parsed);
	} catch (const toml::parse_error &error) {
		parsed.unreadable = true;
		parsed.errors.push_back(syntaxError(error));
	}
}

} // namespace

ParsedPolicy parsePolicy(std::span<const PolicyText> texts)
{
	ParsedPolicy parsed;
	SeenSections seen;
	std::size_t size = 0;

	for (const PolicyText &text : texts) {
		parsed.policy.files.push_back(text.source);
		size += text.text.size();
	}
	if (size > kLongestPolicy) {
		parsed.unreadable = true;
		parsed.errors.push_back(
		    {{},
		     "size",
		     fmt::format("{} bytes", size),
		     fmt::format("at most {} bytes", kLongestPolicy)});
		return parsed;
	}
	for (std::uint32_t i = 0; i < texts.size(); ++i)
		readText(texts[i].text, i, seen, parsed);
	return parsed;
}

ParsedPolicy parsePolicy(std::string_view text)
{
	const PolicyTexts texts = {{"policy", std::string(text)}};

	return parsePolicy(texts);
}

ParsedPolicy readPolicy(std::span<const PolicyText> texts)
{
	ParsedPolicy parsed = parsePolicy(texts);

	if (!parsed.unreadable)
		checkPolicy(parsed.policy, parsed.errors);
	if (parsed.errors.empty())
		parsed.rules = compileRules(parsed.policy, parsed.errors);
	if (parsed.errors.empty())
		parsed.warnings = warnOfRules(parsed.policy);
	sortByPosition(parsed.errors);
	return parsed;
}

ParsedPolicy readPolicy(std::string_view text)
{
	const PolicyTexts texts = {{"policy", std::string(text)}};

	return readPolicy(texts);
}

} // namespace cloak
