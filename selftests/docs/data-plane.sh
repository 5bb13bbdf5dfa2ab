#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The page about the data plane names every map and every reason of a verdict
# that there is, none that there is not, and the limits as they are.
#
# where: host
# timeout: 60
#
# shellcheck disable=SC2016 # backquotes are those of reStructuredText
. "$(dirname "$0")/../lib/ktap.sh"

page=$TOP/Documentation/xdp/data-plane.rst

# part FROM TO: the lines between two headings.
part() { sed -n "/^$1\$/,/^$2\$/p" "$page"; }

# first_column: the names that begin the lines of tables.
first_column() { sed -nE 's/^``([a-z0-9_-]+)`` .*/\1/p' | sort; }

# maps: NAME PINNED, by the sources.
maps() {
	awk '/LIBBPF_PIN_BY_NAME/ { pinned = "yes" }
	/^struct .*\{/ { pinned = "no" }
	/^} [a-z0-9_]+ SEC\("\.maps"\)/ { print $2, pinned }' \
		"$TOP/xdp/kern/maps.h" | sort
}

described_maps() {
	part Maps "A new policy.*" |
		sed -nE 's/^``([a-z0-9_]+)`` .* (yes|no)  +.*/\1 \2/p' | sort
}

reasons() {
	sed -n '/kReasons\[\]/,/^};/p' "$TOP/xdp/bpf/names.cpp" |
		sed -nE 's/.*\{CLOAK_[A-Z_0-9]+, "([a-z0-9-]+)",.*/\1/p' | sort
}

# limit NAME: its number in the ABI.
limit() {
	sed -nE "s/^#define CLOAK_$1\s+([0-9]+).*/\1/p" "$TOP/xdp/abi/base.h"
}

# states TEXT NUMBER: the row of the table of limits that begins with TEXT.
states() { part Limits "When .*" | grep -qE "^$1\\b.* $2\\b"; }

ktap_need_commands rst2html
ktap_run "the page is sound" rst2html --halt=warning "$page" /dev/null
ktap_run "there are maps" test "$(maps | wc -l)" -gt 10
ktap_run "maps, and which are pinned" diff <(maps) <(described_maps)
ktap_run "there are reasons" test "$(reasons | wc -l)" -gt 30
ktap_run "reasons" diff <(reasons) <(part Reasons Limits | first_column)
ktap_run "limit of interfaces" states interfaces "$(limit MAX_IFACES)"
ktap_run "limit of addresses" states cloaked "$(limit MAX_ADDRESSES)"
ktap_run "limit of peers" states peers "$(limit MAX_PEERS)"
ktap_run "limit of flows" states flows "$(limit MAX_FLOWS)"
ktap_run "limit of connections" states connections "$(limit MAX_CONNECTIONS)"
ktap_run "limit of openings" states 'connections.* openings' \
	"$(limit MAX_OPENINGS)"
ktap_run "limit of neighbours" states neighbours "$(limit MAX_NEIGHBOURS)"
ktap_run "limit of sources" states sources "$(limit MAX_SOURCES)"
ktap_run "limit of tags" states VLAN "$(limit MAX_VLANS)"
ktap_run "bytes of evidence" states bytes "$(limit HEAD_LEN)"
