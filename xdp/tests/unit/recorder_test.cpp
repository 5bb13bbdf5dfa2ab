// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A recorder at work: a program hands out evidence, the recorder's thread
 * writes it down, and whoever wants to know how it fares asks meanwhile.
 */
#include "evidence/recorder.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "util/clock.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

constexpr auto kLongestWait = 60s;
constexpr unsigned kPages = 4;

bpf_insn instruction(unsigned code, unsigned to, unsigned from, int offset,
                     int immediate)
{
	bpf_insn made{};

	made.code = static_cast<__u8>(code);
	made.dst_reg = static_cast<__u8>(to & 0xfU);
	made.src_reg = static_cast<__u8>(from & 0xfU);
	made.off = static_cast<__s16>(offset);
	made.imm = immediate;
	return made;
}

/** A program that hands out one record of zeros to the map each time. */
Fd programFor(int map)
{
	constexpr int size = sizeof(cloak_evidence);
	std::vector<bpf_insn> code;

	for (int offset = -size; offset < 0; offset += 8)
		code.push_back(instruction(BPF_ST | BPF_MEM | BPF_DW,
		                           BPF_REG_10, 0, offset, 0));
	code.insert(
	    code.end(),
	    {
		// r1 is the context already
		instruction(BPF_LD | BPF_DW, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0,
	                    map),
		instruction(0, 0, 0, 0, 0),
		// BPF_F_CURRENT_CPU
		instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, -1),
		instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_4, BPF_REG_10,
	                    0, 0),
		instruction(BPF_ALU64 | BPF_ADD, BPF_REG_4, 0, 0, -size),
		instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_5, 0, 0, size),
		instruction(BPF_JMP | BPF_CALL, 0, 0, 0,
	                    BPF_FUNC_perf_event_output),
		instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0,
	                    XDP_PASS),
		instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	    });
	return Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "evidence", "GPL",
	                        code.data(), code.size(), nullptr));
}

/** A map, a program that writes to it, and a perf buffer to read it by. */
class RecorderTest : public testing::Test
{
protected:
	void SetUp() override
	{
		auto buffer = PerfBuffer::open("evidence", kPages);
		if (!buffer)
			GTEST_SKIP() << buffer.error().message();
		buffer_.emplace(std::move(*buffer));
		maps_.evidence =
		    Fd(bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "evidence",
		                      4, 4, kMostCpus, nullptr));
		program_ = programFor(maps_.evidence.get());
		ASSERT_TRUE(program_);
		policy_.folder = testing::TempDir() + "cloak-recorder-" +
		                 std::to_string(getpid());
		policy_.fileSize = {4096};
		policy_.files = 2;
	}

	void TearDown() override
	{
		std::filesystem::remove_all(policy_.folder);
	}

	/** Hands out one piece of evidence. */
	void happen() const
	{
		std::array<char, 64> frame{};
		LIBBPF_OPTS(bpf_test_run_opts, run);

		run.data_in = frame.data();
		run.data_size_in = frame.size();
		run.repeat = 1;
		EXPECT_EQ(bpf_prog_test_run_opts(program_.get(), &run), 0);
	}

	static constexpr unsigned kMostCpus = 1024;

	CloakMaps maps_;
	EvidencePolicy policy_;
	std::optional<PerfBuffer> buffer_;
	Fd program_;
};

TEST_F(RecorderTest, WritesWhileItIsAsked)
{
	constexpr unsigned wanted = 200;
	const BootTime due = BootClock::now() + kLongestWait;
	auto recorder = Recorder::open(maps_, policy_, *buffer_);

	ASSERT_TRUE(recorder) << recorder.error().message();
	while ((*recorder)->stats().written < wanted && BootClock::now() < due)
		happen();
	const Recorder::Stats stats = (*recorder)->stats();
	EXPECT_GE(stats.written, wanted);
	EXPECT_EQ(stats.failed, 0U);
	EXPECT_EQ(stats.lastError, "");
}

/** The next recorder has the same buffer, and a folder that cannot be. */
TEST_F(RecorderTest, SaysWhatItCouldNotWrite)
{
	const BootTime due = BootClock::now() + kLongestWait;

	ASSERT_TRUE(Recorder::open(maps_, policy_, *buffer_));
	policy_.folder = "/proc/nowhere";
	auto recorder = Recorder::open(maps_, policy_, *buffer_);
	ASSERT_TRUE(recorder) << recorder.error().message();
	while ((*recorder)->stats().failed == 0 && BootClock::now() < due)
		happen();
	EXPECT_EQ((*recorder)->stats().written, 0U);
	EXPECT_NE((*recorder)->stats().lastError, "");
}

/** How many blocks of each type there are, by the order of this host. */
std::map<std::uint32_t, unsigned> blocksOf(const std::string &path)
{
	std::map<std::uint32_t, unsigned> blocks;
	std::ifstream file(path);
	std::array<std::uint32_t, 2> start{};

	while (
	    file.read(reinterpret_cast<char *>(start.data()), sizeof(start)) &&
	    start[1] >= sizeof(start)) {
		++blocks[start[0]];
		file.seekg(start[1] - sizeof(start), std::ios::cur);
	}
	return blocks;
}

TEST_F(RecorderTest, GoesOnInTheFileWhenTheDiskHasRoomAgain)
{
	const BootTime due = BootClock::now() + kLongestWait;
	const std::string others = policy_.folder + "/others";
	bool mounted = false;

	policy_.fileSize = {1U << 20U};
	std::filesystem::create_directory(policy_.folder);
	std::thread([&] {
		mounted = unshare(CLONE_NEWNS) == 0 &&
		          mount("none", "/", nullptr, MS_REC | MS_PRIVATE,
		                nullptr) == 0 &&
		          mount("none", policy_.folder.c_str(), "tmpfs", 0,
		                "size=64k") == 0;
		if (!mounted)
			return;
		auto recorder = Recorder::open(maps_, policy_, *buffer_);
		ASSERT_TRUE(recorder) << recorder.error().message();
		// Room for the first packets only.
		std::ofstream(others) << std::string(64U << 10U, 'o');
		std::filesystem::resize_file(others, 60U << 10U);
		while ((*recorder)->stats().failed == 0 &&
		       BootClock::now() < due)
			happen();
		const auto before = (*recorder)->stats().written;
		std::filesystem::remove(others);
		while ((*recorder)->stats().written == before &&
		       BootClock::now() < due)
			happen();
		recorder->reset();
		const auto blocks =
		    blocksOf(policy_.folder + "/evidence-00000001.pcapng");
		ASSERT_TRUE(blocks.contains(6U)) << "packets";
		EXPECT_GT(blocks.at(6U), before);
		EXPECT_EQ(blocks.at(1U), 1U) << "interface";
		EXPECT_FALSE(std::filesystem::exists(
		    policy_.folder + "/evidence-00000002.pcapng"));
	}).join();
	if (!mounted)
		GTEST_SKIP() << "may not mount a disk of its own";
}

} // namespace
} // namespace cloak
