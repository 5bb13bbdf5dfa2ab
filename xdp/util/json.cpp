// SPDX-License-Identifier: Apache-2.0
#include "util/json.h"

#include <nlohmann/json.hpp>

namespace cloak
{

std::string toLine(const nlohmann::json &value)
{
	return value.dump(-1, ' ', false,
	                  nlohmann::json::error_handler_t::replace);
}

} // namespace cloak
