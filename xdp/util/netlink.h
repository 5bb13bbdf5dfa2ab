// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Asking the kernel by netlink: one request, and what it answers.
 */
#ifndef CLOAKLAKE_UTIL_NETLINK_H
#define CLOAKLAKE_UTIL_NETLINK_H

#include <cstdint>
#include <functional>
#include <linux/netlink.h>
#include <span>
#include <string>

#include "util/result.h"

namespace cloak
{

/** The octets of an attribute, or of what stands before the first one. */
using NetlinkBytes = std::span<const std::uint8_t>;

/** Gets each message of the answer; an error ends it. */
using NetlinkHandler = std::function<Status(const nlmsghdr &message)>;

/**
 * Sends @p request, which is a dump (NLM_F_DUMP) or wants to be acknowledged
 * (NLM_F_ACK), and calls @p each until the answer is complete.
 * @param family such as NETLINK_ROUTE
 * Fails with EINTR if what a dump lists has changed meanwhile, so that a part
 * of it may be missing: ask again, from the beginning.
 * @param what for messages: "the neighbour table"
 */
Status askNetlink(int family, const nlmsghdr &request, const std::string &what,
                  const NetlinkHandler &each);

/** What the message says, head and attributes. */
[[nodiscard]] NetlinkBytes payloadOf(const nlmsghdr &message);

/** Calls @p each with the attributes that stand one behind the other. */
void forEachAttribute(
    NetlinkBytes attributes,
    const std::function<void(std::uint16_t type, NetlinkBytes value)> &each);

/** Calls @p each with the attributes behind a head of @p headSize octets. */
void forEachAttribute(
    const nlmsghdr &message, std::size_t headSize,
    const std::function<void(std::uint16_t type, NetlinkBytes value)> &each);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_NETLINK_H
