// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Nanoseconds per packet, by BPF_PROG_TEST_RUN: the empty program, the cloak,
 * and its rules in growing numbers, all in one run.
 *
 *     bench [--json FILE] [--repeat N]
 */
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/bench/bench.h"

namespace cloak::test
{
namespace
{

void print(const std::vector<Measured> &rows)
{
	fmt::print("{:<52} {:>8} {:>8} {:>8}\n", "PROGRAM AND PACKET", "NS",
	           "TUPLES", "COMPILE");
	for (const Measured &row : rows) {
		fmt::print(
		    "{:<52} {:>8.1f} {:>8} {:>8}\n", row.name, row.nanoseconds,
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
	std::uint32_t repeat = 1000000;

	app.add_option("--json", path, "write the figures to this file");
	app.add_option("--repeat", repeat, "runs of each program");
	CLI11_PARSE(app, argc, argv);

	auto rows = measureAll(repeat);
	if (!rows) {
		fmt::print(stderr, "bench: {}\n", rows.error().message());
		return 1;
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
