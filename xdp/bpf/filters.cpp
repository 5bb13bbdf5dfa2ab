// SPDX-License-Identifier: Apache-2.0
#include "bpf/filters.h"

#include <fmt/format.h>

#include <string_view>

#include "bpf/programs.h"
#include "bpf/qdisc.h"
#include "bpf/xdp_mode.h"

namespace cloak
{
namespace
{

// Where our filters of tc sit: first, under a handle that is ours.
constexpr __u32 kFilterPriority = 1;
constexpr __u32 kFilterHandle = 0xc10a;

std::string_view filterText(bpf_tc_attach_point where)
{
	return where == BPF_TC_EGRESS ? "the egress half"
	                              : "the filter for answers";
}

bpf_tc_hook hookOf(unsigned ifindex, bpf_tc_attach_point where)
{
	bpf_tc_hook hook{};

	hook.sz = sizeof(hook);
	hook.ifindex = static_cast<int>(ifindex);
	hook.attach_point = where;
	return hook;
}

bpf_tc_opts ourFilter()
{
	bpf_tc_opts filter{};

	filter.sz = sizeof(filter);
	filter.handle = kFilterHandle;
	filter.priority = kFilterPriority;
	return filter;
}

/** The number of the program in our filter; 0 if there is none. */
__u32 answeredFor(unsigned ifindex, bpf_tc_attach_point where)
{
	const bpf_tc_hook hook = hookOf(ifindex, where);
	bpf_tc_opts filter = ourFilter();

	return bpf_tc_query(&hook, &filter) == 0 ? filter.prog_id : 0;
}

/**
 * The same, but an ingress qdisc in the place of clsact answers for egress as
 * well, with what it has for ingress. Ours are never one program.
 */
__u32 programIn(unsigned ifindex, bpf_tc_attach_point where)
{
	const __u32 id = answeredFor(ifindex, where);

	if (where != BPF_TC_EGRESS || id == 0)
		return id;
	return id == answeredFor(ifindex, BPF_TC_INGRESS) ? 0 : id;
}

} // namespace

Status attachFilter(int program, unsigned ifindex, bpf_tc_attach_point where)
{
	const bpf_tc_hook hook = hookOf(ifindex, where);
	bpf_tc_opts filter = ourFilter();

	auto made = makeClsact(ifindex);
	if (!made)
		return made;
	filter.prog_fd = program;
	filter.flags = BPF_TC_F_REPLACE;
	const int err = bpf_tc_attach(&hook, &filter);
	if (err)
		return Error(-err, fmt::format("cannot attach {} to {}",
		                               filterText(where),
		                               interfaceText(ifindex)));
	return {};
}

bool hasFilter(unsigned ifindex, bpf_tc_attach_point where)
{
	return programIn(ifindex, where) != 0;
}

bool hasFilter(unsigned ifindex, bpf_tc_attach_point where, int program)
{
	const __u32 id = programId(program);

	return id != 0 && programIn(ifindex, where) == id;
}

Status detachFilter(unsigned ifindex, bpf_tc_attach_point where)
{
	const bpf_tc_hook hook = hookOf(ifindex, where);
	const bpf_tc_opts filter = ourFilter();

	if (!hasFilter(ifindex, where))
		return {};
	const int err = bpf_tc_detach(&hook, &filter);
	if (err && err != -ENOENT && err != -ENODEV)
		return Error(-err, fmt::format("cannot take {} off {}",
		                               filterText(where),
		                               interfaceText(ifindex)));
	return {};
}

Status detachFilters(unsigned ifindex)
{
	auto answers = detachFilter(ifindex, BPF_TC_INGRESS);
	auto egress = detachFilter(ifindex, BPF_TC_EGRESS);

	return egress ? answers : egress;
}

} // namespace cloak
