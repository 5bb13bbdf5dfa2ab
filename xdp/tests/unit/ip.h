// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_TESTS_UNIT_IP_H
#define CLOAKLAKE_TESTS_UNIT_IP_H

#include "model/address.h"

namespace cloak
{

/** An address that the test knows to be one. */
inline IpAddress ip(const char *text)
{
	return *parseIp(text);
}

} // namespace cloak

#endif // CLOAKLAKE_TESTS_UNIT_IP_H
