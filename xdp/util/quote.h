// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Text of unknown origin made fit for a message.
 */
#ifndef CLOAKLAKE_UTIL_QUOTE_H
#define CLOAKLAKE_UTIL_QUOTE_H

#include <string>
#include <string_view>

namespace cloak
{

/**
 * Puts text in double quotes, escapes what a terminal could take for a
 * command, and cuts it short (with "...") so that a message stays one line.
 */
std::string quote(std::string_view text);

/** A string of TOML, which reads it as the same text. */
std::string quoteToml(std::string_view text);

/** Escapes control characters only: for sentences that quote by themselves. */
std::string printable(std::string_view sentence);

} // namespace cloak

#endif // CLOAKLAKE_UTIL_QUOTE_H
