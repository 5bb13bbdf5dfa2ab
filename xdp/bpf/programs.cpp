// SPDX-License-Identifier: Apache-2.0
#include "bpf/programs.h"

#include <bpf/bpf.h>

namespace cloak
{

namespace
{

Result<bpf_prog_info> infoOf(int program)
{
	bpf_prog_info info{};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size) != 0)
		return Error::fromErrno("cannot describe a program");
	return info;
}

} // namespace

Result<ProgramStats> readProgramStats(int program)
{
	auto info = infoOf(program);

	if (!info)
		return info.error();
	return ProgramStats{info->run_cnt, info->run_time_ns};
}

std::uint32_t programId(int program)
{
	auto info = infoOf(program);

	return info ? info->id : 0;
}

Result<Fd> measurePrograms()
{
	Fd fd(bpf_enable_stats(BPF_STATS_RUN_TIME));

	if (!fd)
		return Error::fromErrno("cannot measure programs");
	return fd;
}

} // namespace cloak
