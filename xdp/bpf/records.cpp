// SPDX-License-Identifier: Apache-2.0
#include "bpf/records.h"

#include "bpf/batch.h"

namespace cloak
{

Result<std::vector<std::pair<cloak_record_key, cloak_record>>>
readRecords(const RecordMap &map)
{
	auto entries = readBatch(map, CLOAK_MAX_RECORDS);

	if (entries)
		for (auto &[key, record] : *entries)
			cloak_record_sum(&record);
	return entries;
}

Result<std::optional<cloak_record>> takeRecord(const RecordMap &map,
                                               const cloak_record_key &key)
{
	cloak_record record{};

	if (!bpf_map_lookup_and_delete_elem(map.fd(), &key, &record)) {
		cloak_record_sum(&record);
		return std::optional<cloak_record>(record);
	}
	if (errno == ENOENT)
		return std::optional<cloak_record>();
	return Error::fromErrno("cannot take from map " + map.name());
}

} // namespace cloak
