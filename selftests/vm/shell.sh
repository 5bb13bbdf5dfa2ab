#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# "make shell" gives a shell on a terminal in a guest that has our modules and
# the cloak at hand, and ends with the status of the shell.
#
# where: host
# timeout: 150
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

WORK=$(mktemp -d)
defer rm -rf "$WORK"
mkfifo "$WORK/keys"

# said WORDS: has the shell written this line, but for what steers a terminal?
said() {
	tr -d '\r' <"$WORK/screen" | sed 's/\x1b\[[?0-9;]*[a-z]//g' |
		grep -qx "$1"
}

# type_in LINE: quoted in a way that the echo differs from what comes of it.
type_in() { printf '%s\n' "$1" >&"$keys"; }

# the terminal of script(1), with us at the keyboard
script -qec "$TOP/scripts/shell.sh 6.12" /dev/null \
	<"$WORK/keys" >"$WORK/screen" 2>&1 &
shell=$!
exec {keys}>"$WORK/keys"
ktap_run "there is a prompt" wait_until 60 grep -q '^.*cloak 6\.12.* # ' \
	"$WORK/screen"
# shellcheck disable=SC2016 # for the shell in the guest
type_in 'modprobe nvme_tcp && echo loaded $(modinfo -n nvme_tcp)'
ktap_run "modprobe finds our module" wait_until 30 said \
	"loaded /lib/modules/6.12.*/updates/nvme-tcp.ko"
type_in 'cloakctl --version; type -t ram_disk fio_verify'
ktap_run "the cloak is in PATH" wait_until 30 said 'cloakctl [0-9.]*'
ktap_run "the verbs of the tests are there" wait_until 30 said function
type_in 'exit 7'
status=0
wait "$shell" || status=$?
ktap_run "its status is that of the shell" test "$status" == 7

try=$("$TOP/scripts/shell.sh" 6.12 2>&1 </dev/null) || true
ktap_run "without a terminal it says so" \
	grep -qx "cloaklake: make shell needs a terminal." <<<"$try"
