// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * A policy on trial: what is put in force again unless somebody confirms it.
 */
#ifndef CLOAKLAKE_DAEMON_TRIAL_H
#define CLOAKLAKE_DAEMON_TRIAL_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/compile.h"
#include "policy/texts.h"
#include "util/clock.h"
#include "util/result.h"

namespace cloak
{

/** A policy on trial and the one before it; outlives the daemon in a file. */
struct Trial {
	std::string former;       //!< the policy before it, as text
	std::string formerSource; //!< where that came from
	bool formerOn = true;     //!< whether the cloak was on
	std::string source;       //!< of the policy on trial
	std::string fingerprint;  //!< of its text
	BootTime ends;            //!< unless confirmed before
	/** No: nobody has confirmed it, the former one is in force. */
	bool waiting = true;
	/**
	 * Whom somebody has let in for a while. The pinned maps have them,
	 * too, but not those whom the policy on trial lets in anyway.
	 */
	std::vector<Authorisation> granted;
	std::string boot; //!< the one of which their times are, see bootId()
};

/**
 * What stands for the time since this machine was started, or "". A unit that
 * hides what the kernel has of it says it by $CLOAKD_BOOT_ID.
 */
[[nodiscard]] std::string bootId();

/** One line that parseTrial() reads, but for Trial::ends. */
[[nodiscard]] std::string toLine(const Trial &trial);

/** Never throws, whatever @p text is. */
[[nodiscard]] std::optional<Trial> parseTrial(std::string_view text);

/** What stands for the texts of a policy in Trial::fingerprint. */
[[nodiscard]] std::string fingerprintOf(const PolicyTexts &texts);

/**
 * Writes @p trial to @p folder, which is made if only it is missing. When this
 * returns without an error, it is on the disk.
 */
[[nodiscard]] Status keepTrial(const std::string &folder, const Trial &trial);

/**
 * What was kept in @p folder, or nothing. Nobody is let in any more after a
 * reboot.
 */
[[nodiscard]] Result<std::optional<Trial>>
recallTrial(const std::string &folder);

/** Removes what was kept, if anything was. */
[[nodiscard]] Status forgetTrial(const std::string &folder);

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_TRIAL_H
