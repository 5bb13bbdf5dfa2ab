// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Nanoseconds per packet, by BPF_PROG_TEST_RUN: the empty program, the cloak,
 * and its rules in growing numbers, all in one run.
 *
 *     bench [--json FILE] [--repeat N] [--alternatives OBJECT]
 *     bench --strangers              the cloak without rules, no more
 *     bench --nft RULES              the policy for nftables, as it has it
 *     bench --live INTERFACE RULES   what a frame costs that comes in there
 *     bench --veth SENDER RECEIVER   packets per second between the two ends
 *     bench --send SENDER RECEIVER   the same with what is attached there now
 */
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/bench/alternatives.h"
#include "tests/bench/bench.h"
#include "tests/bench/live.h"
#include "tests/bench/veth.h"

namespace cloak::test
{
namespace
{

void print(const std::vector<Measured> &rows)
{
	fmt::print("{:<64} {:>8} {:>8} {:>8}\n", "PROGRAM AND PACKET", "NS",
	           "TUPLES", "COMPILE");
	for (const Measured &row : rows) {
		fmt::print(
		    "{:<64} {:>8.1f} {:>8} {:>8}\n", row.name, row.nanoseconds,
		    row.tuples == 0 ? "" : fmt::format("{}", row.tuples),
		    row.seconds == 0 ? ""
				     : fmt::format("{:.3f} s", row.seconds));
	}
}

void save(const std::vector<Measured> &rows, const std::string &path)
{
	nlohmann::json list = nlohmann::json::array();

	for (const Measured &row : rows) {
		list.push_back({{"name", row.name},
		                {"ns", row.nanoseconds},
		                {"tuples", row.tuples},
		                {"compile_s", row.seconds}});
	}
	std::ofstream(path) << list.dump(1) << '\n';
}

int failed(const Error &error)
{
	fmt::print(stderr, "bench: {}\n", error.message());
	return 1;
}

/** A figure alone on its line. */
int printOne(const Result<double> &figure, int digits)
{
	if (!figure)
		return failed(figure.error());
	fmt::print("{:.{}f}\n", *figure, digits);
	return 0;
}

int measurePair(const VethPair &pair, std::uint32_t frames)
{
	auto rows = measureVeth(pair, frames);

	if (!rows)
		return failed(rows.error());
	for (const Throughput &row : *rows)
		fmt::print("{:<64} {:>8.0f}\n", row.name, row.perSecond);
	return 0;
}

int measurePrograms(const std::string &alternatives, const std::string &path,
                    std::uint32_t repeat)
{
	auto rows = measureAll(repeat);
	if (!rows)
		return failed(rows.error());
	if (!alternatives.empty()) {
		auto others = measureAlternatives(alternatives, repeat);
		if (!others)
			return failed(others.error());
		rows->insert(rows->end(), others->begin(), others->end());
	}
	print(*rows);
	if (!path.empty())
		save(*rows, path);
	return 0;
}

int run(int argc, char **argv)
{
	using Ends = std::pair<std::string, std::string>;
	CLI::App app("nanoseconds per packet in the data plane");
	std::string path;
	std::string alternatives;
	std::uint32_t repeat = 100000;
	bool strangers = false;
	std::optional<std::size_t> nft;
	std::optional<std::pair<std::string, std::size_t>> live;
	std::optional<Ends> veth;
	std::optional<Ends> sending;

	app.add_option("--json", path, "write the figures to this file");
	app.add_option("--alternatives", alternatives,
	               "alternatives.bpf.o, to measure that too");
	app.add_flag("--strangers", strangers,
	             "measure the cloak without rules, no more");
	app.add_option("--nft", nft, "print rules for nftables, no more");
	app.add_option("--live", live, "measure frames through an interface");
	app.add_option("--veth", veth, "measure packets per second");
	app.add_option("--send", sending, "the same, attach nothing");
	app.add_option("--repeat", repeat, "runs of each program, or frames");
	CLI11_PARSE(app, argc, argv);

	if (strangers) {
		const auto rows = measureStrangers(repeat);
		if (!rows)
			return failed(rows.error());
		print(*rows);
		return 0;
	}
	if (nft) {
		fmt::print("{}", nftablesRules(*nft));
		return 0;
	}
	if (live)
		return printOne(
		    liveNanoseconds(live->first, live->second, repeat), 1);
	if (veth)
		return measurePair({veth->first, veth->second}, repeat);
	if (sending)
		return printOne(
		    packetsPerSecond({sending->first, sending->second}, repeat),
		    0);
	return measurePrograms(alternatives, path, repeat);
}

} // namespace
} // namespace cloak::test

int main(int argc, char **argv)
{
	return cloak::test::run(argc, argv);
}
