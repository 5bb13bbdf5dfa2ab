// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_BPF_QUIET_H
#define CLOAKLAKE_BPF_QUIET_H

#include <string>
#include <string_view>

namespace cloak
{

/**
 * Stops libbpf from writing to stderr: what goes wrong is in the Status that
 * is returned, and much of what it says there is no failure (an interface
 * that has its clsact already). For every class here that calls libbpf.
 */
void quietLibbpf();

/** The same for libxdp. */
void quietLibxdp();

/**
 * What libxdp complains about first while this object lives, as its errors are
 * numbers that say little. One at a time, after quietLibxdp().
 */
class LibxdpComplaint
{
public:
	LibxdpComplaint();
	LibxdpComplaint(const LibxdpComplaint &) = delete;
	LibxdpComplaint &operator=(const LibxdpComplaint &) = delete;
	~LibxdpComplaint();

	/** Empty if there is none. */
	[[nodiscard]] const std::string &text() const { return text_; }

	void hear(std::string_view text);

private:
	std::string text_;
};

} // namespace cloak

#endif // CLOAKLAKE_BPF_QUIET_H
