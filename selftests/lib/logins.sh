# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# People who are logged in on the lake by TCP, as by ssh. Needs cloakd.sh. To be
# sourced.

# log_in: the lake takes logins at port 2222.
log_in() {
	in_ns lake env -u SSH_CONNECTION socat \
		TCP-LISTEN:2222,reuseaddr,fork EXEC:'bash --norc' &
	defer kill $!
	mkfifo "$WORK/fifo"
	wait_until 10 eval "in_ns lake ss -tlnH 'sport = :2222' | grep ."
}

# stay_from PORT [ADDRESS]: the scanner is logged in from there, at that address of
# the lake, until leave_from.
stay_from() {
	in_ns scanner socat - "TCP:${2:-$LAKE}:2222,sourceport=$1" \
		<"$WORK/fifo" >/dev/null &
	exec 9>"$WORK/fifo"
	# It has been accepted when a program has it.
	wait_until 10 eval \
		"in_ns lake ss -tnpH 'dport = :$1' | grep 'ESTAB.*users:'"
}

# leave_from PORT: he logs out.
leave_from() {
	exec 9>&-
	wait_until 10 not eval \
		"in_ns lake ss -tnH 'dport = :$1' | grep ESTAB"
}
