// SPDX-License-Identifier: Apache-2.0
#include "bpf/sources.h"

#include "bpf/batch.h"

namespace cloak
{

Result<std::vector<std::pair<cloak_source_key, cloak_source>>>
readAccounts(const SourceMap &sources)
{
	auto entries = readBatch(sources, CLOAK_MAX_SOURCES);

	if (entries)
		for (auto &[key, totals] : *entries)
			cloak_source_sum(&totals);
	return entries;
}

Result<std::optional<cloak_source>> readAccount(const SourceMap &sources,
                                                const cloak_source_key &key)
{
	auto account = sources.get(key);

	if (account && *account)
		cloak_source_sum(&**account);
	return account;
}

} // namespace cloak
