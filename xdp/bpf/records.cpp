// SPDX-License-Identifier: Apache-2.0
#include "bpf/records.h"

namespace cloak
{

Result<std::optional<cloak_record>> takeRecord(const RecordMap &map,
                                               const cloak_record_key &key)
{
	cloak_record record{};

	if (!bpf_map_lookup_and_delete_elem(map.fd(), &key, &record))
		return std::optional<cloak_record>(record);
	if (errno == ENOENT)
		return std::optional<cloak_record>();
	return Error::fromErrno("cannot take from map " + map.name());
}

} // namespace cloak
