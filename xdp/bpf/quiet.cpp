// SPDX-License-Identifier: Apache-2.0
#include "bpf/quiet.h"

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <array>
#include <cstdio>

namespace cloak
{
namespace
{

// Both libraries have one function for all threads, with nothing to hand it.
LibxdpComplaint *listening = nullptr;

int hear(libxdp_print_level level, const char *format, va_list arguments)
{
	std::array<char, 256> text{};

	if (listening == nullptr || level == LIBXDP_DEBUG)
		return 0;
	const int length =
	    vsnprintf(text.data(), text.size(), format, arguments);
	listening->hear(text.data());
	return length;
}

} // namespace

void quietLibbpf()
{
	libbpf_set_print(nullptr);
}

void quietLibxdp()
{
	libxdp_set_print(hear);
}

LibxdpComplaint::LibxdpComplaint()
{
	listening = this;
}

LibxdpComplaint::~LibxdpComplaint()
{
	listening = nullptr;
}

void LibxdpComplaint::hear(std::string_view text)
{
	constexpr std::string_view kName = "libxdp: ";
	const auto name = text.find(kName);

	if (!text_.empty())
		return;
	if (name != text.npos)
		text.remove_prefix(name + kName.size());
	// It has no place for programs of others then, and ours does not fit.
	if (text.starts_with("Falling back"))
		return;
	text_ = text.substr(0, text.find('\n'));
}

} // namespace cloak
