# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How much of this machine's processors its host gives to others. To be sourced.

# stolen_sample [FILE]: BUSY STOLEN, in ticks since the boot, of all processors.
stolen_sample() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $9 + 0; exit }' \
		"${1:-/proc/stat}"
}

# stolen_factor BUSY STOLEN: how many times longer than usual things take, as a
# whole number; a tenth more is as usual, and it goes no further than 4.
stolen_factor() {
	local percent=100
	(($1 == 0)) || percent=$((($1 + $2) * 100 / $1))
	if ((percent <= 110)); then
		echo 1
	elif ((percent > 300)); then
		echo 4
	else
		echo $(((percent + 99) / 100))
	fi
}
