// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Alerts as syslog (RFC 5424) over TCP or TLS (RFC 6587, RFC 5425).
 */
#ifndef CLOAKLAKE_EXPORT_SYSLOG_H
#define CLOAKLAKE_EXPORT_SYSLOG_H

#include <string>
#include <string_view>

#include "export/courier.h"
#include "util/clock.h"

namespace cloak
{

/** How much a message matters; the numbers of RFC 5424. */
enum class SyslogSeverity : unsigned { Warning = 4, Notice = 5 };

/**
 * A message of facility authpriv.
 * @param kind what it is, the MSGID: printable, without blanks.
 */
[[nodiscard]] std::string syslogMessage(SyslogSeverity severity, WallTime time,
                                        std::string_view kind,
                                        std::string_view text);

/** Frames messages by counting their octets. */
class SyslogEncoder final : public Encoder<std::string>
{
public:
	[[nodiscard]] Result<std::vector<std::string>>
	encode(const std::vector<std::string> &items) override;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_SYSLOG_H
