#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots a guest with a given kernel on a copy-on-write view of this machine's
# own files, runs one command in it, and relays output and exit status.
#
# usage: scripts/vm.sh [OPTION...] -- COMMAND [ARGUMENT...]
#   --kernel K     6.1, 6.12, a release, or a built kernel tree (default 6.12)
#   --modules M    ours: modprobe finds our modules; none: the kernel's own
#   --cpus N       processors (default 2; with --icount 1)
#   --mem MIB      memory (default 1024)
#   --timeout S    the guest's whole life in seconds (default 120)
#   --icount       the guest's clock counts instructions, for exact figures; more
#                  than one processor take turns, and the clock counts all
#   --disk MIB     an empty scratch disk, /dev/vda
#   --append ARGS  more words for the kernel command line
#   --log FILE     keep the kernel log there
#   --shell        interactive: COMMAND is run on a terminal
#   --accel A      kvm or tcg; default: kvm where a probe boot works
#   --threads T    of tcg: multi, the guest's processors run at the same time;
#                  single, in turns: much faster where guests share the machine;
#                  auto (default): multi where QEMU is not too old for it
#
# Exit status: that of COMMAND; 125 when the kernel log has a report that must
# not be there, whatever COMMAND said; 124 at the time limit; 123 when the
# guest ended without a word.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/vm/qemu.sh
. "$here/../selftests/vm/qemu.sh"
# shellcheck source=selftests/lib/dmesg.sh
. "$here/../selftests/lib/dmesg.sh"

kernel=6.12 modules=none cpus='' mem=1024 limit=120 icount=no disk='' append=''
log='' interactive=no accel='' threads=auto

usage() {
	sed -n 's/^# \{0,1\}//; /^usage/,/^$/p' "$0" >&2
	exit 2
}

while (($# > 0)); do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--modules) modules=$2; shift ;;
	--cpus) cpus=$2; shift ;;
	--mem) mem=$2; shift ;;
	--timeout) limit=$2; shift ;;
	--icount) icount=yes ;;
	--disk) disk=$2; shift ;;
	--append) append=$2; shift ;;
	--log) log=$2; shift ;;
	--shell) interactive=yes ;;
	--accel) accel=$2; shift ;;
	--threads) threads=$2; shift ;;
	--) shift; break ;;
	*) usage ;;
	esac
	shift
done
(($# > 0)) || usage
[[ -n $cpus || $icount == no ]] || cpus=1
: "${cpus:=2}"
need_command qemu-system-x86_64 qemu-system-x86

locate_kernel "$kernel"
initrd=$BUILD/$RELEASE/initramfs.cpio
"$TOP/selftests/vm/initramfs.sh" "$RELEASE" "$MODULE_ROOT" "$initrd"
override=''
if [[ $modules == ours ]]; then
	override=$("$here/module-tree.sh" "$RELEASE" "$MODULE_ROOT")
fi

run=$(mktemp -d "$BUILD/vm.XXXXXX")
pids=()
finish() {
	((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
	rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

write_command "$run" "$@"
write_settings "$run"
: >"$run/out"
: >"$run/err"
: >"$run/kmsg"
: >"$run/status"
: >"$run/console"
[[ -z $disk ]] || truncate -s "${disk}M" "$run/disk"
[[ -n $accel || $icount == yes ]] || accel=$(choose_accel)
qemu_arguments "$run"

# relay FILE: prints what the guest writes there, while it writes.
relay() { tail -q -s 0.1 --pid="$qemu" -n +1 -f "$1" 2>/dev/null; }

late=no
if [[ $interactive == yes ]]; then
	setpriv --pdeathsig KILL "${QEMU[@]}" || true
else
	setpriv --pdeathsig KILL "${QEMU[@]}" </dev/null >"$run/qemu" 2>&1 &
	qemu=$!
	pids=("$qemu")
	relay "$run/out" &
	relays=("$!")
	relay "$run/err" >&2 &
	relays+=("$!")
	# A sleeper that ends with the guest, or ends it.
	setpriv --pdeathsig KILL timeout "$limit" \
		tail -s 0.2 --pid="$qemu" -f /dev/null || late=yes
	kill "$qemu" 2>/dev/null || true
	wait "$qemu" 2>/dev/null || true
	wait "${relays[@]}" || true
	pids=()
fi

cat "$run/console" "$run/kmsg" >"$run/log"
[[ -z $log ]] || cp "$run/log" "$log"
if ! dmesg_gate "$run/log" >"$run/reports"; then
	say "vm: the kernel of the guest reported:" >&2
	cat "$run/reports" >&2
	exit 125
fi
if [[ $late == yes ]]; then
	say "vm: the time limit of $limit s is over; the kernel said last:" >&2
	tail -n 20 "$run/log" >&2
	exit 124
fi
status=$(<"$run/status")
if [[ ! $status =~ ^[0-9]+$ ]]; then
	say "vm: the guest ended without a word; what it and qemu said last:" >&2
	tail -n 40 "$run/log" >&2
	cat "$run/qemu" 2>/dev/null >&2 || true
	exit 123
fi
exit "$status"
