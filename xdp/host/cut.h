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

/** A session that a policy would cut. */
struct Cut {
	Connection session;
	std::string reason;
	unsigned carrier = 0; //!< number of the interface at which
};

/**
 * Where @p session would be cut on the whole way, by the interface of @p hop
 * and by what is below it. Which port of a bridge or bond the frames take may
 * change, so each of them counts.
 */
[[nodiscard]] std::vector<Cut> cutsOf(const Policy &policy,
                                      const CompiledPolicy &compiled,
                                      const Connection &session, const Hop &hop,
                                      const Host &host);

/**
 * The first of @p cuts that is none of those @p before: one at another
 * interface is another one, as the session may not go by the former.
 */
[[nodiscard]] std::optional<Cut> firstNew(const std::vector<Cut> &cuts,
                                          const std::vector<Cut> &before);

/**
 * Those of @p sessions that would be cut, as this host would reach them now;
 * the same session again for each interface at which. Sessions of addresses
 * that this host (or network namespace) does not have are none of its own.
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

/** The same of the caller's own session. */
[[nodiscard]] std::string ownRefusal(const Cut &cut);

/**
 * A sentence about the first of the caller's own @p sessions that would be
 * cut; nothing if there is none.
 */
[[nodiscard]] std::optional<std::string>
findCut(const Policy &policy, const CompiledPolicy &compiled,
        const std::vector<Connection> &sessions);

} // namespace cloak

#endif // CLOAKLAKE_HOST_CUT_H
