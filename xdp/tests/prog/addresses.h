// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Single cloaked addresses among visible ones: 192.0.2.5 and 2001:db8::5 are
 * cloaked, 192.0.2.6, 2001:db8::6 and the link-local address are not.
 */
#ifndef CLOAKLAKE_TESTS_PROG_ADDRESSES_H
#define CLOAKLAKE_TESTS_PROG_ADDRESSES_H

#include <utility>

#include "tests/harness/progrun.h"

namespace cloak::test
{

inline const Addr4 &visible4()
{
	static const Addr4 addr = v4("192.0.2.6");
	return addr;
}

inline const Addr6 &visible6()
{
	static const Addr6 addr = v6("2001:db8::6");
	return addr;
}

class AddressesTest : public CloakTest
{
protected:
	void SetUp() override
	{
		CloakTest::SetUp();
		PolicyText()
		    .addresses()
		    .cloaked("192.0.2.5")
		    .cloaked("2001:db8::5")
		    .cloaked("ff02::1:ff00:5", CLOAK_ADDRESS_GROUP)
		    .peer("192.0.2.10", CLOAK_PEER_INBOUND)
		    .peer("2001:db8::10", CLOAK_PEER_INBOUND)
		    .commit(policy());
	}

	/** What becomes of these chunks of SCTP from the visible address. */
	static cloak_reason sctp(Bytes chunks, const Host &to = kScanner)
	{
		return egress(Ethernet{.src = kLake.mac, .dst = to.mac} /
		              Ipv4{.src = visible4(), .dst = to.v4} / Sctp{} /
		              Raw{std::move(chunks)})
		    .reason;
	}
};

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_PROG_ADDRESSES_H
