// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The policy as a whole: empty maps, replacement, single changes, names.
 */
#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "bpf/inner.h"
#include "bpf/names.h"
#include "tests/harness/probes.h"
#include "tests/harness/progrun.h"

namespace cloak::test
{

class PolicyTest : public CloakTest
{
};

namespace
{

/** Of either family, from a MAC that nobody is bound to. */
Packet synFrom(const std::string &address)
{
	const cloak_addr from = addrOf(address);
	const Ethernet link{.src = kPeer.mac, .dst = kLake.mac};
	Host host;

	if (address.find(':') == std::string::npos) {
		std::copy_n(from.bytes + 12, host.v4.size(), host.v4.begin());
		return link / Ipv4{.src = host.v4, .dst = kLake.v4} /
		       Tcp{.flags = kSyn};
	}
	std::copy_n(from.bytes, host.v6.size(), host.v6.begin());
	return link / Ipv6{.src = host.v6, .dst = kLake.v6} /
	       Tcp{.flags = kSyn};
}

/** Of an object that is not the one all tests share. */
bool passesThrough(int program, const Packet &packet)
{
	const Bytes frame = packet.bytes();
	LIBBPF_OPTS(bpf_test_run_opts, run);

	run.data_in = frame.data();
	run.data_size_in = static_cast<__u32>(frame.size());
	EXPECT_EQ(bpf_prog_test_run_opts(program, &run), 0);
	return run.retval == XDP_PASS;
}

} // namespace

TEST_F(PolicyTest, EmptyMapsLetEverythingPass)
{
	auto draft = policy().draft();
	ASSERT_TRUE(draft.ok());
	ASSERT_TRUE(policy().commit(*std::move(draft)).ok());

	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_PASS_UNMANAGED);
	EXPECT_EQ(egress(syn(kScanner)).reason, CLOAK_PASS_UNMANAGED);
}

TEST_F(PolicyTest, InterfaceWithoutPeersIsShutToAll)
{
	PolicyText().whole().commit(policy());

	EXPECT_EQ(ingress(syn(kPeer)).reason, CLOAK_DROP_UNAUTHORISED);
}

TEST_F(PolicyTest, WhatIsNotUnderstoodIsStrict)
{
	usualPolicy().commit(policy());
	cloak_iface odd{};
	odd.scope = 77;
	odd.mode = 77;
	ASSERT_TRUE(policy().putInterface(kIfindex, odd).ok());

	const Outcome outcome = ingress(syn(kScanner));
	EXPECT_FALSE(outcome.passed);
	EXPECT_FALSE(outcome.monitored);
}

/** A draft with these interfaces, wholly cloaked. */
static PolicyDraft draftFor(const PolicyMaps &policy,
                            const std::vector<unsigned> &indexes)
{
	cloak_iface whole{};
	auto draft = policy.draft();

	whole.scope = CLOAK_SCOPE_WHOLE;
	whole.mode = CLOAK_MODE_ENFORCE;
	EXPECT_TRUE(draft.ok());
	for (const unsigned index : indexes)
		EXPECT_TRUE(draft->addInterface(index, whole).ok());
	return *std::move(draft);
}

/** The hash map is not asked as long as the cache knows. */
TEST_F(PolicyTest, InterfacesAreFoundInTheCache)
{
	PolicyText().whole().commit(policy());
	const __u32 slot = CLOAK_SLOT(*policy().generation());
	auto fd = innerMap(maps().ifaceSlots, slot, "interfaces");
	ASSERT_TRUE(fd.ok());
	const IfaceMap interfaces(*std::move(fd), "interfaces");

	ASSERT_TRUE(*interfaces.erase(kIfindex));
	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_DROP_UNAUTHORISED);
	EXPECT_FALSE(*policy().eraseInterface(kIfindex));
	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_PASS_UNMANAGED);
}

TEST_F(PolicyTest, AnotherInterfaceMayHaveThePlaceInTheCache)
{
	const unsigned other = kIfindex + CLOAK_CACHED_IFACES;

	for (int round = 0; round < 2; ++round) {
		auto both = draftFor(policy(), {kIfindex, other});
		ASSERT_TRUE(policy().commit(std::move(both)).ok());
		EXPECT_EQ(ingress(syn(kScanner)).reason,
		          CLOAK_DROP_UNAUTHORISED);
		ASSERT_TRUE(policy().commit(draftFor(policy(), {other})).ok());
		EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_PASS_UNMANAGED);
	}
}

/** What the cache has for a policy that never came into force. */
TEST_F(PolicyTest, NothingIsLeftInTheCacheOfAnUnfinishedCommit)
{
	PolicyText().whole().commit(policy());
	const __u64 next = *policy().generation() + 1;
	const __u32 place = CLOAK_IFACE_PLACE(CLOAK_SLOT(next), kIfindex);
	cloak_cached_iface stale{next, {}, kIfindex, 0};

	stale.iface.scope = CLOAK_SCOPE_WHOLE;
	ASSERT_TRUE(maps().ifaceCache.put(place, stale).ok());
	ASSERT_TRUE(policy().commit(draftFor(policy(), {kIfindex + 1})).ok());
	EXPECT_EQ(ingress(syn(kScanner)).reason, CLOAK_PASS_UNMANAGED);
}

TEST_F(PolicyTest, DraftThatIsDroppedChangesNothing)
{
	usualPolicy().commit(policy());
	auto generation = policy().generation();
	{
		auto draft = policy().draft();
		ASSERT_TRUE(draft.ok());
		cloak_peer peer{};
		peer.flags = CLOAK_PEER_INBOUND;
		ASSERT_TRUE(draft->addPeer(prefixOf("192.0.2.66"), peer).ok());
	}

	EXPECT_EQ(*policy().generation(), *generation);
	EXPECT_FALSE(ingress(syn(kScanner)).passed);
}

/** What a CPU remembers of an address is about one policy. */
TEST_F(PolicyTest, NobodyIsRememberedBeyondAPolicy)
{
	const PolicyText without = usualPolicy();
	PolicyText with = usualPolicy();

	with.peer("192.0.2.66", CLOAK_PEER_INBOUND);
	for (int round = 0; round < 2; ++round) {
		without.commit(policy());
		EXPECT_FALSE(ingress(syn(kScanner)).passed);
		EXPECT_FALSE(ingress(syn(kScanner)).passed);
		with.commit(policy());
		EXPECT_TRUE(ingress(syn(kScanner)).passed);
		EXPECT_TRUE(ingress(syn(kScanner)).passed);
	}
}

/** More than a CPU has room for, so that they take each other's place. */
TEST_F(PolicyTest, WhoIsForgottenIsLookedUp)
{
	PolicyText text;
	Host host = kPeer;

	text.whole().peer("198.51.100.0/25", CLOAK_PEER_INBOUND);
	text.peer("198.51.100.8/29", 0U).commit(policy());
	for (unsigned number = 0; number < 4 * CLOAK_CACHED_PEERS; ++number) {
		const auto last = static_cast<std::uint8_t>(number);
		host.v4 = {198, static_cast<std::uint8_t>(48 + number / 256),
		           100, last};
		const bool peer =
		    host.v4[1] == 51 && last < 128 && (last < 8 || last >= 16);
		EXPECT_EQ(ingress(syn(host)).passed, peer) << number;
	}
}

/** One length more than the filter of peers takes. */
TEST_F(PolicyTest, PeersOfManyLengths)
{
	constexpr unsigned least = 24;
	constexpr unsigned most = least + CLOAK_FILTER_LENGTHS;
	const auto last = [](unsigned bits) {
		return 256U - (256U >> (bits - 24));
	};
	PolicyText text;

	text.whole();
	for (unsigned bits = least; bits <= most; ++bits) {
		text.peer(fmt::format("10.0.{}.{}/{}", bits, last(bits), bits),
		          CLOAK_PEER_INBOUND);
		text.peer(fmt::format("2001:db8:0:{}::{:x}/{}", bits,
		                      last(bits), bits + 96),
		          CLOAK_PEER_INBOUND);
		text.commit(policy());
		for (unsigned net = least; net <= most; ++net) {
			const auto host =
			    fmt::format("10.0.{}.{}", net, last(net) + 1);
			const auto six = fmt::format("2001:db8:0:{}::{:x}", net,
			                             last(net) + 1);
			EXPECT_EQ(ingress(synFrom(host)).passed, net <= bits)
			    << host << " of " << bits;
			EXPECT_EQ(ingress(synFrom(six)).passed, net <= bits)
			    << six << " of " << bits;
		}
	}
}

/** An object without its daemon, whose maps are written by hand. */
TEST_F(PolicyTest, NobodyIsRememberedBeforeTheFirstPolicy)
{
	auto object = CloakObject::load({.pinRoot = ""});
	ASSERT_TRUE(object.ok());
	auto ifaces = innerMap(object->maps().ifaceSlots, 0, "interfaces");
	auto peers = innerMap(object->maps().peerSlots, 0, "peers");
	ASSERT_TRUE(ifaces.ok() && peers.ok());
	const IfaceMap interfaceMap(*std::move(ifaces), "interfaces");
	const PeerMap peerMap(*std::move(peers), "peers");
	const auto passes = [&] {
		return passesThrough(object->ingressProgram(), syn(kPeer));
	};

	cloak_iface iface{};
	iface.scope = CLOAK_SCOPE_WHOLE;
	iface.mode = CLOAK_MODE_ENFORCE;
	ASSERT_TRUE(interfaceMap.put(kIfindex, iface).ok());
	EXPECT_FALSE(passes());
	cloak_peer peer{};
	peer.flags = CLOAK_PEER_INBOUND;
	ASSERT_TRUE(peerMap.put(prefixOf("192.0.2.10"), peer).ok());
	EXPECT_TRUE(passes());
	ASSERT_TRUE(peerMap.erase(prefixOf("192.0.2.10")).ok());
	EXPECT_FALSE(passes());
}

TEST_F(PolicyTest, AFilterOfAnotherPolicyIsNotAsked)
{
	usualPolicy().commit(policy());
	const __u64 now = *policy().generation();
	const auto filter = std::make_unique<cloak_peer_filter>();

	filter->generation = now - 2;
	ASSERT_TRUE(maps().peerFilters.put(CLOAK_SLOT(now), *filter).ok());
	EXPECT_TRUE(ingress(syn(kPeer)).passed);
	filter->generation = now;
	ASSERT_TRUE(maps().peerFilters.put(CLOAK_SLOT(now), *filter).ok());
	EXPECT_FALSE(ingress(synFrom("198.51.100.7")).passed);
}

TEST_F(PolicyTest, IsReadBackAsWritten)
{
	usualPolicy().commit(policy());

	auto peers = policy().peers();
	auto addresses = policy().addresses();
	auto interfaces = policy().interfaces();
	ASSERT_TRUE(peers.ok() && addresses.ok() && interfaces.ok());
	EXPECT_EQ(peers->size(), 7U);
	EXPECT_EQ(addresses->size(), 3U);
	ASSERT_EQ(interfaces->size(), 1U);
	EXPECT_EQ(interfaces->front().first, kIfindex);
}

/*
 * Two policies by turns: with the first the peer may come and nobody else,
 * with the second the scanner. No packet may ever see a mixture, in which
 * both or neither would be let in.
 */
TEST_F(PolicyTest, IsReplacedInOneStep)
{
	const auto only = [](const char *who) {
		return PolicyText().whole().peer(who, CLOAK_PEER_INBOUND);
	};
	only("192.0.2.10").commit(policy());
	std::atomic<bool> stop{false};
	std::thread swapper([&] {
		for (int i = 0; i < 25; i++)
			only(i % 2 ? "192.0.2.10" : "192.0.2.66")
			    .commit(policy());
		stop = true;
	});

	unsigned rounds = 0;
	unsigned mixtures = 0;
	while (!stop) {
		auto before = policy().generation();
		const bool peer = ingress(syn(kPeer)).passed;
		const bool scanner = ingress(syn(kScanner)).passed;
		auto after = policy().generation();

		rounds++;
		if (*before == *after && peer == scanner)
			mixtures++;
	}
	swapper.join();
	EXPECT_EQ(mixtures, 0U);
	EXPECT_GT(rounds, 10U);
}

TEST_F(PolicyTest, CountersSurviveReplacement)
{
	usualPolicy().commit(policy());
	const std::uint64_t before = counted();
	ingress(syn(kScanner));
	usualPolicy().commit(policy());

	EXPECT_EQ(counted(), before + 1);
}

TEST(NamesTest, EveryNumberHasItsOwn)
{
	std::set<std::string_view> names;

	for (const unsigned reason :
	     {CLOAK_PASS_UNMANAGED, CLOAK_PASS_GROUP, CLOAK_DROP_UNAUTHORISED,
	      CLOAK_DROP_CLOAKED_GROUP, CLOAK_DROP_EGRESS,
	      CLOAK_DROP_EGRESS_MALFORMED, CLOAK_DROP_INTERNAL})
		EXPECT_FALSE(reasonName(reason).empty()) << reason;
	for (unsigned reason = 0; reason < CLOAK_REASONS; reason++) {
		const std::string_view name = reasonName(reason);

		EXPECT_EQ(name.empty(), reasonText(reason).empty());
		EXPECT_TRUE(name.empty() || names.insert(name).second);
	}
	EXPECT_EQ(names.size(), 13U + 28U + 11U + 1U);

	names.clear();
	for (unsigned kind = 1; kind <= CLOAK_KIND_MALFORMED; kind++)
		EXPECT_TRUE(names.insert(kindName(kind)).second) << kind;
	EXPECT_TRUE(kindName(0).empty());
	EXPECT_TRUE(kindName(1000).empty());
	EXPECT_TRUE(reasonName(1000).empty());
}

} // namespace cloak::test
