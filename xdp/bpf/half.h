// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The parts of the cloak on an interface.
 */
#ifndef CLOAKLAKE_BPF_HALF_H
#define CLOAKLAKE_BPF_HALF_H

#include <array>
#include <string_view>

namespace cloak
{

/** What hangs on an interface. */
enum class Half {
	Ingress, //!< an XDP program
	Egress,  //!< a filter of tc
	Answers, //!< another one, where rejected packets are answered
};

/** A part, its name for scripts, and what people call it. */
struct HalfName {
	Half half;
	std::string_view name;
	std::string_view text;
};

inline constexpr std::array<HalfName, 3> kHalves = {{
    {Half::Ingress, "ingress", "the ingress half"},
    {Half::Egress, "egress", "the egress half"},
    {Half::Answers, "answers", "the filter for answers"},
}};

} // namespace cloak

#endif // CLOAKLAKE_BPF_HALF_H
