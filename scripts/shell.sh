#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A shell in a guest in which modprobe finds our modules and cloakd and
# cloakctl are in PATH.
#
# usage: scripts/shell.sh [6.1|6.12|RELEASE|KDIR]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

[[ -t 0 && -t 1 ]] || die "make shell needs a terminal."
release=${1:-6.12}
[[ -d $release ]] || release=$(resolve_kernel "$release")
rc=$(mktemp "$BUILD/shell.XXXXXX")
trap 'rm -f "$rc"' EXIT
cat >"$rc" <<EOF
PATH=$BUILD/xdp:$TOP/scripts:\$PATH
PS1='cloak \$(uname -r) \w # '
. $TOP/selftests/lib/wait.sh
. $TOP/selftests/lib/modules.sh
. $TOP/selftests/lib/nvmet.sh
. $TOP/selftests/lib/nvme.sh
alias ls='ls --color=auto'
cat <<'TEXT'
modprobe nvmet_tcp and nvme_tcp load ours; load_intree target|initiator the
kernel's own. ram_disk 64; nvmet_setup x /dev/ram0; nvme_connect x; fio_verify
\$(nvme_device x). The cloak: cloakd, cloakctl. Nothing here touches the files of
the machine. Leave with exit.
TEXT
EOF
"$here/vm.sh" --kernel "$release" --modules ours --mem 2048 --disk 1024 \
	--shell -- bash --rcfile "$rc" -i
