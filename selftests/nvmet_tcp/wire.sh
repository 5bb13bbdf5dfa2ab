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

# peer_tests WHERE [PATTERN...]: every test of wire.py is a subtest, whose name
# ends in WHERE.
peer_tests() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) ktap_ok "${line#ok }$1" ;;
		"not ok "*) ktap_fail "${line#not ok }$1" ;;
		*) note "${line#\# }" ;;
		esac
	done < <(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/wire.py" \
		127.0.0.1 4420 "$nqn" "${@:2}" 2>&1 ||
		echo "not ok wire.py ends well")
}

# Tests with many PDUs or much data, for which it matters where packets end.
segmented=("in-capsule write, R2T write and read with" "HPDA from 0"
	"H2CData may be split" "several R2Ts" "many commands"
	"a wrong data digest fails" "random PDUs")

# at_mtu MTU: some of the tests in packets of this size, none of them joined.
at_mtu() {
	ip link set lo mtu "$1" gso_max_segs 1
	peer_tests " (MTU $1)" "${segmented[@]}"
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
zoned_disk 16
nvmet_ns "$nqn" 3 /dev/nullb1
peer_tests "" "$@"
if (($# == 0)); then
	at_mtu 9000
	at_mtu 576
fi
ktap_run "the module unloads, with nothing left over" unloads
