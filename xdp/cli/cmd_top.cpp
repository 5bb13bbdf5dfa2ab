// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/print.h"
#include "cli/top_report.h"
#include "cli/top_view.h"

namespace cloak
{
namespace
{

using nlohmann::json;

struct TopOptions {
	double delay = 1;
	unsigned count = 0; //!< 0: until somebody ends it
	bool batch = false;
	bool once = false;
};

/** Looks at the daemon again and again, on one connection. */
class Looker
{
public:
	explicit Looker(Client client) : client_(std::move(client)) {}

	/** What the daemon says now. While the cloak is off that is little. */
	Result<TopLook> look()
	{
		TopLook look;

		look.at = BootClock::now();
		look.time = std::chrono::system_clock::now();
		const bool done =
		    get({"status"}, look.status) &&
		    (look.status.value("cloak", "off") == "off" ||
		     (get({"drops"}, look.drops) &&
		      get(limited("flows", "top", kTopFlows), look.flows) &&
		      get(limited("sources", "limit", kTopSources),
		          look.sources) &&
		      get({"shadows"}, look.shadows))) &&
		    addAlerts();
		if (!done)
			return error_;
		look.alerts = alerts_;
		return look;
	}

	/** Whether that is why there is nothing to see. */
	[[nodiscard]] bool hasEnded() const { return client_.hasEnded(); }

private:
	static Request limited(const char *command, const char *name,
	                       std::size_t most)
	{
		Request request{command};

		request.arguments[name] = most;
		return request;
	}

	bool get(const Request &request, json &into)
	{
		auto response = client_.ask(request);

		if (!response) {
			error_ = response.error();
			return false;
		}
		if (response->ok)
			into = std::move(response->result);
		// Taken off between two questions: there is nothing to see.
		return true;
	}

	/** Those behind the last that is known: their times go no one way. */
	bool addAlerts()
	{
		Request request{"alerts"};
		json raised = json::array();

		if (last_ != 0)
			request.arguments["after"] = last_;
		else
			alerts_.clear();
		if (!get(request, raised))
			return false;
		for (json &alert : raised) {
			last_ = alert.value("number", std::uint64_t(0));
			alerts_.push_back(std::move(alert));
			if (alerts_.size() > kTopAlerts)
				alerts_.pop_front();
		}
		return true;
	}

	Client client_;
	Error error_{std::string()};
	std::deque<json> alerts_;
	std::uint64_t last_ = 0; //!< number of an alert
};

int explainBlind(const Context &context, const Looker &looker,
                 const Error &error)
{
	return explain(
	    context, looker.hasEnded() ? Failure::NoDaemon : Failure::NoAnswer,
	    error.message());
}

/** One frame after the other, for scripts. */
int runBatch(const Context &context, const TopOptions &options, Looker &looker)
{
	auto before = looker.look();

	for (unsigned frame = 0;
	     before && (options.count == 0 || frame < options.count); ++frame) {
		std::this_thread::sleep_for(
		    std::chrono::duration<double>(options.delay));
		auto now = looker.look();
		if (!now)
			return explainBlind(context, looker, now.error());
		const json report = reportTop(*before, *now);
		if (context.json) {
			printJson(report);
		} else {
			for (const ScreenLine &line :
			     viewTop(report, std::nullopt))
				fmt::print("{}\n", line.text);
			flush();
		}
		before = std::move(now);
	}
	return before ? kDone : explainBlind(context, looker, before.error());
}

/** Waits for the next look. @returns false if somebody wants to leave. */
bool waitForLook(const TopOptions &options, const json &report)
{
	const auto due = BootClock::now() +
	                 std::chrono::duration_cast<BootClock::duration>(
			     std::chrono::duration<double>(options.delay));

	while (true) {
		Terminal::show(viewTop(report, Terminal::size().height));
		const auto left = std::chrono::ceil<std::chrono::milliseconds>(
		    due - BootClock::now());
		if (left.count() <= 0)
			return true;
		const int key = Terminal::waitForKey(left);
		if (key == ' ')
			return true;
		if (key == 'q' || key == 'Q' || key < 0)
			return false;
	}
}

/** The screen is given back before anything is said. */
std::optional<Error> runOnScreen(const TopOptions &options, Looker &looker)
{
	const Terminal terminal;
	auto before = looker.look();

	if (!before)
		return before.error();
	json report = reportTop(*before, *before);
	for (unsigned frame = 0; options.count == 0 || frame < options.count;
	     ++frame) {
		if (!waitForLook(options, report))
			return std::nullopt;
		auto now = looker.look();
		if (!now)
			return now.error();
		report = reportTop(*before, *now);
		before = std::move(now);
	}
	return std::nullopt;
}

int top(const Context &context, TopOptions options)
{
	int exit = kDone;

	if (options.once)
		options.count = 1;
	auto client = connectOrExplain(context, exit);
	if (!client)
		return exit;
	const Answer welcome = ask(context, *client, {"status"});
	if (welcome.exit != kDone)
		return welcome.exit;
	Looker looker(std::move(*client));
	if (options.batch || options.once || context.json ||
	    !Terminal::isThere())
		return runBatch(context, options, looker);
	const auto ended = runOnScreen(options, looker);
	return ended ? explainBlind(context, looker, *ended) : kDone;
}

} // namespace

const Command kTopCommand = {
    "top", "show what goes on, again each second", [](CLI::App &app) -> Action {
	    auto options = std::make_shared<TopOptions>();
	    constexpr double quickest = 0.1;
	    constexpr double slowest = 3600;

	    app.add_option("-d,--delay", options->delay,
	                   "seconds from one look to the next")
		->check(CLI::Range(quickest, slowest))
		->capture_default_str();
	    app.add_option("-n,--count", options->count,
	                   "end after so many looks");
	    app.add_flag("-b,--batch", options->batch,
	                 "one look after the other, for scripts");
	    app.add_flag("--once", options->once, "one look, as for scripts");
	    return [options](const Context &context) {
		    return top(context, *options);
	    };
    }};

} // namespace cloak
