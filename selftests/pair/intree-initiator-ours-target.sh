#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# where: guest
# kernels: 6.1 6.12
# timeout: 500
# cpus: 2
# mem: 1024
set -euo pipefail
# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"
# shellcheck source=selftests/lib/pair.sh
. "$KTAP_LIB/pair.sh"

pair_test intree ours
