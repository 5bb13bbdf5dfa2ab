#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes the template of a new test; filling it in is all it takes.
#
# usage: scripts/new-test.sh AREA/BEHAVIOUR     e.g. nvme_tcp/survives-reset
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

name=${1:-}
[[ $name =~ ^[a-z0-9_]+/[a-z0-9-]+$ ]] ||
	die "name the test as AREA/BEHAVIOUR, as nvme_tcp/survives-reset."
file=$TOP/selftests/$name.sh
[[ ! -e $file ]] || die "selftests/$name.sh is there already."
mkdir -p "${file%/*}"
cat >"$file" <<'EOF'
#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What behaviour this shows, in a sentence or two, and why it may break.
#
# where: guest          or host
# kernels: 6.1 6.12     guests only, one boot for each; this is the default
# modules: ours         modprobe finds ours; none: the kernel's own
# timeout: 60           seconds, without the boot
# cpus: 2
# mem: 1024             MiB
# disk: 64              MiB of scratch disk, /dev/vda
# append:               more words for the kernel command line
# asked: no             yes: only when its whole name is asked for
# alone: no             yes: nothing else runs at that time
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

load_ours target
load_ours initiator
ram_disk 32
nvmet_setup test /dev/ram0
defer nvmet_clear
nvme_connect test
defer nvme_disconnect test

ktap_run "data comes back as it was written" fio_verify "$(nvme_device test)"
EOF
chmod +x "$file"
say "selftests/$name.sh"
