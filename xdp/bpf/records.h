// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_BPF_RECORDS_H
#define CLOAKLAKE_BPF_RECORDS_H

#include <optional>

#include "bpf/maps.h"

namespace cloak
{

/** Removes a record. @returns what it held, nothing if it was gone. */
[[nodiscard]] Result<std::optional<cloak_record>>
takeRecord(const RecordMap &map, const cloak_record_key &key);

} // namespace cloak

#endif // CLOAKLAKE_BPF_RECORDS_H
