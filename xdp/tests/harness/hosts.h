// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The cloaked host and those around it (addresses of RFC 5737, RFC 3849).
 */
#ifndef CLOAKLAKE_TESTS_HARNESS_HOSTS_H
#define CLOAKLAKE_TESTS_HARNESS_HOSTS_H

#include "tests/harness/packet.h"

namespace cloak::test
{

/** A host on the wire of the tests; its MAC ends in its number. */
struct Host {
	Mac mac{};
	Addr4 v4{};
	Addr6 v6{};
	Addr6 linkLocal{};
};

extern const Host kLake;     //!< 192.0.2.5, 2001:db8::5: the cloaked one
extern const Host kPeer;     //!< 192.0.2.10, 2001:db8::10: authorised
extern const Host kScanner;  //!< 192.0.2.66, 2001:db8::66: nobody
extern const Host kGateway;  //!< 192.0.2.1, fe80::1
extern const Host kOutbound; //!< 192.0.2.53, 2001:db8::53

} // namespace cloak::test

#endif // CLOAKLAKE_TESTS_HARNESS_HOSTS_H
