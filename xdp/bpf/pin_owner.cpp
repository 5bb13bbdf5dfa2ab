// SPDX-License-Identifier: Apache-2.0
#include "bpf/pin_owner.h"

#include <filesystem>
#include <system_error>

#include "bpf/pin_folder.h"

namespace cloak
{

namespace fs = std::filesystem;

Status ownPins(const std::string &pinRoot, const Links &links)
{
	const fs::path note = fs::path(pinRoot) / kNamespacePin;
	std::error_code failure;
	const fs::path own = fs::read_symlink("/proc/self/ns/net", failure);
	const fs::path owner = fs::read_symlink(note, failure);

	if (own.empty() || own == owner)
		return {};
	if (!owner.empty()) {
		auto elsewhere = links.areElsewhere();
		if (!elsewhere)
			return elsewhere.error();
		if (*elsewhere)
			return Error(EBUSY,
			             pinRoot +
			                 " has the cloak of another network "
			                 "namespace, which is on: name another "
			                 "pin folder");
	}
	fs::remove(note, failure);
	fs::create_symlink(own, note, failure);
	if (failure)
		return Error(failure.value(), "cannot make " + note.string());
	return {};
}

} // namespace cloak
