// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Takes finished flows out of the data plane.
 */
#ifndef CLOAKLAKE_FLOWS_COLLECTOR_H
#define CLOAKLAKE_FLOWS_COLLECTOR_H

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bpf/maps.h"
#include "flows/beginnings.h"
#include "model/flow.h"
#include "policy/seeing.h"

namespace cloak
{

/**
 * Looks through the table of records once a second and closes what is over.
 * When the table grows full it makes room: flows of nobody in particular
 * first, those longest silent first among them.
 *
 * A record is taken out in one step, but a packet that is on its way into it
 * at that very moment may be lost to it; the totals of its source have it.
 * Of a flow that goes on behind FlowEnd::Active each part is told as begun by
 * whoever has begun the flow, see Beginnings.
 */
class Collector
{
public:
	using Sink = std::function<void(const Flow &)>;
	using NameOf = std::function<std::string(unsigned)>;

	struct Stats {
		/** Flows closed, by enum FlowEnd. */
		std::array<std::uint64_t, 6> closed{};
		std::size_t records = 0; //!< when it last looked
	};

	/** @param nameOf tells the name of an interface by its number. */
	Collector(Sink sink, NameOf nameOf);

	void configure(const FlowPolicy &policy) { policy_ = policy; }

	/** Closes what is over at @p now. */
	Status collect(const CloakMaps &maps, BootTime now);

	/** Closes all flows, or those of one source, whatever their state. */
	Status closeAll(const CloakMaps &maps,
	                const std::optional<IpAddress> &source);

	/** The flows that go on. */
	[[nodiscard]] Result<std::vector<Flow>>
	current(const CloakMaps &maps) const;

	[[nodiscard]] const Stats &stats() const { return stats_; }

private:
	using Entry = std::pair<cloak_record_key, cloak_record>;

	void close(const CloakMaps &maps, const Entry &entry, FlowEnd end);
	void makeRoom(const CloakMaps &maps, std::vector<Entry> going);

	Sink sink_;
	NameOf nameOf_;
	FlowPolicy policy_;
	Beginnings beginnings_;
	Stats stats_;
};

/** Whether a record is to be closed at @p now, and why. */
[[nodiscard]] std::optional<FlowEnd> endOf(const cloak_record_key &key,
                                           const cloak_record &record,
                                           BootTime now,
                                           const FlowPolicy &policy);

} // namespace cloak

#endif // CLOAKLAKE_FLOWS_COLLECTOR_H
