#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Stops the build for a kernel whose configuration lacks what the modules need,
# with one sentence for the first symbol that is missing.
#
# usage: scripts/check-config.sh RELEASE KDIR
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

release=$1 config=$2/include/config/auto.conf

# symbols: one a line, with what it is for.
symbols() {
	cat <<-'EOF'
	CONFIG_MODULES kernels without modules cannot load ours
	CONFIG_MODULE_UNLOAD ours could not replace the ones in the kernel
	CONFIG_BLOCK NVMe is a block device
	CONFIG_INET NVMe/TCP runs over TCP
	CONFIG_CONFIGFS_FS targets are set up by configfs
	CONFIG_NVME_CORE the initiator is a transport of nvme-core
	CONFIG_NVME_FABRICS the initiator is connected through nvme-fabrics
	CONFIG_NVME_TARGET the target is a transport of nvmet
	CONFIG_CRC32 CRC32C checksums protect headers and data
	CONFIG_CRYPTO_CRC32C CRC32C checksums protect headers and data
	EOF
}

[[ -r $config ]] ||
	die "$2 is not prepared for building modules: run 'make -C $2" \
		"modules_prepare' there, or reinstall linux-headers-$release."

# A transport cannot be a module of ours where the kernel has it built in.
for symbol in CONFIG_NVME_TCP CONFIG_NVME_TARGET_TCP; do
	! grep -qx "$symbol=y" "$config" ||
		die "kernel $release has $symbol built in, so ours cannot take" \
			"its place: use a kernel that has it as a module."
done

while read -r symbol why; do
	grep -qE "^$symbol=[ym]$" "$config" ||
		die "kernel $release is built without $symbol, but $why: use a" \
			"kernel that has it."
done < <(symbols)
