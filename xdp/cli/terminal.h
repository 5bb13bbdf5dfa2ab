// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * The whole screen of a terminal, for a while.
 */
#ifndef CLOAKLAKE_CLI_TERMINAL_H
#define CLOAKLAKE_CLI_TERMINAL_H

#include <chrono>
#include <string>
#include <vector>

namespace cloak
{

/** Columns and rows. */
struct ScreenSize {
	std::size_t width = 80;
	std::size_t height = 24;
};

/** A row of the screen. */
struct ScreenLine {
	std::string text;
	bool heading = false; //!< shown in reverse
};

/**
 * Takes the alternate screen, without echo and cursor, and gives back what
 * there was: in the destructor, when a signal ends the process, and while it
 * is stopped (^Z). Only one at a time.
 */
class Terminal
{
public:
	Terminal();
	Terminal(const Terminal &) = delete;
	Terminal &operator=(const Terminal &) = delete;
	~Terminal();

	/** Whether standard input and output are a terminal. */
	[[nodiscard]] static bool isThere();

	[[nodiscard]] static ScreenSize size();

	/** Shows these lines, cut to the size of the screen. */
	static void show(const std::vector<ScreenLine> &lines);

	/**
	 * Waits for a key. @returns it; 0 when the time is over or something
	 * has changed that calls for another look; -1 if there is nobody left
	 * to press one.
	 */
	[[nodiscard]] static int waitForKey(std::chrono::milliseconds patience);
};

} // namespace cloak

#endif // CLOAKLAKE_CLI_TERMINAL_H
