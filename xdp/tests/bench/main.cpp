// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Nanoseconds per packet, by BPF_PROG_TEST_RUN: the empty program, the cloak,
 * and its rules in growing numbers, all in one run.
 *
 *     bench [--json FILE] [--repeat N] [--alternatives OBJECT]
 *     bench --nft RULES              the policy for nftables, as it has it
 *     bench --live INTERFACE RULES   what a frame costs that comes in there
 */
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/bench/alternatives.h"
#include "tests/bench/bench.h"
#include "tests/bench/live.h"

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

int run(int argc, char **argv)
{
	CLI::App app("nanoseconds per packet in the data plane");
	std::string path;
	std::string alternatives;
	std::uint32_t repeat = 100000;

	app.add_option("--json", path, "write the figures to this file");
	app.add_option("--alternatives", alternatives,
	               "alternatives.bpf.o, to measure that too");
	std::optional<std::size_t> nft;
	std::pair<std::string, std::size_t> live;
	app.add_option("--nft", nft, "print rules for nftables, no more");
	app.add_option("--live", live, "measure frames through an interface");
	app.add_option("--repeat", repeat, "runs of each program");
	CLI11_PARSE(app, argc, argv);

	if (nft) {
		fmt::print("{}", nftablesRules(*nft));
		return 0;
	}
	if (!live.first.empty()) {
		auto time = liveNanoseconds(live.first, live.second, repeat);
		fmt::print("{}\n", time ? fmt::format("{:.1f}", *time)
		                        : time.error().message());
		return time ? 0 : 1;
	}
	auto rows = measureAll(repeat);
	if (!rows) {
		fmt::print(stderr, "bench: {}\n", rows.error().message());
		return 1;
	}
	if (!alternatives.empty()) {
		auto others = measureAlternatives(alternatives, repeat);
		if (!others) {
			fmt::print(stderr, "bench: {}\n",
			           others.error().message());
			return 1;
		}
		rows->insert(rows->end(), others->begin(), others->end());
	}
	print(*rows);
	if (!path.empty())
		save(*rows, path);
	return 0;
}

} // namespace
} // namespace cloak::test

int main(int argc, char **argv)
{
	return cloak::test::run(argc, argv);
}
