#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Time limits grow where the host of this machine gives its processors to
# others.
#
# where: host
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/stolen.sh"

ticks() {
	printf '%s\n' 'cpu  100 20 30 4000 50 6 7 89 10 0' 'cpu0 1 1 1 1 1 1 1 1'
}

reads_ticks() {
	[[ $(stolen_sample <(ticks)) == "163 89" ]]
	local now
	read -ra now < <(stolen_sample)
	((now[0] > 0 && now[1] >= 0))
}

# factor BUSY STOLEN WANTED
factor() { [[ $(stolen_factor "$1" "$2") == "$3" ]]; }

grows() {
	factor 0 0 1
	factor 1000 0 1
	factor 1000 100 1
	factor 1000 110 2
	factor 1000 1000 2
	factor 1000 1010 3
	factor 1000 2010 4
	factor 10 99999 4
}

ktap_run "what was stolen is read" reads_ticks
ktap_run "limits grow with it, but not for ever" grows
