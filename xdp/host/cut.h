// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Whether a connection would survive a policy.
 */
#ifndef CLOAKLAKE_HOST_CUT_H
#define CLOAKLAKE_HOST_CUT_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/connections.h"
#include "host/routes.h"
#include "policy/compile.h"

namespace cloak
{

/**
 * Why @p policy would cut a connection that another host has begun; nothing if
 * it would go on. Pure.
 * @param hop the way to the other host.
 */
[[nodiscard]] std::optional<std::string> whyCut(const Policy &policy,
                                                const CompiledPolicy &compiled,
                                                const Connection &connection,
                                                const Hop &hop);

/**
 * The same on the whole way, also by what is below the interface of @p hop.
 * Which port of a bridge or bond the frames take may change, so each of them
 * counts.
 */
[[nodiscard]] std::optional<std::string>
whyCut(const Policy &policy, const CompiledPolicy &compiled,
       const Connection &connection, const Hop &hop, const Host &host);

/** A session that a policy would cut. */
struct Cut {
	Connection session;
	std::string reason;
};

/**
 * Those of @p sessions that would be cut, as this host would reach them now.
 * Sessions of addresses that this host (or network namespace) does not have
 * are none of its own.
 */
[[nodiscard]] std::vector<Cut>
findCuts(const Policy &policy, const CompiledPolicy &compiled,
         const std::vector<Connection> &sessions);

/**
 * That nothing was changed because of @p cut.
 * @param whose "your own"
 */
[[nodiscard]] std::string refusal(const Cut &cut, std::string_view whose);

/** What lets a client cut sessions. */
constexpr const char *kCutMySession = "--cut-my-session";

/**
 * The same of the session of somebody who is logged in, and what to do.
 * @param override what to say if it is meant.
 */
[[nodiscard]] std::string loginRefusal(const Cut &cut,
                                       std::string_view override);

/** That nothing was changed as nobody knows who is logged in. */
[[nodiscard]] std::string blindRefusal(const Error &error,
                                       std::string_view override);

/**
 * A sentence about the first of the caller's own @p sessions that would be
 * cut; nothing if there is none.
 */
[[nodiscard]] std::optional<std::string>
findCut(const Policy &policy, const CompiledPolicy &compiled,
        const std::vector<Connection> &sessions);

} // namespace cloak

#endif // CLOAKLAKE_HOST_CUT_H
