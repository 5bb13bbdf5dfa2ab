// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Pins that stay when the BPF file system is mounted anew.
 */
#ifndef CLOAKLAKE_BPF_PIN_KEEPER_H
#define CLOAKLAKE_BPF_PIN_KEEPER_H

#include <cstddef>
#include <string>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/**
 * Holds the folder of the pins, and nobody else does: two that change the same
 * pins would fight. It is let go when the process ends, however it does.
 *
 * As long as it does, a plain umount(8) of their file system fails, and a lazy
 * one, or another mount on top of it, takes away no more than the path to them:
 * links stay attached. restore() makes them a path again.
 */
class PinKeeper
{
public:
	/**
	 * Holds @p pinRoot. Fails with ENOENT if it is not there, and if it is
	 * held already, by whatever process in whatever namespaces.
	 */
	[[nodiscard]] static Result<PinKeeper> hold(const std::string &pinRoot);

	/**
	 * Where another folder, or none, is found by the path of the one that
	 * is held, moves the pins there, and holds that from then on. Costs
	 * two system calls where nothing has happened.
	 *
	 * Fails where there is no BPF file system, or something else is pinned
	 * in that folder, and leaves all as it is.
	 *
	 * @returns how many pins were moved.
	 */
	[[nodiscard]] Result<std::size_t> restore();

private:
	PinKeeper(std::string pinRoot, Fd folder)
	    : pinRoot_(std::move(pinRoot)), folder_(std::move(folder))
	{
	}

	[[nodiscard]] bool isThere() const;

	std::string pinRoot_;
	Fd folder_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_PIN_KEEPER_H
