// SPDX-License-Identifier: Apache-2.0
#include "policy/enforce.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bpf/neighbours.h"
#include "bpf/pin_folder.h"
#include "bpf/pin_owner.h"
#include "bpf/policy_maps.h"
#include "bpf/programs.h"
#include "policy/interfaces.h"

namespace cloak
{
namespace
{

/** So often is a list of interfaces read that lacks one. */
constexpr unsigned kReadings = 8;

bool isAttached(const std::vector<Attachment> &attachments, unsigned index)
{
	return std::ranges::find(attachments, index, &Attachment::ifindex) !=
	       attachments.end();
}

/** Whether rejected packets are answered there. */
bool answers(const CompiledInterface &interface)
{
	return (interface.entry.flags & CLOAK_IFACE_ANSWERS) != 0;
}

/** Since the host was read; then that is told of soon. */
bool isGone(unsigned index)
{
	std::array<char, IF_NAMESIZE> name{};

	return if_indextoname(index, name.data()) == nullptr;
}

bool isNamed(const CompiledPolicy &policy, unsigned index)
{
	return std::ranges::find(policy.interfaces, index,
	                         &CompiledInterface::index) !=
	       policy.interfaces.end();
}

Status fill(PolicyDraft &draft, const CompiledPolicy &policy)
{
	for (const CompiledInterface &interface : policy.interfaces) {
		auto added =
		    draft.addInterface(interface.index, interface.entry);
		if (!added)
			return added;
	}
	for (const auto &[address, entry] : policy.addresses) {
		auto added = draft.addAddress(toAbi(address), entry);
		if (!added)
			return added;
	}
	for (const auto &[prefix, entry] : policy.peers) {
		auto added = draft.addPeer(toAbi(prefix), entry);
		if (!added)
			return added;
	}
	for (const auto &[address, entry] : policy.decoys) {
		auto added = draft.addDecoy(toAbi(address), entry);
		if (!added)
			return added;
	}
	return {};
}

/** Interfaces that the policy means and that are not cloaked by it. */
void warnOfMissing(const CompiledPolicy &policy,
                   std::vector<std::string> &warnings)
{
	for (const std::string &name : policy.absent) {
		warnings.push_back(
		    absenceOf(name) +
		    (isPattern(name) ? " yet; one is cloaked when it appears"
		                     : " yet; it is cloaked when it appears"));
	}
	for (const std::string &name : policy.leftOut)
		warnings.push_back(noEthernetText(name) + "; it is left out");
	for (const std::string &name : policy.excess) {
		warnings.push_back(
		    fmt::format("{} is not cloaked: there is room for {} "
		                "interfaces",
		                name, CLOAK_MAX_IFACES));
	}
	if (policy.unhidden != 0) {
		warnings.push_back(
		    fmt::format("{} addresses of cloaked interfaces are "
		                "hidden on those alone: there is room for {}",
		                policy.unhidden, CLOAK_MAX_ADDRESSES));
	}
}

/** Whether the policy can mean an interface that had that name before. */
bool meansStill(const Policy &policy, const Host &host, const std::string &name)
{
	return interfaceNumber(policy, name) == 0
	           ? decidingTable(policy, name) != 0
	           : host.find(name) == nullptr;
}

Authorisation fromEntry(const cloak_prefix &prefix, const cloak_peer &entry)
{
	Authorisation granted;

	granted.peer = fromAbi(prefix);
	if ((entry.flags & CLOAK_PEER_BOUND_MAC) != 0)
		granted.mac = macFromAbi(entry.mac);
	if (entry.expires_ns != 0)
		granted.expires = BootClock::fromNanoseconds(entry.expires_ns);
	return granted;
}

/** Whether one of them is there, but not on that list. */
bool lacksAny(const Host &host, const std::vector<Attachment> &cloaked)
{
	std::array<char, IF_NAMESIZE> name{};

	return std::ranges::any_of(cloaked, [&](const Attachment &attachment) {
		return std::ranges::find(host.interfaces, attachment.ifindex,
		                         &HostInterface::index) ==
		           host.interfaces.end() &&
		       if_indextoname(attachment.ifindex, name.data()) !=
		           nullptr;
	});
}

/**
 * Notes which carry the cloak. An interface that is renamed stays the one that
 * the policy means: @p host gets its old name, too, unless the policy means it
 * by the new one, or names another interface that has the old one now.
 */
void keepNames(const Policy &policy, const std::vector<Attachment> &cloaked,
               Host &host)
{
	for (const Attachment &attachment : cloaked) {
		auto renamed = std::ranges::find(
		    host.interfaces, attachment.ifindex, &HostInterface::index);
		if (renamed != host.interfaces.end())
			renamed->cloaked = true;
		if (renamed != host.interfaces.end() &&
		    renamed->name != attachment.name &&
		    decidingTable(policy, *renamed) == 0 &&
		    meansStill(policy, host, attachment.name))
			renamed->former = attachment.name;
	}
}

} // namespace

Result<Enforcer> Enforcer::open(const std::string &pinRoot)
{
	CloakObject::Options options;

	options.pinRoot = pinRoot;
	// First: the maps of another one are not for us to load.
	auto made = makePinRoot(pinRoot);
	if (!made)
		return made.error();
	auto pins = PinKeeper::hold(pinRoot);
	if (!pins)
		return pins.error();
	Links links(pinRoot);
	auto owned = ownPins(pinRoot, links);
	if (!owned)
		return owned.error();
	auto object = CloakObject::load(options);
	if (!object)
		return object.error();
	auto counters = RuleCounters::open(object->maps());
	if (!counters)
		return counters.error();
	return Enforcer(std::move(*object), std::move(links),
	                *std::move(counters), *std::move(pins));
}

Status Enforcer::lift(const std::string &pinRoot)
{
	const Links links(pinRoot);

	auto checked = checkPinRoot(pinRoot);
	if (!checked)
		return checked;
	auto pins = PinKeeper::hold(pinRoot);
	if (!pins && pins.error().code() != ENOENT)
		return pins.error();
	// Not those that are attached: of one there may be a half left.
	for (const auto &indexes : {links.known(), links.forgotten()}) {
		if (!indexes)
			return indexes.error();
		for (const unsigned index : *indexes) {
			auto detached = links.detach(index);
			if (!detached)
				return detached;
		}
	}
	return CloakObject::unpin(pinRoot);
}

Result<Applied> Enforcer::apply(const CompiledPolicy &policy,
                                std::shared_ptr<const CompiledRules> rules,
                                Refusal refusal)
{
	std::vector<unsigned> fresh;
	Applied applied;

	auto generation = PolicyMaps(object_.maps()).generation();
	if (!generation)
		return generation.error();
	const auto refused = refused_;
	// Programs let all pass by maps without a policy, and what they take
	// the place of may not: a cloak whose pins are lost, or of another
	// version.
	const bool first = *generation == 0;
	Status done = first ? begin(policy, rules, applied.warnings) : Status();
	if (done)
		done = attachAll(policy, refusal, fresh, applied.warnings);
	if (done && !first)
		done = commit(policy, rules, applied.warnings);
	if (!done) {
		refused_ = refused;
		for (const unsigned index : fresh)
			links_.detach(index).ignore();
		return done.error();
	}

	warnOfMissing(policy, applied.warnings);
	rememberNames(policy, applied.warnings);
	seed(policy, applied.warnings);
	detachOthers(policy, applied.warnings);
	std::erase_if(misplaced_, [&policy](const auto &entry) {
		return !isNamed(policy, entry.first);
	});
	auto attachments = links_.list();
	if (attachments)
		applied.attachments = std::move(*attachments);
	return applied;
}

/** The first policy of these maps. */
Status Enforcer::begin(const CompiledPolicy &policy,
                       const std::shared_ptr<const CompiledRules> &rules,
                       std::vector<std::string> &warnings)
{
	if (!object_.replacement().empty())
		warnings.push_back(object_.replacement());
	Status done = commit(policy, rules, warnings);
	if (done)
		seed(policy, warnings);
	return done;
}

/** Whether that was not said of the interface yet, or nothing is to say. */
bool Enforcer::isNews(unsigned index, const std::string &reason)
{
	if (reason.empty()) {
		misplaced_.erase(index);
		return false;
	}
	// Having been refused the dispatcher it keeps its link; that is no
	// news.
	return misplaced_.try_emplace(index, reason).second;
}

Result<Placed> Enforcer::attach(const CompiledInterface &interface)
{
	// Without that header the programs would take the payload for it.
	if (!interface.ethernet)
		return Error(noEthernetText(interface.name));
	// First: by it even a half is found that somebody killed has left.
	const bool noted = links_.noteName(interface.index, interface.name);
	auto placed = links_.attach(
	    object_, interface.index,
	    {interface.attach, answers(interface), interface.dispatcher});
	if (placed)
		return placed;
	if (noted)
		links_.forgetName(interface.index);
	return placed.error().in(interface.name);
}

/** When the policy is in force: another one may mean other names. */
void Enforcer::rememberNames(const CompiledPolicy &policy,
                             std::vector<std::string> &warnings)
{
	names_.clear();
	for (const CompiledInterface &interface : policy.interfaces) {
		if (refused_.contains(interface.index))
			continue;
		names_[interface.index] = interface.name;
		auto kept = links_.keepName(interface.index, interface.name);
		if (!kept)
			warnings.push_back(kept.error().message());
	}
}

/** @param fresh gets the interfaces that had no cloak before. */
Status Enforcer::attachAll(const CompiledPolicy &policy, Refusal refusal,
                           std::vector<unsigned> &fresh,
                           std::vector<std::string> &warnings)
{
	const Status followed = links_.followMoved();
	if (!followed)
		warnings.push_back(followed.error().message());
	// Also what a daemon has left that was killed: it is not fresh.
	const auto forgotten = links_.forgotten();
	auto before = forgotten ? links_.list() : forgotten.error();
	if (!before)
		return before.error();
	const auto refused = std::exchange(refused_, {});
	for (const CompiledInterface &interface : policy.interfaces) {
		const auto known = refused.find(interface.index);
		auto placed = attach(interface);
		if (!placed && isGone(interface.index))
			continue;
		if (!placed && refusal == Refusal::Fails &&
		    known == refused.end())
			return placed.error();
		if (!placed) {
			const std::string why = placed.error().message();
			refused_[interface.index] = why;
			if (known == refused.end() || known->second != why)
				warnings.push_back(why + "; it is tried again");
			continue;
		}
		if (!isAttached(*before, interface.index))
			fresh.push_back(interface.index);
		if (isNews(interface.index, placed->reason)) {
			warnings.push_back(fmt::format("{}: {}", interface.name,
			                               placed->reason));
		}
	}
	return {};
}

void Enforcer::cover(const std::vector<CompiledInterface> &interfaces)
{
	const PolicyMaps maps(object_.maps());

	// One that has come back has the link that it had.
	if (!interfaces.empty())
		links_.followMoved().ignore();
	for (const CompiledInterface &interface : interfaces) {
		// First: a program that knows nothing of it lets all pass.
		if (maps.putInterface(interface.index, interface.entry) &&
		    !attach(interface))
			maps.eraseInterface(interface.index).ignore();
	}
}

std::vector<Mended> Enforcer::mend(const CompiledPolicy &policy)
{
	std::vector<Mended> mended;

	for (const CompiledInterface &interface : policy.interfaces) {
		if (refused_.contains(interface.index))
			continue;
		auto missing = links_.missing(object_, interface.index,
		                              answers(interface));
		if (!missing || missing->empty())
			continue;
		auto placed = attach(interface);
		if (!placed && isGone(interface.index))
			continue;
		mended.push_back({interface.name, std::move(*missing)});
		if (placed)
			continue;
		refused_[interface.index] = placed.error().message();
		mended.back().failure = placed.error();
	}
	return mended;
}

bool Enforcer::retry(const CompiledPolicy &policy)
{
	bool taken = false;

	for (const CompiledInterface &interface : policy.interfaces) {
		if (!refused_.contains(interface.index) || !attach(interface))
			continue;
		refused_.erase(interface.index);
		taken = true;
	}
	return taken;
}

std::string Enforcer::refusalOf(unsigned index) const
{
	const auto found = refused_.find(index);

	return found == refused_.end() ? std::string() : found->second;
}

Result<Host> Enforcer::readHost(const Policy &policy) const
{
	const auto cloaked = cloakedNow();
	if (!cloaked)
		return cloaked.error();
	auto host = Host::read();

	for (unsigned i = 1; i < kReadings && host && lacksAny(*host, *cloaked);
	     i++)
		host = Host::read();
	if (host)
		keepNames(policy, *cloaked, *host);
	return host;
}

/** Also those whose pins are not to be found for a while. */
Result<std::vector<Attachment>> Enforcer::cloakedNow() const
{
	auto cloaked = links_.list();

	if (!cloaked)
		return cloaked;
	for (const auto &[index, name] : names_) {
		if (isAttached(*cloaked, index))
			continue;
		auto attached = queryXdp(index);
		if (!attached)
			return attached.error();
		if (attached->program == programId(object_.ingressProgram()))
			cloaked->push_back(
			    {index, attached->mode, false, false, name});
	}
	return cloaked;
}

/** The rules in maps of their own, and which counters they have. */
Result<RuleMaps> Enforcer::makeRules(const CompiledRules &rules,
                                     std::vector<__u32> &counters)
{
	auto claimed = counters_.claim(object_.maps(), rules.keys);

	if (!claimed)
		return claimed.error();
	counters = *std::move(claimed);
	return RuleMaps::create(object_.maps(), rules.image, counters);
}

/** @param numbers of the counters, those in force; gets those of @p rules. */
Status Enforcer::switchTo(const CompiledPolicy &policy,
                          const std::shared_ptr<const CompiledRules> &rules,
                          std::vector<__u32> &numbers)
{
	const PolicyMaps maps(object_.maps());

	auto draft = maps.draft();
	if (!draft)
		return draft.error();
	auto filled = fill(*draft, policy);
	if (!filled)
		return filled;
	if (rules) {
		auto made =
		    rules == rules_ ? maps.rules() : makeRules(*rules, numbers);
		if (!made)
			return made.error();
		draft->setRules(*std::move(made));
	}
	auto former = accounting();
	if (!former)
		return former.error();
	// The policy that goes needs its gates until it is gone.
	auto switched =
	    account({policy.gates | former->gates, policy.accounting});
	if (switched)
		switched = maps.switchTo(*draft);
	if (!switched)
		account(*former).ignore();
	return switched;
}

/** Takes away what was of use to the former policy alone. */
Status Enforcer::settle(const CompiledPolicy &policy, bool sameRules)
{
	auto settled = PolicyMaps(object_.maps()).settle();

	if (settled)
		settled = account({policy.gates, policy.accounting});
	if (!settled || sameRules)
		return settled;
	return counters_.retain(object_.maps(),
	                        rules_ ? rules_->keys
	                               : std::vector<cloak_counter_key>());
}

/** What fails once the policy is in force is but a warning. */
Status Enforcer::commit(const CompiledPolicy &policy,
                        const std::shared_ptr<const CompiledRules> &rules,
                        std::vector<std::string> &warnings)
{
	const bool sameRules = rules == rules_;
	std::vector<__u32> numbers = numbers_;

	auto switched = switchTo(policy, rules, numbers);
	// Counters that it was to have. The first policy of a daemon leaves
	// them: nobody knows yet which are those in force.
	if (!switched && rules_)
		counters_.retain(object_.maps(), rules_->keys).ignore();
	if (!switched)
		return switched;
	rules_ = rules;
	numbers_ = rules ? std::move(numbers) : std::vector<__u32>();
	if (!sameRules)
		owners_ = CounterOwners(numbers_);
	auto settled = settle(policy, sameRules);
	if (!settled)
		warnings.push_back(settled.error().message());
	return {};
}

Result<Enforcer::Accounting> Enforcer::accounting() const
{
	auto gates = object_.maps().gates.get(CLOAK_GATE_POLICY);
	auto config = object_.maps().accountConfig.get(0);

	if (!gates)
		return gates.error();
	if (!config)
		return config.error();
	return Accounting{gates->value_or(0),
	                  config->value_or(cloak_account_config{})};
}

/** Opens the gates of accounting. */
Status Enforcer::account(const Accounting &accounting) const
{
	auto opened =
	    object_.maps().gates.put(CLOAK_GATE_POLICY, accounting.gates);

	if (!opened)
		return opened;
	return object_.maps().accountConfig.put(0, accounting.config);
}

std::optional<std::uint32_t> Enforcer::ruleOf(std::uint32_t counter) const
{
	return owners_.of(counter);
}

Result<std::vector<cloak_counter>> Enforcer::ruleCounters() const
{
	return RuleCounters::read(object_.maps(), numbers_);
}

Result<std::vector<cloak_counter>>
Enforcer::ruleCounters(std::span<const std::uint32_t> indexes) const
{
	std::vector<__u32> numbers;

	for (const std::uint32_t index : indexes)
		numbers.push_back(index < numbers_.size() ? numbers_[index]
		                                          : 0);
	return RuleCounters::read(object_.maps(), numbers);
}

void Enforcer::seed(const CompiledPolicy &policy,
                    std::vector<std::string> &warnings) const
{
	for (const CompiledInterface &interface : policy.interfaces) {
		auto seeded = seedNeighbours(object_.maps(), interface.index);
		if (!seeded) {
			warnings.push_back(
			    seeded.error().in(interface.name).message());
		}
	}
}

/**
 * Those that are gone have pins as well, and where there are containers they
 * come and go without end; one that went while the policy was put in force has
 * but a name.
 */
void Enforcer::detachOthers(const CompiledPolicy &policy,
                            std::vector<std::string> &warnings) const
{
	for (const unsigned index :
	     links_.known().valueOr(std::vector<unsigned>())) {
		if (isNamed(policy, index))
			continue;
		auto detached = links_.detach(index);
		if (!detached)
			warnings.push_back(detached.error().message());
	}
}

Result<std::vector<Authorisation>> Enforcer::authorised() const
{
	std::vector<Authorisation> granted;
	const BootTime now = BootClock::now();

	auto peers = PolicyMaps(object_.maps()).peers();
	if (!peers)
		return peers.error();
	for (const auto &[prefix, entry] : *peers) {
		if (entry.id != kRuntimePeerId)
			continue;
		Authorisation authorisation = fromEntry(prefix, entry);
		if (!authorisation.expires || *authorisation.expires > now)
			granted.push_back(authorisation);
	}
	return granted;
}

} // namespace cloak
