#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each test that the page about the specification names is there, in the file
# that the column is about.
#
# where: host
# timeout: 60
. "$(dirname "$0")/../lib/ktap.sh"

page=$TOP/Documentation/specification.rst

# named COLUMN: the tests in a column of the tables, 2 or 3.
named() {
	awk -v column="$1" '/^[^ ]/ { at = 0 }
	/^   \* - / { at = 1 } /^     -/ { at++ }
	at == column && match($0, /``.*``/) {
		print substr($0, RSTART + 2, RLENGTH - 4) }' "$page"
}

# are_there COLUMN FILE...: every one of them is the name of a test.
are_there() {
	local name missing=0
	while IFS= read -r name; do
		grep -qF "\"$name\"" "${@:2}" || {
			echo "no such test: $name"
			missing=$((missing + 1))
		}
	done < <(named "$1")
	((missing == 0))
}

ktap_need_commands rst2html
ktap_run "the page is sound" rst2html --halt=warning "$page" /dev/null
ktap_run "it names tests of the target" test "$(named 2 | wc -l)" -gt 50
ktap_run "it names tests of the initiator" test "$(named 3 | wc -l)" -gt 40
ktap_run "the tests of the target are there" are_there 2 \
	"$TOP"/selftests/{nvmet_tcp/cases/*.py,nvmet_tcp/*.sh,pair/*.sh,lib/pair.sh}
ktap_run "the tests of the initiator are there" are_there 3 \
	"$TOP"/selftests/{nvme_tcp/cases/*.py,nvme_tcp/*.sh,pair/*.sh,lib/pair.sh}
