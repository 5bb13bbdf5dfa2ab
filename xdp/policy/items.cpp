// SPDX-License-Identifier: Apache-2.0
#include "policy/items.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "policy/interfaces.h"
#include "policy/render.h"
#include "policy/rule_words.h"
#include "util/quote.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** What comes first; a kind that is not here comes last. */
constexpr std::array<std::string_view, 15> kOrder = {
    "interface", "cloak",  "peers",   "gateway", "table",
    "counter",   "decoy",  "shadow",  "flows",   "evidence",
    "ipfix",     "syslog", "metrics", "alerts",  "output",
};

/** By which of several tables of one kind are known. */
constexpr std::array<std::string_view, 3> kNames = {"name", "address", "to"};

json valueOf(const toml::node &node)
{
	if (const auto text = node.value_exact<std::string>())
		return *text;
	if (const auto flag = node.value_exact<bool>())
		return *flag;
	return node.value<std::int64_t>().value_or(0);
}

std::string textOf(const toml::table &table, std::string_view key)
{
	return table[key].value_or(std::string());
}

/** Each of several prefixes has a MAC of its own: they belong together. */
void pairMacs(toml::table &group)
{
	toml::array *prefixes = group["prefixes"].as_array();
	const toml::array *macs = group["macs"].as_array();

	if (prefixes == nullptr || macs == nullptr || macs->size() < 2)
		return;
	toml::array pairs;
	for (std::size_t i = 0; i < prefixes->size(); ++i) {
		pairs.push_back(fmt::format(
		    "{} with {}", prefixes->get(i)->value_or(std::string()),
		    macs->get(i)->value_or(std::string())));
	}
	group.erase("macs");
	group.insert_or_assign("prefixes", std::move(pairs));
}

void addSettings(Item &item, const toml::table &table)
{
	for (const auto &[key, node] : table) {
		const std::string name(key.str());
		const toml::array *list = node.as_array();

		if (list == nullptr) {
			item.settings.push_back({name, valueOf(node), {}, 0});
			continue;
		}
		for (const toml::node &member : *list) {
			const json value = valueOf(member);
			item.settings.push_back({name, value, value.dump(), 0});
		}
	}
}

Item itemOf(std::string kind, toml::table table)
{
	Item item{std::move(kind), {}, {}};

	for (const std::string_view key : kNames) {
		item.name = textOf(table, key);
		if (item.name.empty())
			continue;
		table.erase(key);
		break;
	}
	pairMacs(table);
	addSettings(item, table);
	return item;
}

/** Of two patterns that match the same interface the first one decides. */
void addPatternsBefore(std::vector<Item> &items, const Policy &policy)
{
	std::vector<std::string> before;

	for (const InterfacePolicy &interface : policy.interfaces) {
		const std::string &pattern = interface.name.value;
		if (!isPattern(pattern))
			continue;
		auto item = std::ranges::find_if(items, [&](const Item &one) {
			return one.kind == "interface" && one.name == pattern;
		});
		for (const std::string &other : before)
			item->settings.push_back({"after", other, other, 0});
		before.push_back(pattern);
	}
}

/** A rule as one line, what it asks and what becomes of it. */
std::string lineOf(const RulePolicy &rule)
{
	std::string text = fmt::format(
	    "{} {}", wordOf(kVerdicts, rule.verdict.value), describe(rule));

	if (!rule.name.value.empty())
		text += " name " + quoteToml(rule.name.value);
	if (rule.priority != kUsualPriority)
		text += fmt::format(" priority {}", rule.priority);
	if (!rule.counter.empty())
		text += " counter " + quoteToml(rule.counter);
	if (rule.action != CLOAK_MODE_ENFORCE)
		text += fmt::format(" action \"{}\"",
		                    wordOf(kActions, rule.action));
	return text;
}

void addRules(Item &item, const TablePolicy &table)
{
	std::vector<const RulePolicy *> ordered;

	for (const RulePolicy &rule : table.rules)
		ordered.push_back(&rule);
	std::ranges::stable_sort(
	    ordered, {}, [](const RulePolicy *rule) { return rule->priority; });
	for (std::size_t i = 0; i < ordered.size(); ++i) {
		const RulePolicy &rule = *ordered[i];
		const std::string line = lineOf(rule);
		const std::string &name = rule.name.value;

		item.settings.push_back({"rule", line,
		                         name.empty() ? line : "\n" + name,
		                         static_cast<std::uint32_t>(i + 1)});
	}
}

/** All but the rules, of which there may be very many. */
Policy withoutRules(const Policy &policy)
{
	Policy bare;

	bare.interfaces = policy.interfaces;
	bare.addresses = policy.addresses;
	bare.logins = policy.logins;
	bare.peers = policy.peers;
	bare.gateways = policy.gateways;
	for (const TablePolicy &table : policy.tables) {
		bare.tables.push_back(
		    {table.address, table.verdict, table.action, {}});
	}
	bare.alerts = policy.alerts;
	bare.output = policy.output;
	bare.seeing = policy.seeing;
	return bare;
}

void addTables(std::vector<Item> &items, const std::string &kind,
               const toml::node &node)
{
	if (const toml::table *table = node.as_table()) {
		items.push_back({kind, {}, {}});
		addSettings(items.back(), *table);
	} else if (const toml::array *tables = node.as_array()) {
		for (const toml::node &one : *tables)
			items.push_back(itemOf(kind, *one.as_table()));
	}
}

void addCounters(std::vector<Item> &items, const Policy &policy)
{
	std::set<std::string> names;

	for (const TablePolicy &table : policy.tables)
		for (const RulePolicy &rule : table.rules)
			names.insert(rule.counter);
	names.erase("");
	for (const std::string &name : names)
		items.push_back({"counter", name, {}});
}

} // namespace

std::vector<Item> itemsOf(const Policy &policy)
{
	std::vector<Item> items;
	std::map<std::string, const TablePolicy *> tables;

	// As it is rendered, so that no key can be forgotten here.
	const toml::table root =
	    toml::parse(renderPolicy(withoutRules(policy)));
	for (const auto &[key, node] : root)
		addTables(items, std::string(key.str()), node);
	addPatternsBefore(items, policy);
	for (const TablePolicy &table : policy.tables)
		tables[toString(table.address.value)] = &table;
	for (Item &item : items)
		if (item.kind == "table")
			addRules(item, *tables.at(item.name));
	addCounters(items, policy);
	std::ranges::stable_sort(
	    items, {}, [](const Item &item) { return placeOf(item.kind); });
	return items;
}

std::size_t placeOf(std::string_view kind)
{
	const auto *found = std::ranges::find(kOrder, kind);

	return static_cast<std::size_t>(found - kOrder.begin());
}

} // namespace cloak
