// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The screen of "cloakctl top". Pure.
 */
#ifndef CLOAKLAKE_CLI_TOP_VIEW_H
#define CLOAKLAKE_CLI_TOP_VIEW_H

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "cli/terminal.h"

namespace cloak
{

/**
 * The lines for what reportTop() has found. @param height how many there may
 * be: the sections share them, and what one does not need others have. Without
 * one each section has kRowsOfSection.
 */
[[nodiscard]] std::vector<ScreenLine>
viewTop(const nlohmann::json &report, std::optional<std::size_t> height);

inline constexpr std::size_t kRowsOfSection = 10;

/** "12", "3.4k", "56M": three digits are enough for whoever looks on. */
[[nodiscard]] std::string scaled(double value);

/**
 * How many rows each section gets of @p available: as many as it wants, as
 * long as none gets less than it wants while another has more.
 */
[[nodiscard]] std::vector<std::size_t>
shareRows(std::size_t available, const std::vector<std::size_t> &wanted);

} // namespace cloak

#endif // CLOAKLAKE_CLI_TOP_VIEW_H
