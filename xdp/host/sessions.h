// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The connections over which whoever runs this process is logged in.
 */
#ifndef CLOAKLAKE_HOST_SESSIONS_H
#define CLOAKLAKE_HOST_SESSIONS_H

#include <string>
#include <string_view>
#include <vector>

#include "host/connections.h"
#include "policy/diagnostic.h"

namespace cloak
{

/**
 * Those among @p connections that SSH_CONNECTION names ("PEER PORT LOCAL
 * PORT"): what is not established any more, or never was, is none.
 */
[[nodiscard]] std::vector<Connection>
namedSessions(const std::vector<Connection> &connections,
              std::string_view sshConnection);

/**
 * Those among @p connections that the process or one of its ancestors has
 * open, as far as it may see that: sshd is found behind sudo and su, too.
 * @param proc where procfs is mounted
 */
[[nodiscard]] std::vector<Connection>
inheritedSessions(const std::vector<Connection> &connections, int process,
                  const std::string &proc = "/proc");

/**
 * Those among @p connections that others have to one of @p ports here, and that
 * a program has accepted.
 */
[[nodiscard]] std::vector<Connection>
loginSessions(std::vector<Connection> connections,
              const std::vector<Located<std::uint16_t>> &ports);

/**
 * The first two together for this process, each once, none within the host.
 * None does not mean that nobody is logged in: who runs it may hide in a
 * terminal multiplexer, or the connections cannot be read.
 */
[[nodiscard]] std::vector<Connection> findSessions();

} // namespace cloak

#endif // CLOAKLAKE_HOST_SESSIONS_H
