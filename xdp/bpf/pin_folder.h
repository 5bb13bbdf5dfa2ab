// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The folder in a BPF file system that keeps what outlives the daemon.
 */
#ifndef CLOAKLAKE_BPF_PIN_FOLDER_H
#define CLOAKLAKE_BPF_PIN_FOLDER_H

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace cloak
{

/** A symbolic link there that says whose the pins are, see ownPins(). */
inline constexpr const char *kNamespacePin = "namespace";

/**
 * Makes the folder, for root alone, if it is missing. Where it is to be below
 * the usual mount of the BPF file system and that is not there, mounts it.
 */
Status makePinRoot(const std::string &pinRoot);

/** Fails if something is there that is not in a BPF file system. */
Status checkPinRoot(const std::string &pinRoot);

/**
 * Removes the pins of @p maps, of what hangs in them, and of maps that only
 * another release knows: those are told by having a pin of their own name, and
 * are looked for where the folder is not a mount that others share.
 * @param kept pins that stay.
 */
Status removeMapPins(const std::string &pinRoot, std::set<std::string> maps,
                     const std::set<std::string> &kept = {});

/**
 * Removes the pins of maps as removeMapPins() does and all others of the
 * cloak, and then the folder if nothing else is in it and it is no mount of its
 * own. What was not made here stays, whatever it is. It is no error if there is
 * nothing.
 */
Status removePinRoot(const std::string &pinRoot,
                     const std::set<std::string> &maps);

/**
 * The interfaces whose numbers, behind @p prefix, are names of entries of that
 * folder. One that is not there holds none.
 */
Result<std::vector<unsigned>>
pinnedInterfaces(const std::filesystem::path &folder, std::string_view prefix);

} // namespace cloak

#endif // CLOAKLAKE_BPF_PIN_FOLDER_H
