#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a command in the guest prints and returns arrives outside unchanged.
#
# where: host
# timeout: 180
. "$(dirname "$0")/../lib/ktap.sh"

dir=$(mktemp -d)
defer rm -rf "$dir"

# guest COMMAND: runs it by a shell in a guest; fills out, err and status.
guest() {
	status=0
	"$TOP/scripts/vm.sh" --timeout $((60 * ${CLOAK_SLOW:-1})) -- \
		bash -c "$1" \
		>"$dir/out" 2>"$dir/err" || status=$?
}

guest 'seq 100000; echo to-stderr >&2; exit 7'
ktap_run "exit status is relayed" test "$status" == 7
ktap_run "all of a long output arrives" \
	cmp "$dir/out" <(seq 100000)
ktap_run "stderr stays separate" \
	test "$(<"$dir/err")" == to-stderr

guest 'cd /; touch /usr/cloak-was-here; findmnt -n -o FSTYPE /; pwd'
ktap_run "guest writes to an overlay" test "$(<"$dir/out")" == $'overlay\n/'
ktap_run "machine's own files stay as they are" \
	test ! -e /usr/cloak-was-here
ktap_run "success is relayed" test "$status" == 0
