# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How much of this machine's processors nobody uses. To be sourced.

idle_before=(0 0)

# look_at_idle [FILE]: sets idle to the per cent of all processors' time since
# the last look in which they had nothing to do.
look_at_idle() {
	local user nice system unused waiting irq softirq stolen all
	read -r _ user nice system unused waiting irq softirq stolen _ \
		<"${1:-/proc/stat}"
	unused=$((unused + waiting))
	all=$((user + nice + system + unused + irq + softirq + stolen))
	idle=0
	((all == idle_before[1])) ||
		idle=$(((unused - idle_before[0]) * 100 / (all - idle_before[1])))
	idle_before=("$unused" "$all")
}
