// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * An alert in the words of a person.
 */
#ifndef CLOAKLAKE_ALERTS_TEXT_H
#define CLOAKLAKE_ALERTS_TEXT_H

#include <string>

#include "model/alert.h"

namespace cloak
{

/**
 * One line without an end of line, such as
 * "10.0.3.7 (52:54:00:aa:bb:cc) swept 10.0.9.0/24 with ARP and probed tcp 22,
 * 445, 4420 on 10.0.9.5 (TCP SYN scan); 212 probes in 3.4 s; shadowed until
 * 14:05". Times are local.
 */
[[nodiscard]] std::string describe(const Alert &alert);

/** "10.0.3.7 (52:54:00:aa:bb:cc)", or the MAC alone. */
[[nodiscard]] std::string describeSource(const Probe &probe);

/** "port scan", "slow scan" and so on. */
[[nodiscard]] std::string_view className(AlertClass kind);

} // namespace cloak

#endif // CLOAKLAKE_ALERTS_TEXT_H
