// SPDX-License-Identifier: Apache-2.0
#include "bpf/told.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "bpf/batch.h"
#include "bpf/sources.h"

namespace cloak
{
namespace
{

constexpr const char *kName = "told";

using Note = std::pair<cloak_source_key, cloak_told>;

bool isBefore(const cloak_source_key &one, const cloak_source_key &other)
{
	return std::memcmp(&one, &other, sizeof(one)) < 0;
}

/** As many as there are sources; what is no longer one goes first. */
Result<ToldMap> makeTold()
{
	Fd fd(bpf_map_create(BPF_MAP_TYPE_LRU_HASH, kName,
	                     sizeof(cloak_source_key), sizeof(cloak_told),
	                     CLOAK_MAX_SOURCES, nullptr));

	if (!fd)
		return Error::fromErrno("cannot make the map told");
	return ToldMap(std::move(fd), kName);
}

/** A daemon of old took what it was given for told. */
Status takeForTold(const ToldMap &told, const SourceMap &sources)
{
	auto entries = readAccounts(sources);

	if (!entries)
		return entries.error();
	for (const auto &[key, totals] : *entries) {
		if (totals.events == 0)
			continue;
		cloak_told note{};
		note.first_ns = totals.first_ns;
		note.probes = totals.probes;
		note.time_ns = totals.last_ns;
		Status noted = told.put(key, note);
		if (!noted)
			return noted;
	}
	return {};
}

/** Of the account that @p source has now, which may be another one. */
std::optional<cloak_told> noteOf(const std::vector<Note> &notes,
                                 const cloak_source_key &key,
                                 const cloak_source &totals)
{
	const auto note =
	    std::ranges::lower_bound(notes, key, isBefore, &Note::first);

	if (note == notes.end() || isBefore(key, note->first) ||
	    note->second.first_ns != totals.first_ns)
		return std::nullopt;
	return note->second;
}

} // namespace

Result<ToldMap> openTold(const std::string &pinRoot, const SourceMap &sources)
{
	const std::string path = pinRoot + "/" + kName;

	if (!pinRoot.empty()) {
		Fd pinned(bpf_obj_get(path.c_str()));
		if (pinned)
			return ToldMap(std::move(pinned), kName);
		if (errno != ENOENT)
			return Error::fromErrno("cannot open " + path);
	}
	auto made = makeTold();
	if (!made)
		return made;
	Status filled = takeForTold(*made, sources);
	if (!filled)
		return filled.error();
	if (!pinRoot.empty() && bpf_obj_pin(made->fd(), path.c_str()) != 0)
		return Error::fromErrno("cannot pin " + path);
	return made;
}

Result<std::vector<KnownSource>> readSources(const CloakMaps &maps)
{
	auto entries = readAccounts(maps.sources);
	if (!entries)
		return entries.error();
	auto notes = readBatch(maps.told, CLOAK_MAX_SOURCES);
	if (!notes)
		return notes.error();
	std::ranges::sort(*notes, isBefore, &Note::first);
	std::vector<KnownSource> found;
	found.reserve(entries->size());
	for (const auto &[key, totals] : *entries)
		found.push_back({key, totals, noteOf(*notes, key, totals)});
	std::ranges::sort(
	    found, [](const KnownSource &one, const KnownSource &other) {
		    return std::tuple(one.hasNews(), one.totals.last_ns) <
		           std::tuple(other.hasNews(), other.totals.last_ns);
	    });
	return found;
}

} // namespace cloak
