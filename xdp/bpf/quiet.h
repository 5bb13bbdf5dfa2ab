// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_BPF_QUIET_H
#define CLOAKLAKE_BPF_QUIET_H

namespace cloak
{

/**
 * Stops libbpf from writing to stderr: what goes wrong is in the Status that
 * is returned, and much of what it says there is no failure (an interface
 * that has its clsact already). For every class here that calls libbpf.
 */
void quietLibbpf();

} // namespace cloak

#endif // CLOAKLAKE_BPF_QUIET_H
