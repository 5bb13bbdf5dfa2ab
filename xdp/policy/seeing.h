// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * What a policy says of those who were caught: how long they are shadowed,
 * what is kept of them, and where it is sent.
 */
#ifndef CLOAKLAKE_POLICY_SEEING_H
#define CLOAKLAKE_POLICY_SEEING_H

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "cloak_abi.h"
#include "model/address.h"
#include "model/endpoint.h"
#include "policy/diagnostic.h"
#include "util/size.h"

namespace cloak
{

/** Who is shadowed, beside those whom the administrator adds. */
struct ShadowPolicy {
	/** For so long after the last probe; 0: nobody is. */
	std::chrono::milliseconds time = std::chrono::hours(1);
};

/** Which flows are told of, and when. */
struct FlowPolicy {
	bool all = false;                  //!< else those of shadowed sources
	bool eve = true;                   //!< also as events in the EVE file
	std::uint32_t evePerSecond = 1000; //!< such events, on the average
	/** A flow that goes on is told of this often. */
	std::chrono::milliseconds active = std::chrono::minutes(1);
	/** A flow that is silent for so long has ended. */
	std::chrono::milliseconds idle = std::chrono::seconds(15);
};

/** What is kept of the packets of shadowed sources. */
struct EvidencePolicy {
	std::string folder = "/var/log/cloaklake/evidence"; //!< empty: nothing
	Size fileSize{16ULL << 20U};
	std::uint32_t files = 8;
	std::uint32_t snaplen = 256;   //!< octets of each packet
	std::uint32_t perSecond = 100; //!< packets of each source

	auto operator<=>(const EvidencePolicy &) const = default;
};

/** An address, or ports of it, that nobody has business with. */
struct Decoy {
	Located<IpAddress> address;
	std::vector<Located<std::uint16_t>> ports; //!< none: all of it
};

/** How somebody is reached, and how both ends prove who they are. */
struct ReceiverPolicy {
	Located<Endpoint> to;
	std::string ca;          //!< empty: those that the system trusts
	std::string certificate; //!< our own, may be empty
	std::string key;

	auto operator<=>(const ReceiverPolicy &other) const
	{
		return std::tie(to.value, ca, certificate, key) <=>
		       std::tie(other.to.value, other.ca, other.certificate,
		                other.key);
	}
	bool operator==(const ReceiverPolicy &other) const
	{
		return (*this <=> other) == 0;
	}
};

/** Where numbers for Prometheus are served. */
struct MetricsPolicy {
	LocalEndpoint listen; //!< none by default
	/** Measures the programs, which costs each packet some time. */
	bool runTime = false;
	/** How many rules have samples of their own, at most. */
	std::uint32_t rules = 1000;
};

/** All of it. */
struct SeeingPolicy {
	ShadowPolicy shadow;
	FlowPolicy flows;
	EvidencePolicy evidence;
	std::vector<Decoy> decoys;
	std::vector<ReceiverPolicy> ipfix;
	std::vector<ReceiverPolicy> syslog;
	MetricsPolicy metrics;
};

class TableReader;
struct Policy;

/** @name One reader for each table of the file. */
/** @{ */
void readShadow(TableReader &reader, Policy &policy);
void readFlows(TableReader &reader, Policy &policy);
void readEvidence(TableReader &reader, Policy &policy);
void readDecoy(TableReader &reader, Policy &policy);
void readIpfix(TableReader &reader, Policy &policy);
void readSyslog(TableReader &reader, Policy &policy);
void readMetrics(TableReader &reader, Policy &policy);
/** @} */

/** Notes what fits together badly. */
void checkSeeing(const Policy &policy, Diagnostics &errors);

/** The tables as the parser reads them. */
[[nodiscard]] std::string renderSeeing(const SeeingPolicy &policy);

} // namespace cloak

#endif // CLOAKLAKE_POLICY_SEEING_H
