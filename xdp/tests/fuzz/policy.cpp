// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Any text is a policy or has errors with places; what is a policy compiles,
 * and is the same again after it was written out. NUL begins another file.
 */
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "policy/compile.h"
#include "policy/parse.h"
#include "policy/render.h"

namespace
{

/** Names that policies and patterns like to have, and some that they do not. */
cloak::Host someHost()
{
	cloak::Host host;

	for (const char *name : {"lo", "eth0", "eth1", "enp3s0", "a[b", "*"}) {
		host.interfaces.emplace_back();
		host.interfaces.back().name = name;
		host.interfaces.back().index =
		    static_cast<unsigned>(host.interfaces.size());
	}
	host.interfaces.front().loopback = true;
	return host;
}

/** Whether each interface is under one table, and the loopback by its name. */
bool decidesOnce(const cloak::Policy &policy)
{
	std::set<unsigned> seen;

	for (const auto &interface :
	     cloak::compileInterfaces(policy, someHost()))
		if (!seen.insert(interface.index).second ||
		    (interface.index == 1 && interface.table != "lo"))
			return false;
	return true;
}

cloak::PolicyTexts filesOf(std::string_view text)
{
	cloak::PolicyTexts files;

	for (;;) {
		const std::size_t end = text.find('\0');

		files.push_back({"file", std::string(text.substr(0, end))});
		if (end == std::string_view::npos)
			return files;
		text.remove_prefix(end + 1);
	}
}

} // namespace

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	const cloak::ParsedPolicy parsed = cloak::readPolicy(filesOf(text));

	for (const cloak::Diagnostic &error : parsed.errors) {
		const std::string line = toString(error, parsed.policy.files);
		for (const char character : line)
			if (static_cast<unsigned char>(character) < ' ' &&
			    character != '\n')
				std::abort();
	}
	if (!parsed.errors.empty())
		return 0;
	const cloak::Host none;
	const auto compiled = cloak::compilePolicy(parsed.policy, none, {});
	const std::string rendered = cloak::renderPolicy(parsed.policy);
	const cloak::ParsedPolicy again = cloak::readPolicy(rendered);
	if (!again.errors.empty() ||
	    cloak::renderPolicy(again.policy) != rendered ||
	    compiled.absent.size() != parsed.policy.interfaces.size() ||
	    !decidesOnce(parsed.policy))
		std::abort();
	return 0;
}
