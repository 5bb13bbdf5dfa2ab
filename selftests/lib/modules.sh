# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Loading either implementation in a guest. SIDE is initiator or target, WHO is
# ours or intree. To be sourced.

# module_of SIDE: module name with a dash, as its file is called.
module_of() {
	case $1 in
	initiator) echo nvme-tcp ;;
	target) echo nvmet-tcp ;;
	*) echo "no such side: $1" >&2; return 1 ;;
	esac
}

# load_ours SIDE [PARAMETER=VALUE...]
load_ours() {
	local name
	name=$(module_of "$1") || return
	shift
	load_prerequisites "$name" &&
		insmod "${CLOAK_MODULES:?}/$name.ko" "$@"
}

# load_intree SIDE [PARAMETER=VALUE...]: the one that came with the kernel,
# also where modprobe would find ours.
load_intree() {
	local name file
	name=$(module_of "$1") || return
	shift
	file=$(find "/lib/modules/$(uname -r)/kernel/" -name "$name.ko*" \
		-print -quit)
	[[ -n $file ]] || { echo "this kernel has no $name" >&2; return 1; }
	load_prerequisites "$name" || return
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -qdc "$file" ;;
	*) cat "$file" ;;
	esac >"/run/$name.ko" && insmod "/run/$name.ko" "$@"
}

# load_prerequisites MODULE: what either implementation of it builds upon.
load_prerequisites() {
	case $1 in
	nvme-tcp) modprobe nvme-fabrics && modprobe -qa libcrc32c crc32c-intel ;;
	nvmet-tcp) modprobe nvmet && modprobe -qa libcrc32c crc32c-intel ;;
	esac
	return 0
}

# load WHO SIDE [PARAMETER=VALUE...]
load() {
	local who=$1
	shift
	"load_$who" "$@"
}

# unload SIDE: waits for the last user to go.
unload() {
	local name i
	name=$(module_of "$1") || return
	for ((i = 0; i < 100; i++)); do
		[[ -d /sys/module/${name//-/_} ]] || return 0
		rmmod "$name" 2>/dev/null && return
		sleep 0.1
	done
	rmmod "$name"
}
