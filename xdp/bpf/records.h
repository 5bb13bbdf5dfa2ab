// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Flow records. A CPU counts in a part of them that is its own (see
 * cloak_split_record): only what is read here is the whole of it.
 */
#ifndef CLOAKLAKE_BPF_RECORDS_H
#define CLOAKLAKE_BPF_RECORDS_H

#include <optional>
#include <utility>
#include <vector>

#include "bpf/maps.h"

namespace cloak
{

/** All records. */
[[nodiscard]] Result<std::vector<std::pair<cloak_record_key, cloak_record>>>
readRecords(const RecordMap &map);

/** Removes a record. @returns what it held, nothing if it was gone. */
[[nodiscard]] Result<std::optional<cloak_record>>
takeRecord(const RecordMap &map, const cloak_record_key &key);

} // namespace cloak

#endif // CLOAKLAKE_BPF_RECORDS_H
