// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A ring of files of bounded size.
 */
#ifndef CLOAKLAKE_EVIDENCE_RING_H
#define CLOAKLAKE_EVIDENCE_RING_H

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "util/fd.h"
#include "util/result.h"

namespace cloak
{

/**
 * Files evidence-NUMBER.pcapng in one folder, the oldest of which goes when
 * there would be too many. Those that a former process has left count.
 * Numbers go on from there; a file is never written to by two processes.
 */
class FileRing
{
public:
	struct Options {
		std::string folder; //!< made if missing
		std::uint64_t fileSize = 0;
		std::size_t files = 0;
	};

	explicit FileRing(Options options) : options_(std::move(options)) {}

	/**
	 * Makes the next file and writes @p head to it, without what may have
	 * to go for it being gone before.
	 */
	Status next(std::string_view head);

	/** There is a file, with room for @p size octets more. */
	[[nodiscard]] bool fits(std::size_t size) const;

	/**
	 * Appends @p block as a whole or not at all. After an error there is
	 * no file any more: next() is to be called.
	 */
	Status append(std::string_view block);

	[[nodiscard]] const std::string &folder() const
	{
		return options_.folder;
	}

private:
	Status open();
	void removeOldest();

	Options options_;
	Fd fd_;
	std::uint64_t written_ = 0; //!< octets in the file
	bool listed_ = false;       //!< files_ has those of former processes
	std::uint64_t number_ = 0;  //!< of the file
	std::deque<std::string> files_; //!< paths, the oldest in front
};

} // namespace cloak

#endif // CLOAKLAKE_EVIDENCE_RING_H
