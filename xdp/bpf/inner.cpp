// SPDX-License-Identifier: Apache-2.0
#include "bpf/inner.h"

#include <bpf/bpf.h>

#include <numeric>

namespace cloak
{
namespace
{

Result<bpf_map_info> describe(const Fd &map, const std::string &name)
{
	bpf_map_info info{};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(map.get(), &info, &size))
		return Error::fromErrno("cannot describe map " + name);
	return info;
}

} // namespace

Result<Fd> innerMap(const Fd &outer, __u32 index, const std::string &name)
{
	__u32 id = 0;

	if (bpf_map_lookup_elem(outer.get(), &index, &id))
		return Error::fromErrno("no policy in map " + name);
	Fd fd(bpf_map_get_fd_by_id(id));
	if (!fd)
		return Error::fromErrno("cannot open map " + name);
	return fd;
}

Result<Fd> modelMap(const Fd &slots, const std::string &name)
{
	auto first = innerMap(slots, 0, name);

	return first ? std::move(first) : innerMap(slots, 1, name);
}

Result<Fd> emptyCopy(const Fd &model, const std::string &name, __u32 entries)
{
	auto info = describe(model, name);
	if (!info)
		return info.error();

	LIBBPF_OPTS(bpf_map_create_opts, options);
	Fd types;
	if (info->btf_id != 0) {
		types = Fd(bpf_btf_get_fd_by_id(info->btf_id));
		if (!types)
			return Error::fromErrno("no types of map " + name);
		options.btf_fd = static_cast<__u32>(types.get());
		options.btf_key_type_id = info->btf_key_type_id;
		options.btf_value_type_id = info->btf_value_type_id;
	}
	options.map_flags = info->map_flags;
	Fd fd(bpf_map_create(static_cast<bpf_map_type>(info->type),
	                     name.c_str(), info->key_size, info->value_size,
	                     entries != 0 ? entries : info->max_entries,
	                     &options));
	if (!fd)
		return Error::fromErrno("cannot create map " + name);
	return fd;
}

Result<__u32> sizeOfMap(const Fd &map, const std::string &name)
{
	auto info = describe(map, name);

	if (!info)
		return info.error();
	return __u32{info->max_entries};
}

Status hangMap(const Fd &outer, __u32 index, const Fd &inner,
               const std::string &name)
{
	const int fd = inner.get();

	if (bpf_map_update_elem(outer.get(), &index, &fd, BPF_ANY))
		return Error::fromErrno("cannot put map " + name +
		                        " into the policy");
	return {};
}

Status writeArray(const Fd &map, __u32 first, const void *values, __u32 count,
                  const std::string &name)
{
	std::vector<__u32> keys(count);
	__u32 written = count;

	std::iota(keys.begin(), keys.end(), first);
	if (count != 0 && bpf_map_update_batch(map.get(), keys.data(), values,
	                                       &written, nullptr))
		return Error::fromErrno("cannot write to map " + name);
	return {};
}

Status readArray(const Fd &map, __u32 first, void *values, __u32 count,
                 const std::string &name)
{
	std::vector<__u32> keys(count);
	__u32 before = first - 1; // the kernel goes on behind it
	__u32 next = 0;

	if (bpf_map_lookup_batch(map.get(), first == 0 ? nullptr : &before,
	                         &next, keys.data(), values, &count, nullptr) &&
	    errno != ENOENT)
		return Error::fromErrno("cannot read map " + name);
	return {};
}

} // namespace cloak
