// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/alternatives.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "policy/rule_entries.h"
#include "rules/shape.h"
#include "tests/bench/vectors.h"
#include "tests/bench/workload.h"

namespace cloak::test
{
namespace
{

constexpr unsigned kCopies = 4;
constexpr std::uint32_t kSlow = 100; // how many times fewer rounds

struct TupleKey {
	__u64 word[CLOAK_WORDS];
	__u64 tuple;
};

struct Closer {
	void operator()(bpf_object *object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, Closer>;

int mapOf(const Object &object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object.get(), name);
}

template <typename Key, typename Value>
Status put(const Object &object, const char *map, const Key &key,
           const Value &value)
{
	if (bpf_map_update_elem(mapOf(object, map), &key, &value, BPF_ANY))
		return Error::fromErrno(std::string("cannot write to map ") +
		                        map);
	return {};
}

std::vector<cloak_entry> entriesOf(const Policy &policy)
{
	std::vector<cloak_entry> entries;
	const TablePolicy &table = policy.tables.front();

	for (std::size_t i = 0; i < table.rules.size(); ++i) {
		cloak_entry model{};
		model.order = static_cast<__u32>(i);
		model.verdict = CLOAK_RULE_ALLOW;
		addEntries(policy, table.rules[i], table.address.value,
		           CLOAK_INGRESS, model, entries);
	}
	return entries;
}

Status fillList(const Object &object, const std::vector<cloak_entry> &entries)
{
	for (__u32 i = 0; i < entries.size(); ++i) {
		auto done = put(object, "list", i, entries[i]);
		if (!done)
			return done;
	}
	return put(object, "sizes", __u32{0},
	           static_cast<__u32>(entries.size()));
}

/** One rule under each of its keys in the table of its shape. */
Status fillRule(const Object &object, const cloak_entry &rule,
                const Shape &shape, __u32 tuple)
{
	std::vector<Piece> pieces;
	TupleKey key{};

	addPieces(rule, rule.order, shape, pieces);
	for (const Piece &piece : pieces) {
		std::ranges::copy(rule.value, std::begin(key.word));
		key.word[CLOAK_WORD_PORTS] = CLOAK_FACT_PORTS(
		    unsigned{piece.remote} << (16U - shape.remoteBits),
		    unsigned{piece.local} << (16U - shape.localBits));
		key.tuple = tuple;
		auto done = put(object, "hashed", key, __u32{rule.order});
		if (!done)
			return done;
	}
	return {};
}

/** @returns the number of tuples: one for each shape. */
Result<__u32> fillHashed(const Object &object,
                         const std::vector<cloak_entry> &entries)
{
	std::map<Shape, std::vector<cloak_entry>> shapes;
	std::vector<std::pair<__u32, Shape>> order;
	__u32 tuples = 0;

	for (const cloak_entry &entry : entries)
		shapes[shapeOf(entry, kCopies)].push_back(entry);
	for (const auto &[shape, members] : shapes)
		order.emplace_back(members.front().order, shape);
	std::ranges::sort(order);
	for (const auto &[best, shape] : order) {
		cloak_tuple tuple{};

		shape.write(tuple.mask);
		tuple.best = best;
		auto done = put(object, "masks", tuples, tuple);
		if (!done)
			return done.error();
		for (const cloak_entry &entry : shapes.at(shape)) {
			done = fillRule(object, entry, shape, tuples);
			if (!done)
				return done.error();
		}
		tuples++;
	}
	auto done = put(object, "sizes", __u32{1}, tuples);
	if (!done)
		return done.error();
	return tuples;
}

template <typename Numbers>
Status fillNumbers(const Object &object, const char *map,
                   const Numbers &numbers)
{
	for (__u32 i = 0; i < numbers.size(); ++i) {
		auto done = put(object, map, i, __u32{numbers[i]});
		if (!done)
			return done;
	}
	return {};
}

Status fillSources(const Object &object, const BitVectors &vectors)
{
	for (const auto &[prefix, number] : vectors.bySource) {
		cloak_prefix key{};

		key.bits = prefix.bits;
		std::ranges::copy(prefix.address.octets,
		                  std::begin(key.addr.bytes));
		auto done = put(object, "by_source", key, __u32{number});
		if (!done)
			return done;
	}
	return {};
}

Status fillVectors(const Object &object, const BitVectors &vectors)
{
	for (__u32 i = 0; i < vectors.all.size(); ++i) {
		auto done = put(object, "vectors", i, vectors.all[i]);
		if (!done)
			return done;
	}
	auto done = fillSources(object, vectors);
	if (done)
		done = fillNumbers(object, "by_port", vectors.byPort);
	if (done)
		done = fillNumbers(object, "by_protocol", vectors.byProtocol);
	return done;
}

Result<Object> open(const std::string &path)
{
	Object object(bpf_object__open(path.c_str()));

	if (!object)
		return Error::fromErrno("cannot open " + path);
	if (bpf_object__load(object.get()))
		return Error::fromErrno("cannot load " + path);
	return object;
}

int programOf(const Object &object, const char *name)
{
	return bpf_program__fd(
	    bpf_object__find_program_by_name(object.get(), name));
}

/** The rules of one size of policy, and the packet that the last one takes. */
struct Question {
	std::size_t rules = 0;
	std::vector<cloak_entry> entries;
	Bytes packet;
};

Question questionOf(std::size_t rules)
{
	const Policy policy = workload(1, rules, 1);
	const TablePolicy &table = policy.tables.front();

	return {rules, entriesOf(policy),
	        questionFor(table.rules.back(), table.address.value)
	            .packet()
	            .bytes()};
}

/** What has been filled finds the last rule, and after how long. */
Result<Measured> measure(const Object &object, const char *program,
                         const char *name, const Question &question,
                         std::uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, once);
	const int fd = programOf(object, program);

	once.data_in = question.packet.data();
	once.data_size_in = static_cast<__u32>(question.packet.size());
	if (bpf_prog_test_run_opts(fd, &once))
		return Error::fromErrno(std::string("cannot run ") + program);
	if (once.retval != XDP_PASS)
		return Error{fmt::format("{} does not find rule {}", program,
		                         question.rules)};
	auto taken = nanosecondsOf(fd, question.packet, repeat);
	if (!taken)
		return taken.error();
	return Measured{
	    fmt::format("{}, {} rules, last rule", name, question.rules),
	    *taken, 0, 0};
}

Result<Measured> measureList(const Object &object, const Question &question,
                             std::uint32_t repeat)
{
	auto filled = fillList(object, question.entries);

	if (!filled)
		return filled.error();
	return measure(object, "linear", "plain list", question,
	               std::max(repeat / kSlow, 10U));
}

Result<Measured> measureHashed(const Object &object, const Question &question,
                               std::uint32_t repeat)
{
	auto tuples = fillHashed(object, question.entries);

	if (!tuples)
		return tuples.error();
	auto row = measure(object, "kernel_hash", "kernel's hash map", question,
	                   repeat);
	if (row)
		row->tuples = *tuples;
	return row;
}

/** The list is there already: candidates are looked up in it. */
Result<Measured> measureVectors(const Object &object, const Question &question,
                                std::uint32_t repeat)
{
	constexpr std::size_t kKib = 1024;
	const BitVectors vectors = bitVectorsOf(question.entries);
	const auto words = static_cast<__u32>(
	    (question.entries.size() + VECTOR_BITS - 1) / VECTOR_BITS);
	auto filled = fillVectors(object, vectors);

	if (filled)
		filled = put(object, "sizes", __u32{2}, words);
	if (!filled)
		return filled.error();
	auto row =
	    measure(object, "bit_vectors", "bit vectors", question, repeat);
	if (row) {
		row->name += fmt::format(
		    " ({} KiB)", vectors.all.size() * sizeof(BitVector) / kKib);
	}
	return row;
}

} // namespace

Result<std::vector<Measured>> measureAlternatives(const std::string &path,
                                                  std::uint32_t repeat)
{
	constexpr std::size_t bits = VECTOR_WORDS * VECTOR_BITS;
	std::vector<Measured> rows;

	for (const std::size_t rules : {100U, 1000U, 5120U, 50000U}) {
		const Question question = questionOf(rules);
		auto object = open(path);
		if (!object)
			return object.error();
		for (auto *const one :
		     {measureList, measureHashed, measureVectors}) {
			if (one == measureVectors &&
			    question.entries.size() > bits)
				continue;
			auto row = one(*object, question, repeat);
			if (!row)
				return row.error();
			rows.push_back(std::move(*row));
		}
	}
	return rows;
}

} // namespace cloak::test
