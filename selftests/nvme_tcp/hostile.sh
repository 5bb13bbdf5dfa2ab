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

# hostile_tests [PATTERN...]: every test of hostile.py is a subtest.
hostile_tests() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*" # SKIP "*)
			line=${line#ok }
			ktap_skip "${line% \# SKIP *}" "${line##* \# SKIP }"
			;;
		"ok "*) ktap_ok "${line#ok }" ;;
		"not ok "*) ktap_fail "${line#not ok }" ;;
		*) note "${line#\# }" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/hostile.py" \
		"$@" 2>&1 || echo "not ok hostile.py ends well")
}

load ours initiator || ktap_bail "cannot load the initiator"
# Every fault has its line in the log, however many there are.
sysctl -q -w kernel.printk_ratelimit=0
# What is sent in pieces waits for each to be acknowledged.
ip route replace local 127.0.0.1 dev lo table local quickack 1
hostile_tests "$@"
ktap_run "the module unloads, with nothing left over" unload initiator
