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
 *
 * A disk that is full costs no file that is there: the one that was begun
 * goes on when there is room again, so that an old one goes for each that has
 * become full, and not for each attempt.
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
	 * Makes the next file and writes @p head to it. Only then the oldest
	 * goes that is one too many; before, if the disk has no room for it.
	 */
	Status next(std::string_view head);

	/** There is a file, with room for @p size octets more. */
	[[nodiscard]] bool fits(std::size_t size) const;

	/**
	 * Appends @p block as a whole or not at all. After an error it may be
	 * tried again if fits() says that there is a file still, which there
	 * is after the disk was full; else next() is to be called.
	 */
	Status append(std::string_view block);

	[[nodiscard]] const std::string &folder() const
	{
		return options_.folder;
	}

private:
	Status openFolder();
	Status open();
	Status make(std::string_view head);
	Status write(std::string_view block);
	void removeOldest();
	void giveUp();
	[[nodiscard]] bool isRemoved() const;

	Options options_;
	Fd fd_;
	std::uint64_t written_ = 0; //!< octets in the file
	std::uint64_t head_ = 0;    //!< those of them before the first packet
	bool full_ = false;         //!< the disk was, when last written to
	bool listed_ = false;       //!< files_ has those of former processes
	std::uint64_t number_ = 0;  //!< of the file
	std::deque<std::string> files_; //!< paths, the oldest in front
};

} // namespace cloak

#endif // CLOAKLAKE_EVIDENCE_RING_H
