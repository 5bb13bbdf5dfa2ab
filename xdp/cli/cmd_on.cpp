// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/session.h"
#include "cli/simple.h"
#include "policy/render.h"
#include "policy/texts.h"
#include "policy/words.h"

namespace cloak
{
namespace
{

constexpr const char *kUsualPolicy = "/etc/cloaklake/policy.toml";

struct OnOptions {
	std::string policy = kUsualPolicy;
	std::vector<std::string> interfaces;
	std::vector<std::string> addresses;
	std::vector<std::string> peers;
	std::vector<std::string> gateways;
	std::string attach = "auto";
	bool monitor = false;
};

/** A TOML string: nothing that an option can say breaks out of it. */
std::string quoted(const std::string &text)
{
	return nlohmann::json(text).dump(
	    -1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string listed(const std::vector<std::string> &words)
{
	std::string text;

	for (const std::string &word : words)
		text += (text.empty() ? "" : ", ") + quoted(word);
	return "[" + text + "]";
}

/** The policy that the options stand for, as a person would write it. */
std::string compose(const OnOptions &options)
{
	std::string text;

	for (const std::string &name : options.interfaces) {
		text += fmt::format(
		    "[[interface]]\nname = {}\nmode = \"{}\"\nattach = {}\n"
		    "action = \"{}\"\n",
		    quoted(name),
		    options.addresses.empty() ? "all" : "addresses",
		    quoted(options.attach),
		    options.monitor ? "monitor" : "enforce");
	}
	if (!options.addresses.empty()) {
		text += fmt::format("[cloak]\naddresses = {}\n",
		                    listed(options.addresses));
	}
	if (!options.peers.empty()) {
		text +=
		    fmt::format("[[peers]]\nname = \"peers\"\nprefixes = {}\n",
		                listed(options.peers));
	}
	for (const std::string &gateway : options.gateways) {
		text +=
		    fmt::format("[[gateway]]\naddress = {}\n", quoted(gateway));
	}
	return text;
}

int applyTexts(const Context &context, const PolicyTexts &texts, bool mayCut)
{
	Request request;

	if (!isDaemonThere(context))
		return applyLocally(context, texts, mayCut);
	request.command = "apply";
	request.arguments = toArguments(texts);
	protectSessions(request, mayCut);
	return askAndSay(context, request, "the cloak is on");
}

/** As it was before "off". */
int onAgain(const Context &context, bool mayCut)
{
	Request request;

	request.command = "on";
	protectSessions(request, mayCut);
	return askAndSay(context, request, "the cloak is on");
}

int on(const Context &context, const OnOptions &options, bool policyGiven,
       bool mayCut)
{
	if (!options.interfaces.empty())
		return applyTexts(context, {{"command line", compose(options)}},
		                  mayCut);
	if (!policyGiven && isDaemonThere(context))
		return onAgain(context, mayCut);
	auto texts = readPolicyTexts(options.policy);
	if (!texts)
		return explain(context, Failure::Unreadable,
		               texts.error().message());
	return applyTexts(context, *texts, mayCut);
}

} // namespace

const Command kOnCommand = {
    "on", "cloak this host, by a policy file or by a few options",
    [](CLI::App &app) -> Action {
	    auto options = std::make_shared<OnOptions>();
	    auto *policy =
		app.add_option("-f,--policy", options->policy, "policy file");
	    auto *interface =
		app.add_option("-i,--interface", options->interfaces,
	                       "interface to cloak, instead of a policy file");

	    policy->capture_default_str()->excludes(interface);
	    app.add_option("-a,--address", options->addresses,
	                   "cloak this address only")
		->needs(interface);
	    app.add_option("-P,--peer", options->peers,
	                   "host or network that is authorised")
		->needs(interface);
	    app.add_option("-g,--gateway", options->gateways,
	                   "router through which peers come")
		->needs(interface);
	    app.add_option("-m,--attach", options->attach,
	                   "auto, native or generic")
		->needs(interface);
	    app.add_flag("--monitor", options->monitor, "drop nothing, report")
		->needs(interface);
	    auto mayCut = declareCut(app);
	    return [options, policy, mayCut](const Context &context) {
		    return on(context, *options, policy->count() > 0, *mayCut);
	    };
    }};

} // namespace cloak
