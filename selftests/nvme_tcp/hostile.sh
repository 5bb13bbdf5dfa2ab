#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Controllers in plain sockets that answer wrongly, unusually, or not at all:
# hostile.py has the tests, each with its outcome.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 900
# cpus: 2
# mem: 1024
set -euo pipefail
# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"
# shellcheck source=selftests/lib/wait.sh
. "$KTAP_LIB/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$KTAP_LIB/modules.sh"

here=$(cd "$(dirname "$0")" && pwd)

# hostile_tests WHERE [PATTERN...]: every test of hostile.py is a subtest, whose
# name ends in WHERE.
hostile_tests() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*" # SKIP "*)
			line=${line#ok }
			ktap_skip "${line% \# SKIP *}$1" "${line##* \# SKIP }"
			;;
		"ok "*) ktap_ok "${line#ok }$1" ;;
		"not ok "*) ktap_fail "${line#not ok }$1" ;;
		*) note "${line#\# }" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/hostile.py" \
		"${@:2}" 2>&1 || echo "not ok hostile.py ends well")
}

# Tests with many PDUs or much data, for which it matters where packets end.
segmented=("four R2Ts" "many small R2Ts" "many small C2HData")

# at_mtu MTU: some of the tests in packets of this size, none of them joined.
at_mtu() {
	ip link set lo mtu "$1" gso_max_segs 1
	hostile_tests " (MTU $1)" "${segmented[@]}"
}

load ours initiator || ktap_bail "cannot load the initiator"
# Every fault has its line in the log, however many there are.
sysctl -q -w kernel.printk_ratelimit=0
# Each connect asks for modules, which are there, and udev looks at each disk; a
# tenth of the time each, and nothing here needs them.
sysctl -q -w kernel.modprobe=
wait_until 20 udevadm control --exit
# What is sent in pieces waits for each to be acknowledged.
ip route replace local 127.0.0.1 dev lo table local quickack 1
hostile_tests "" "$@"
if (($# == 0)); then
	at_mtu 9000
	at_mtu 576
fi
ktap_run "the module unloads, with nothing left over" unload initiator
