#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Right and wrong PDUs from a peer in plain sockets: wire.py has the tests. No
# PDU may disturb another connection, and nothing may be left over at the end.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 400
# cpus: 2
# mem: 1024
set -euo pipefail
# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"
# shellcheck source=selftests/lib/wait.sh
. "$KTAP_LIB/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$KTAP_LIB/modules.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$KTAP_LIB/nvmet.sh"

nqn=nqn.2026-01.net.cloaklake:wire
here=$(cd "$(dirname "$0")" && pwd)

# peer_tests ADDRESS [PATTERN...]: every test of wire.py is a subtest.
peer_tests() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) ktap_ok "${line#ok }" ;;
		"not ok "*) ktap_fail "${line#not ok }" ;;
		*) note "${line#\# }" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/wire.py" \
		"$1" 4420 "$nqn" "${@:2}" 2>&1 || echo "not ok wire.py ends well")
}

unloads() {
	nvmet_clear
	unload target
}

load ours target || ktap_bail "cannot load the target"
defer nvmet_clear
ram_disk 16
null_disk 16
nvmet_setup "$nqn" /dev/ram0 127.0.0.1 4420
nvmet_ns "$nqn" 2 /dev/nullb0
peer_tests 127.0.0.1 "$@"
ktap_run "the module unloads, with nothing left over" unloads
