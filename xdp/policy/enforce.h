// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Brings the data plane to what a compiled policy says, and takes it away.
 */
#ifndef CLOAKLAKE_POLICY_ENFORCE_H
#define CLOAKLAKE_POLICY_ENFORCE_H

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/link.h"
#include "bpf/object.h"
#include "bpf/pin_keeper.h"
#include "bpf/rule_counters.h"
#include "bpf/rule_maps.h"
#include "policy/compile.h"
#include "policy/compile_rules.h"
#include "util/result.h"

namespace cloak
{

/** What becomes of a policy with an interface that refuses the programs. */
enum class Refusal {
	Fails, //!< nothing is changed
	Waits, //!< it is in force, and the interface is tried again
};

/** What a successful apply has to say. */
struct Applied {
	std::vector<Attachment> attachments;
	std::vector<std::string> warnings;
};

/** What others had removed of an interface. */
struct Mended {
	std::string interface;
	std::vector<Half> removed;
	std::optional<Error> failure = {}; //!< why it is not back
};

/**
 * The cloak of one pin folder. Destroying the object leaves the cloak on;
 * only lift() takes it off. One at a time for each pin folder.
 */
class Enforcer
{
public:
	/**
	 * Loads the data plane, or takes over the one that is pinned. Fails
	 * and leaves all as it is if another process has it.
	 */
	[[nodiscard]] static Result<Enforcer> open(const std::string &pinRoot);

	/**
	 * Takes the cloak of @p pinRoot off every interface, and its pins.
	 * Fails if an Enforcer has it, in whatever process.
	 */
	static Status lift(const std::string &pinRoot);

	/**
	 * Puts a policy in force. Interfaces that are new get the programs
	 * first, then the maps are switched in one step, then interfaces that
	 * are no longer named lose the programs. Where it is the first policy
	 * of the maps they have it before. On failure everything is as it was
	 * before.
	 * @param rules its rules, or null. Those of the last call cost nothing.
	 * @param refusal of an interface; one that waits already does not fail.
	 */
	[[nodiscard]] Result<Applied>
	apply(const CompiledPolicy &policy,
	      std::shared_ptr<const CompiledRules> rules,
	      Refusal refusal = Refusal::Fails);

	/**
	 * Puts interfaces that have no cloak under the policy in force at
	 * once; what follows from that is for apply(), and so is one that
	 * refuses the programs.
	 */
	void cover(const std::vector<CompiledInterface> &interfaces);

	/**
	 * Puts back what others have removed of the interfaces of @p policy,
	 * the one in force. Where that fails it is tried again as after a
	 * refusal.
	 */
	[[nodiscard]] std::vector<Mended> mend(const CompiledPolicy &policy);

	/**
	 * Tries the interfaces again that have refused the programs.
	 * @returns whether one has taken them: then the policy is to be
	 * applied again.
	 */
	[[nodiscard]] bool retry(const CompiledPolicy &policy);

	/** Whether an interface has refused the programs. */
	[[nodiscard]] bool isWaiting() const { return !refused_.empty(); }

	/** How many interfaces have. */
	[[nodiscard]] std::size_t waiting() const { return refused_.size(); }

	/** Why that interface has refused the programs; empty if it has not. */
	[[nodiscard]] std::string refusalOf(unsigned index) const;

	/**
	 * This host as it is now, and as @p policy knows it: an interface that
	 * carries the cloak and was renamed has its old name, too. None that
	 * carries the cloak is taken for gone while it is there, for it would
	 * lose the cloak.
	 */
	[[nodiscard]] Result<Host> readHost(const Policy &policy) const;

	/** What was counted, in the order of CompiledRules::keys. */
	[[nodiscard]] Result<std::vector<cloak_counter>> ruleCounters() const;

	/** The same for some of these keys, by their indexes. */
	[[nodiscard]] Result<std::vector<cloak_counter>>
	ruleCounters(std::span<const std::uint32_t> indexes) const;

	/** Who has a counter, as an index into CompiledRules::keys. */
	[[nodiscard]] std::optional<std::uint32_t>
	ruleOf(std::uint32_t counter) const;

	/** Peers that were authorised at run time and have not expired. */
	[[nodiscard]] Result<std::vector<Authorisation>> authorised() const;

	/**
	 * Pins again what the path to was lost, see PinKeeper::restore().
	 * @returns how many pins were moved.
	 */
	[[nodiscard]] Result<std::size_t> keepPins() { return pins_.restore(); }

	/** Interfaces that carry the cloak now. */
	[[nodiscard]] Result<std::vector<Attachment>> attachments() const
	{
		return links_.list();
	}

	[[nodiscard]] const CloakMaps &maps() const { return object_.maps(); }

	/** Descriptors of the two programs. */
	[[nodiscard]] int ingressProgram() const
	{
		return object_.ingressProgram();
	}
	[[nodiscard]] int egressProgram() const
	{
		return object_.egressProgram();
	}

private:
	/** What is accounted, as the maps have it. */
	struct Accounting {
		__u32 gates = 0;
		cloak_account_config config{};
	};

	Enforcer(CloakObject object, Links links, RuleCounters counters,
	         PinKeeper pins)
	    : object_(std::move(object)), links_(std::move(links)),
	      counters_(std::move(counters)), pins_(std::move(pins))
	{
	}

	Status attachAll(const CompiledPolicy &policy, Refusal refusal,
	                 std::vector<unsigned> &fresh,
	                 std::vector<std::string> &warnings);
	Result<Placed> attach(const CompiledInterface &interface);
	bool isNews(unsigned index, const std::string &reason);
	Status begin(const CompiledPolicy &policy,
	             const std::shared_ptr<const CompiledRules> &rules,
	             std::vector<std::string> &warnings);
	Status commit(const CompiledPolicy &policy,
	              const std::shared_ptr<const CompiledRules> &rules,
	              std::vector<std::string> &warnings);
	Status switchTo(const CompiledPolicy &policy,
	                const std::shared_ptr<const CompiledRules> &rules,
	                std::vector<__u32> &numbers);
	Status settle(const CompiledPolicy &policy, bool sameRules);
	Result<RuleMaps> makeRules(const CompiledRules &rules,
	                           std::vector<__u32> &counters);
	Result<Accounting> accounting() const;
	Status account(const Accounting &accounting) const;
	void rememberNames(const CompiledPolicy &policy,
	                   std::vector<std::string> &warnings);
	[[nodiscard]] Result<std::vector<Attachment>> cloakedNow() const;
	void detachOthers(const CompiledPolicy &policy,
	                  std::vector<std::string> &warnings) const;
	void seed(const CompiledPolicy &policy,
	          std::vector<std::string> &warnings) const;

	CloakObject object_;
	Links links_;
	RuleCounters counters_;
	PinKeeper pins_;
	std::shared_ptr<const CompiledRules> rules_; //!< in force
	std::vector<__u32> numbers_; //!< of their counters in the kernel
	CounterOwners owners_;       //!< of the same
	/** Why interfaces have not the place they should, as was said. */
	std::map<unsigned, std::string> misplaced_;
	/** Why interfaces have refused the programs. */
	std::map<unsigned, std::string> refused_;
	/** What carries the cloak, by the name in the policy. */
	std::map<unsigned, std::string> names_;
};

} // namespace cloak

#endif // CLOAKLAKE_POLICY_ENFORCE_H
