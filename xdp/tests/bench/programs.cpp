// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/programs.h"

#include <bpf/bpf.h>

#include <span>
#include <vector>

namespace cloak::test
{
namespace
{

constexpr bpf_insn kExit = {BPF_JMP | BPF_EXIT, 0, 0, 0, 0};

bpf_insn move(unsigned to, std::int32_t value)
{
	bpf_insn code{};

	code.code = BPF_ALU64 | BPF_MOV | BPF_K;
	code.dst_reg = to & 0xfU;
	code.imm = value;
	return code;
}

Result<Fd> load(std::span<const bpf_insn> code,
                bpf_prog_type type = BPF_PROG_TYPE_XDP)
{
	Fd program(bpf_prog_load(type, "bench", "GPL", code.data(), code.size(),
	                         nullptr));

	if (!program)
		return Error::fromErrno("cannot load a program");
	return program;
}

} // namespace

Result<Fd> returning(xdp_action action)
{
	return load(std::vector{move(BPF_REG_0, action), kExit});
}

Result<Fd> returningFromTc(int action)
{
	return load(std::vector{move(BPF_REG_0, action), kExit},
	            BPF_PROG_TYPE_SCHED_CLS);
}

Result<Fd> redirecting(unsigned ifindex)
{
	bpf_insn call{};

	call.code = BPF_JMP | BPF_CALL;
	call.imm = BPF_FUNC_redirect;
	return load(
	    std::vector{move(BPF_REG_1, static_cast<std::int32_t>(ifindex)),
	                move(BPF_REG_2, 0), call, kExit});
}

} // namespace cloak::test
