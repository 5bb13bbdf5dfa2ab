// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * From flows to rules, grouped as a person would write them. Pure: the same
 * flows give the same proposal.
 */
#ifndef CLOAKLAKE_LEARN_PROPOSE_H
#define CLOAKLAKE_LEARN_PROPOSE_H

#include <set>
#include <string>
#include <vector>

#include "learn/seen.h"
#include "policy/policy.h"

namespace cloak
{

/** What is to become a rule. */
struct LearnOptions {
	/** Services with fewer flows are left out. */
	std::uint64_t leastFlows = 1;
	/** Also flows that nobody has answered, such as those to a log. */
	bool unanswered = false;
};

/** Flows of one other end with one service, which a rule covers. */
struct CoveredFlows {
	IpAddress remote;
	std::uint16_t port = 0; //!< of the service; 0: an ephemeral one or none
	FlowTotals totals;
};

/** A rule and the reason for it. */
struct ProposedRule {
	RulePolicy rule;
	bool answers = false; //!< lets the answers through, covers nothing
	FlowTotals totals;
	std::vector<CoveredFlows> covers; //!< in order of addresses and ports
};

/** The rules for one address of this host. */
struct ProposedTable {
	IpAddress address;
	std::vector<ProposedRule> rules;
};

/** Flows that no rule was made for. */
struct LeftOut {
	std::string why;
	FlowTotals totals;
	std::set<IpAddress> remotes;
};

/** All of it. */
struct Proposal {
	std::set<std::string> interfaces;
	std::vector<PeerGroup> peers;
	std::vector<ProposedTable> tables;
	std::vector<LeftOut> leftOut; //!< scanners, unanswered, rare
	std::uint64_t skipped = 0;    //!< flows that no rule is asked about
};

/**
 * One rule for each service of an address, for services with the same users
 * one rule together, and beside each one for the answers, as rules know no
 * connections. The service is the end that was asked; of the other one the
 * port is never part of a rule, neither is an ephemeral port of the service.
 * Who went to kScannerFrom services or more without an answer is a scanner,
 * of whom nothing is learned.
 */
[[nodiscard]] Proposal propose(const SeenFlows &seen,
                               const LearnOptions &options);

/** As many unanswered services make a scanner as make a scan, see Tracker. */
inline constexpr std::size_t kScannerFrom = 5;

} // namespace cloak

#endif // CLOAKLAKE_LEARN_PROPOSE_H
