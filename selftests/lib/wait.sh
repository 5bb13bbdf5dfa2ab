# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Waiting for a state, never for a time. To be sourced.
#
# Limits are for a kernel at its usual speed; selftests/run.sh makes all of them
# N times as long with --slow N, or where the host of this machine is busy.

# Nobody ever writes to this pipe.
exec {wait_silence}<> <(:)

# pause SECONDS: sleeps without a process, which would keep an emulated processor
# busy for a good part of the time.
pause() { read -r -t "$1" -u "$wait_silence" || true; }

# wait_until SECONDS COMMAND...: until the command succeeds; fails when it does
# not in that time. Looks ten times a second at first, then less and less often.
wait_until() {
	local limit=$(($1 * ${CLOAK_SLOW:-1})) start=$SECONDS looks=0
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS - start >= limit)); then
			echo "not within $limit s: $*"
			return 1
		fi
		pause "0.$((looks < 50 ? 1 + looks / 10 : 5))"
		((++looks))
	done
}

# wait_while SECONDS COMMAND...: until the command fails.
wait_while() {
	local limit=$1
	shift
	wait_until "$limit" not "$@"
}

# not COMMAND...: succeeds when the command does not.
not() { ! "$@"; }

# says FILE TEXT: is that its first line? For files that may go at any moment:
# with errexit, bash 5.2 ends where $(<FILE) cannot be opened, be it in a
# condition.
says() {
	local line
	{ read -r line <"$1"; } 2>/dev/null && [[ $line == "$2" ]]
}

# stays SECONDS COMMAND...: the command succeeds all that time.
stays() {
	local limit=$1 start=$SECONDS
	shift
	while ((SECONDS - start < limit)); do
		"$@" >/dev/null 2>&1 || { echo "no longer: $*"; return 1; }
		pause 0.1
	done
}

# within SECONDS COMMAND...: runs it, and fails if it takes longer. For
# programs, not functions.
within() {
	local limit=$(($1 * ${CLOAK_SLOW:-1}))
	shift
	timeout --foreground --kill-after=2 "$limit" "$@"
}
