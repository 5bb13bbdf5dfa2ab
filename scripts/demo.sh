#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make demo, the half that runs on the machine itself: builds what the demo
# needs for one kernel and plays scripts/demo-guest.sh in a guest.
#
# usage: scripts/demo.sh [6.1|6.12|RELEASE]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

kernel=${1:-${KVER:-6.12}}
need_root
started=$SECONDS

say "demo: installing what is missing"
"$here/setup.sh"
release=$(resolve_kernel "$kernel")

say "demo: building the modules for $release and the cloak"
make -s -C "$TOP" modules KVER="$release"
make -s -C "$TOP" xdp

say "demo: starting a guest with $release"
status=0
# The cloak's hooks are patched into code that runs at that moment, which the
# emulator gets right only while its processors take turns.
"$here/vm.sh" --threads single --kernel "$release" --modules ours \
	--cpus 2 --mem 3072 --timeout 600 --disk 64 \
	--log "$TOP/build/demo-console.log" -- \
	"$here/demo-guest.sh" || status=$?

if ((status != 0)); then
	die "demo: FAILED (status $status); the guest's kernel log is" \
		"build/demo-console.log"
fi
say "demo: done in $((SECONDS - started)) s"
