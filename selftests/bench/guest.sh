#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The half of the benchmark that runs in a guest: both ends and fio in one
# kernel, over loopback, on a null_blk that keeps no data.
#
# usage (by scripts/bench.sh): guest.sh [OPTION...] PAIR... -- JOB...
#   PAIR         INITIATOR/TARGET, each ours or intree; or null/null, which is
#                the disk itself
#   --seconds S  each job takes so long; without it, a number of I/Os
#   --scheduler  of the disk, instead of the driver's default
#   --profile    after each job once more, under perf
#
# Prints a line of JSON for each job, and of a profile the stacks, root first,
# each after '@ JOB' and before the number of its samples; 'end' at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# The clock does not wait for the disk of the machine: limits mean little.
export CLOAK_SLOW=100
# shellcheck source=selftests/bench/jobs.sh
. "$here/jobs.sh"
# shellcheck source=selftests/lib/wait.sh
. "$here/../lib/wait.sh"
# shellcheck source=selftests/lib/modules.sh
. "$here/../lib/modules.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$here/../lib/nvmet.sh"
# shellcheck source=selftests/lib/nvme.sh
. "$here/../lib/nvme.sh"

NQN=nqn.2026-01.net.cloaklake:bench
DISK=/dev/nullb0
seconds='' scheduler='' profile=no pairs=()

# pair_up INITIATOR/TARGET
pair_up() {
	device=$DISK connected=none
	[[ $1 != null/null ]] || return 0
	load "${1#*/}" target
	load "${1%/*}" initiator
	nvmet_setup $NQN $DISK
}

pair_down() {
	[[ $1 != null/null ]] || return 0
	nvme_disconnect $NQN >/dev/null
	nvmet_clear
	unload initiator
	unload target
}

# device_for PAIR JOB: sets device, connected as the job needs it. What a new
# connection pays once, as growing windows and pools, is paid here.
device_for() {
	local options
	options=$(job_connect "$2")
	[[ $1 != null/null && $options != "$connected" ]] || return 0
	[[ $connected == none ]] || nvme_disconnect $NQN >/dev/null
	# shellcheck disable=SC2086 # the options are words
	nvme_connect $NQN 127.0.0.1 4420 $options >/dev/null
	connected=$options
	device=$(nvme_device $NQN)
	[[ -z $scheduler ]] ||
		echo "$scheduler" | tee /sys/block/nvme*c*n*/queue/scheduler \
			>/dev/null
	run_fio randrw-64k-qd64 --number_ios=1500
	run_fio randrw-4k-qd128 --number_ios=1500
}

# run_fio JOB OPTION...: its report is then in /run/fio.json.
run_fio() {
	# shellcheck disable=SC2046 # the options are words
	fio --ioengine=io_uring $(job_fio "$1") --filename="$device" \
		--direct=1 --size=3g --norandommap --randrepeat=1 \
		--lat_percentiles=1 --clat_percentiles=0 \
		--output-format=json --output=/run/fio.json "${@:2}"
}

# length_of JOB: the options of fio that say how long it runs. Where processes
# take turns all run for the same time, or some would have the machine for
# themselves.
length_of() {
	local size
	size=$(cut -d- -f2 <<<"$1")
	if [[ -n $seconds || $(job_queues "$1") != 1 ]]; then
		echo "--time_based --runtime=${seconds:-2}"
	else
		echo "--number_ios=$(job_ios "$(numfmt --from=iec "${size^^}")")"
	fi
}

# figures PAIR JOB: a line of JSON from fio's report.
figures() {
	jq -c --arg kernel "$(uname -r)" --arg pair "$1" --arg job "$2" '
		[.jobs[] | [.read, .write] | map(select(.total_ios > 0)) |
		 {ios: (map(.total_ios) | add), ms: (map(.runtime) | max),
		  lat: .[0].lat_ns.percentile}] |
		{$kernel, $pair, $job, ios: (map(.ios) | add),
		 iops: (map(.ios * 1000 / .ms) | add),
		 p50: .[0].lat."50.000000",
		 p99: .[0].lat."99.000000"}' /run/fio.json
}

# profile_job JOB OPTION...: perf counts while fio does I/O, not before or
# after that. A single clock may be in step with the I/Os, and would then catch
# the same part of each.
profile_job() {
	local job=$1 clocks=cpu-clock/freq=1789/ hertz
	for hertz in 1973 2179 2381 2591; do
		clocks+=,cpu-clock/freq=$hertz/
	done
	rm -f /run/perf.{control,ack}
	mkfifo /run/perf.{control,ack}
	perf record -q -a -g -e "$clocks" -o /run/perf.data -D -1 \
		--control fifo:/run/perf.control,/run/perf.ack -- \
		"$0" --profiled "$device" "$@"
	perf script -i /run/perf.data -F comm,ip,sym,dso 2>/dev/null |
		awk -v job="$job" -f "$here/fold.awk"
}

# profiled DEVICE JOB OPTION...: what perf runs.
profiled() {
	local switch='echo %s >/run/perf.control; read -r _ </run/perf.ack'
	device=$1
	# shellcheck disable=SC2059 # the format is a constant
	run_fio "${@:2}" --exec_prerun="$(printf "$switch" enable)" \
		--exec_postrun="$(printf "$switch" disable)"
}

# bench PAIR JOB...
bench() {
	local pair=$1 job
	shift
	pair_up "$pair"
	for job in "$@"; do
		[[ $pair != null/null ]] || job_is_of_disk "$job" || continue
		device_for "$pair" "$job"
		# shellcheck disable=SC2046 # the options are words
		run_fio "$job" $(length_of "$job")
		figures "$pair" "$job"
		[[ $profile == no ]] ||
			profile_job "$job" "$(length_of "$job")"
	done
	pair_down "$pair"
}

while (($# > 0)); do
	case $1 in
	--seconds) seconds=$2; shift ;;
	--scheduler) scheduler=$2; shift ;;
	--profile) profile=yes ;;
	--profiled) shift; profiled "$@"; exit ;;
	--) shift; break ;;
	*) pairs+=("$1") ;;
	esac
	shift
done
until udevadm settle; do :; done
modprobe null_blk memory_backed=0 queue_mode=2 irqmode=0 \
	submit_queues="$(nproc)"
for pair in "${pairs[@]}"; do
	bench "$pair" "$@"
done
echo end
