// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The BPF object of the cloak: loaded once, pinned, found again.
 */
#ifndef CLOAKLAKE_BPF_OBJECT_H
#define CLOAKLAKE_BPF_OBJECT_H

#include <memory>
#include <string>

#include "bpf/maps.h"
#include "util/fd.h"
#include "util/result.h"

// the generated skeletons
struct cloak_bpf;
struct called_bpf;

namespace cloak
{

/**
 * Programs and maps in the kernel.
 *
 * The object holds descriptors only. Destroying it takes nothing away that
 * is pinned or attached: the cloak stays on when the daemon dies.
 */
class CloakObject
{
public:
	struct Options {
		/**
		 * Folder in a BPF file system for the pins; made if missing,
		 * and the BPF file system is mounted if it is not. Empty: pin
		 * nothing, all is gone with the last descriptor (tests).
		 */
		std::string pinRoot = kDefaultPinRoot;
		/** Whether CPUs remember what was found last; else slower. */
		bool remember = true;
	};

	/**
	 * Loads the programs. Maps that are pinned already are reused with
	 * all they hold (policy, counters, sources), so this is how a newer
	 * daemon takes over from an older one. Maps of another version lose
	 * their pins to new ones, which have nothing but the peers that
	 * version had in force: see replacement().
	 * Nothing is attached, and with empty maps everything passes.
	 */
	[[nodiscard]] static Result<CloakObject> load(const Options &options);

	CloakObject(CloakObject &&) noexcept;
	CloakObject &operator=(CloakObject &&) noexcept;
	CloakObject(const CloakObject &) = delete;
	CloakObject &operator=(const CloakObject &) = delete;
	~CloakObject();

	/** Maps, valid as long as the object. */
	[[nodiscard]] const CloakMaps &maps() const { return maps_; }

	/**
	 * What load() has to say of the cloak of another version whose pins it
	 * has replaced; empty if there was none. Its programs go on by its
	 * maps until those of this object are attached, and that is not to be
	 * done before there is a policy in the new ones.
	 */
	[[nodiscard]] const std::string &replacement() const
	{
		return replacement_;
	}

	/** Descriptors of the programs, owned by the object. */
	[[nodiscard]] int ingressProgram() const;
	[[nodiscard]] int egressProgram() const;
	[[nodiscard]] int answerProgram() const;

	/**
	 * The ingress half as programs behind the dispatcher of libxdp can
	 * call it, owned by the object. It is loaded by the first call.
	 */
	[[nodiscard]] Result<int> calledProgram();

	/**
	 * Removes all pins of @p pinRoot. Call it after every interface was
	 * detached, else the links that are pinned there lift the cloak.
	 * It is no error if there is nothing.
	 */
	static Status unpin(const std::string &pinRoot = kDefaultPinRoot);

private:
	struct SkeletonDeleter {
		void operator()(cloak_bpf *skeleton) const;
		void operator()(called_bpf *skeleton) const;
	};
	using Skeleton = std::unique_ptr<cloak_bpf, SkeletonDeleter>;
	using CalledSkeleton = std::unique_ptr<called_bpf, SkeletonDeleter>;

	CloakObject(Skeleton skeleton, CloakMaps maps);

	Skeleton skeleton_;
	CalledSkeleton called_; //!< the program alone, on the maps of the first
	CloakMaps maps_;
	std::string replacement_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_OBJECT_H
