// SPDX-License-Identifier: Apache-2.0
#include "bpf/records.h"

#include "bpf/batch.h"

namespace cloak
{

Result<std::vector<std::pair<cloak_record_key, cloak_record>>>
readRecords(const RecordMap &map)
{
	auto entries = readBatch(map, CLOAK_MAX_RECORDS);
	std::vector<std::pair<cloak_record_key, cloak_record>> records;

	if (!entries)
		return entries.error();
	records.reserve(entries->size());
	for (const auto &[key, split] : *entries)
		records.emplace_back(key, cloak_record_sum(&split));
	return records;
}

Result<std::optional<cloak_record>> takeRecord(const RecordMap &map,
                                               const cloak_record_key &key)
{
	cloak_split_record split{};

	if (!bpf_map_lookup_and_delete_elem(map.fd(), &key, &split))
		return std::optional(cloak_record_sum(&split));
	if (errno == ENOENT)
		return std::optional<cloak_record>();
	return Error::fromErrno("cannot take from map " + map.name());
}

} // namespace cloak
