// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The folder in a BPF file system that keeps what outlives the daemon.
 */
#ifndef CLOAKLAKE_BPF_PIN_FOLDER_H
#define CLOAKLAKE_BPF_PIN_FOLDER_H

#include <string>

#include "util/result.h"

namespace cloak
{

/**
 * Makes the folder, for root alone, if it is missing. Where it is to be below
 * the usual mount of the BPF file system and that is not there, mounts it.
 */
Status makePinRoot(const std::string &pinRoot);

/** Removes the folder with all pins. It is no error if there is nothing. */
Status removePinRoot(const std::string &pinRoot);

} // namespace cloak

#endif // CLOAKLAKE_BPF_PIN_FOLDER_H
