// SPDX-License-Identifier: Apache-2.0
#include "bpf/inner.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cstdio>
#include <numeric>

namespace cloak
{
namespace
{

/** The number by which the kernel knows the map under @p index. */
Result<__u32> numberAt(const OuterMap &outer, __u32 index,
                       const std::string &name)
{
	__u32 id = 0;

	if (bpf_map_lookup_elem(outer.fd.get(), &index, &id))
		return Error::fromErrno("no policy in map " + name);
	return id;
}

bool isNumber(const Fd &map, __u32 id, const std::string &name)
{
	auto info = describeMap(map, name);

	return info && info->id == id;
}

std::string pinOf(const OuterMap &outer, __u32 index)
{
	return outer.pins + "-" + std::to_string(index);
}

/** The pin of a map that is about to hang there. */
std::string nextPinOf(const OuterMap &outer, __u32 index)
{
	return pinOf(outer, index) + "-next";
}

Status pin(int map, const std::string &path)
{
	if (unlink(path.c_str()) && errno != ENOENT)
		return Error::fromErrno("cannot remove " + path);
	if (bpf_obj_pin(map, path.c_str()))
		return Error::fromErrno("cannot pin " + path);
	return {};
}

/** Puts maps under their indexes, and moves their pins after them. */
Status hangAll(const OuterMap &outer, std::span<const __u32> indexes,
               std::span<const int> maps, const std::string &name)
{
	auto count = static_cast<__u32>(indexes.size());
	const bool isPinned = !outer.pins.empty();

	if (count == 0)
		return {};
	for (__u32 i = 0; isPinned && i < count; ++i) {
		auto pinned = pin(maps[i], nextPinOf(outer, indexes[i]));
		if (!pinned)
			return pinned;
	}
	if (bpf_map_update_batch(outer.fd.get(), indexes.data(), maps.data(),
	                         &count, nullptr))
		return Error::fromErrno("cannot put map " + name +
		                        " into the policy");
	for (const __u32 index : indexes) {
		const std::string next = nextPinOf(outer, index);

		if (isPinned &&
		    rename(next.c_str(), pinOf(outer, index).c_str()))
			return Error::fromErrno("cannot rename " + next);
	}
	return {};
}

} // namespace

/*
 * Who was killed while he hung in a map has left it with either of the pins,
 * and the number tells which.
 */
Result<Fd> innerMap(const OuterMap &outer, __u32 index, const std::string &name)
{
	auto id = numberAt(outer, index, name);

	if (!id)
		return id.error();
	if (!outer.pins.empty()) {
		for (const std::string &path :
		     {pinOf(outer, index), nextPinOf(outer, index)}) {
			Fd pinned(bpf_obj_get(path.c_str()));
			if (pinned && isNumber(pinned, *id, name))
				return pinned;
		}
	}
	Fd fd(bpf_map_get_fd_by_id(*id));
	if (!fd)
		return Error::fromErrno("cannot open map " + name);
	return fd;
}

Result<Fd> emptyCopy(const OuterMap &outer, const std::string &name,
                     __u32 entries)
{
	auto info = describeMap(outer.model, name);
	if (!info)
		return info.error();

	LIBBPF_OPTS(bpf_map_create_opts, options);
	if (info->btf_id != 0) {
		options.btf_fd = static_cast<__u32>(outer.types.get());
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

Result<bpf_map_info> describeMap(const Fd &map, const std::string &name)
{
	bpf_map_info info{};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(map.get(), &info, &size))
		return Error::fromErrno("cannot describe map " + name);
	return info;
}

Result<__u32> sizeOfMap(const Fd &map, const std::string &name)
{
	auto info = describeMap(map, name);

	if (!info)
		return info.error();
	return __u32{info->max_entries};
}

Status hangMap(const OuterMap &outer, __u32 index, const Fd &inner,
               const std::string &name)
{
	const int fd = inner.get();

	return hangAll(outer, {&index, 1}, {&fd, 1}, name);
}

Status hangMaps(const OuterMap &outer,
                std::span<const std::pair<__u32, Fd>> inner,
                const std::string &name)
{
	std::vector<__u32> indexes;
	std::vector<int> fds;

	for (const auto &[index, map] : inner) {
		indexes.push_back(index);
		fds.push_back(map.get());
	}
	return hangAll(outer, indexes, fds, name);
}

Status hangModel(const OuterMap &outer, const std::string &name)
{
	auto id = numberAt(outer, 0, name);

	if (id && isNumber(outer.model, *id, name))
		return pin(outer.model.get(), pinOf(outer, 0));
	auto left = innerMap(outer, 0, name);
	if (left)
		return pin(left->get(), pinOf(outer, 0));
	return hangMap(outer, 0, outer.model, name);
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
