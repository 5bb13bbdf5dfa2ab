// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bpf/link.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/print.h"

namespace cloak
{
namespace
{

using nlohmann::json;

/** With the pattern that it matches. */
std::string nameOf(const json &interface, bool present)
{
	const std::string name = field(interface, "name");

	return present && interface.contains("pattern")
	           ? fmt::format("{} ({})", name, field(interface, "pattern"))
	           : name;
}

void printInterfaces(const json &interfaces)
{
	Table table({"INTERFACE", "CLOAKED", "ACTION", "XDP", "EGRESS"});

	for (const json &interface : interfaces) {
		const bool present = interface.value("present", false);
		const bool egress = interface.value("egress", false);
		table.add({nameOf(interface, present), field(interface, "mode"),
		           field(interface, "action"),
		           present ? attachmentText(interface) : "absent",
		           egress ? "yes" : "no"});
	}
	table.print();
	for (const json &interface : interfaces) {
		if (interface.contains("refusal")) {
			fmt::print("not attached, tried again: {}\n",
			           field(interface, "refusal"));
		}
	}
}

void printAuthorised(const json &authorised)
{
	Table table({"AUTHORISED", "MAC", "UNTIL"});

	for (const json &peer : authorised) {
		table.add({field(peer, "peer"), field(peer, "mac"),
		           timeField(peer, "expires")});
	}
	if (!table.empty()) {
		fmt::print("\n");
		table.print();
	}
}

void printOutputs(const json &outputs)
{
	for (const json &output : outputs) {
		const std::string error = field(output, "last_error");
		fmt::print(
		    "output   {}: {} written, {} waiting, {} dropped{}\n",
		    field(output, "name"), field(output, "written"),
		    field(output, "waiting"), field(output, "dropped"),
		    error.empty() ? "" : "; " + error);
	}
}

/** For want of room, or as they did not read. */
std::uint64_t refused(const json &control)
{
	return control.value("crowded_out", std::uint64_t(0)) +
	       control.value("unread", std::uint64_t(0));
}

/** A line only where somebody does such things. */
void printRemoved(const json &removed)
{
	std::uint64_t all = 0;

	for (const json &count : removed)
		all += count.get<std::uint64_t>();
	if (all == 0)
		return;
	fmt::print("removed  by others and put back: ingress {}, egress {}, "
	           "answers {}\n",
	           field(removed, "ingress"), field(removed, "egress"),
	           field(removed, "answers"));
}

void printStatus(const json &status)
{
	const json policy = status.value("policy", json::object());
	const json alerts = status.value("alerts", json::object());
	const json events = status.value("events", json::object());
	const json control = status.value("control", json::object());

	fmt::print("cloak    {}\n", field(status, "cloak"));
	fmt::print("policy   {}, applied {}\n", field(policy, "source"),
	           timeField(policy, "applied"));
	if (status.contains("confirmation")) {
		const json &awaited = status["confirmation"];
		fmt::print("confirm  awaited until {}, else back to {}\n",
		           timeField(awaited, "until"),
		           field(awaited, "former"));
	}
	fmt::print("peers    {} in {} groups, {} gateways\n",
	           field(policy, "peers"), field(policy, "groups"),
	           field(policy, "gateways"));
	fmt::print("rules    {} in {} tables\n", field(policy, "rules"),
	           field(policy, "tables"));
	fmt::print("probes   {}, background {}\n", field(events, "probes"),
	           field(events, "background"));
	fmt::print("alerts   {} raised, {} suppressed, {} sources known\n",
	           field(alerts, "raised"), field(alerts, "suppressed"),
	           field(alerts, "sources"));
	fmt::print("clients  {}, {} refused\n", field(control, "clients"),
	           refused(control));
	printRemoved(status.value("removed", json::object()));
	printOutputs(status.value("outputs", json::array()));
	fmt::print("\n");
	printInterfaces(status.value("interfaces", json::array()));
	printAuthorised(status.value("authorised", json::array()));
}

/** The cloak may be on although the daemon is not there: say so. */
int statusWithoutDaemon(const Context &context, int exit)
{
	auto attached = Links(context.pinRoot).list();

	if (attached && !context.json) {
		fmt::print("cloak    {}\n", attached->empty() ? "off" : "on");
		fmt::print("alerts   nobody is told, as no cloakd runs\n");
	}
	return exit;
}

int status(const Context &context)
{
	const Answer answer = ask(context, {"status"});

	if (answer.exit == kNoDaemon)
		return statusWithoutDaemon(context, answer.exit);
	if (answer.exit != kDone)
		return answer.exit;
	if (context.json)
		printJson(answer.result);
	else
		printStatus(answer.result);
	return kDone;
}

} // namespace

const Command kStatusCommand = {
    "status", "show whether the cloak is on, and how it fares",
    [](CLI::App &) -> Action { return status; }};

} // namespace cloak
