#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures these modules against the kernel's own, both ends in one guest.
# Documentation/performance.rst says what the figures mean.
#
# usage: scripts/bench.sh [OPTION...]
#   --kernel K      only this one: 6.1, 6.12 or a release
#   --pairs WORDS   INITIATOR/TARGET, each ours or intree; by default all four,
#                   and null/null, the disk itself
#   --jobs WORDS    as listed in selftests/bench/jobs.sh, or named like those
#   --scheduler S   I/O scheduler of the disk, instead of the driver's default
#   --profile       which functions the instructions go to, of each job
#   --memory        what connections cost that do nothing, instead of jobs
#   --wall          by the clock on the wall, two processors, the pairs in turns
#   --rounds N      of those (default 5)
#   --seconds S     of each job in a round (default 3)
#
# Results go to build/bench, build/bench-wall, build/bench-memory, or
# build/bench-S: bench.txt, bench.json, bench.svg, and of a profile profile.txt and
# folded stacks. In-tree figures stay there, for runs without that pair.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/bench/jobs.sh
. "$here/../selftests/bench/jobs.sh"

kernels=("${SERIES[@]}") pairs=() jobs=() profile=no mode=jobs rounds=5 seconds=3
scheduler=''
while (($# > 0)); do
	case $1 in
	--kernel) kernels=("$2"); shift ;;
	--pairs) read -ra pairs <<<"$2"; shift ;;
	--jobs) read -ra jobs <<<"$2"; shift ;;
	--scheduler) scheduler=$2; shift ;;
	--profile) profile=yes ;;
	--memory) mode=memory ;;
	--wall) mode=wall ;;
	--rounds) rounds=$2; shift ;;
	--seconds) seconds=$2; shift ;;
	*) sed -n 's/^# \{0,1\}//; /^usage/,/^$/p' "$0" >&2; exit 2 ;;
	esac
	shift
done
out=$BUILD/bench${scheduler:+-$scheduler}
[[ $mode == jobs ]] || out=$BUILD/bench-$mode

# guest KERNEL FILE OPTION... -- ARGUMENT...: what the guest prints, in FILE.
guest() {
	local kernel=$1 file=$2 program=guest.sh options=()
	[[ $mode != memory ]] || program=memory.sh
	shift 2
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	"$here/vm.sh" --kernel "$kernel" --mem 2048 --timeout 3600 \
		"${options[@]}" -- "$TOP/selftests/bench/$program" "${@:2}" \
		>"$file" 2>"$out/errors" && grep -qx end "$file" && return
	cat "$out/errors" >&2
	die "the guest with $kernel failed."
}

# queue_counts: those of the jobs, each once.
queue_counts() {
	local job
	for job in "${jobs[@]}"; do
		job_queues "$job"
	done | sort -nu
}

# jobs_over QUEUES: the jobs with so many.
jobs_over() {
	local job
	for job in "${jobs[@]}"; do
		[[ $(job_queues "$job") != "$1" ]] || echo "$job"
	done
}

# measure_memory KERNEL: a guest for each pair.
measure_memory() {
	local pair
	for pair in "${pairs[@]}"; do
		say "bench: memory, $1, ${pair%/*} initiator, ${pair#*/} target" >&2
		guest "$1" "$out/raw/$1.${pair/\//-}" -- \
			"$pair" -- "${BENCH_CONNECTIONS[@]}"
	done
}

# measure KERNEL: guests for each pair, whose clocks count instructions, with as
# many processors as the jobs have queues.
measure() {
	local pair cpus those options=()
	[[ $profile == no ]] || options+=(--profile)
	[[ -z $scheduler ]] || options+=(--scheduler "$scheduler")
	for pair in "${pairs[@]}"; do
		say "bench: $1, ${pair%/*} initiator, ${pair#*/} target" >&2
		for cpus in $(queue_counts); do
			mapfile -t those < <(jobs_over "$cpus")
			guest "$1" "$out/raw/$1.${pair/\//-}.$cpus" --icount \
				--cpus "$cpus" -- \
				"${options[@]}" "$pair" -- "${those[@]}"
		done
	done
}

# measure_wall KERNEL: one guest, the pairs in turns.
measure_wall() {
	local turns=() i
	for ((i = 0; i < rounds; i++)); do
		turns+=("${pairs[@]}")
	done
	say "bench: $1, $rounds rounds of ${pairs[*]}" >&2
	guest "$1" "$out/raw/$1" --cpus 2 --threads multi -- \
		--seconds "$seconds" "${turns[@]}" -- "${jobs[@]}"
}

case $mode in
jobs) all_pairs=("${BENCH_PAIRS[@]}") all_jobs=("${BENCH_JOBS[@]}") ;;
*) all_pairs=(intree/intree ours/ours) all_jobs=("${BENCH_WALL_JOBS[@]}") ;;
esac
((${#pairs[@]} > 0)) || pairs=("${all_pairs[@]}")
((${#jobs[@]} > 0)) || jobs=("${all_jobs[@]}")
rm -rf "$out/raw"
mkdir -p "$out/raw"
for kernel in "${kernels[@]}"; do
	case $mode in
	jobs) measure "$kernel" ;;
	*) "measure_$mode" "$kernel" ;;
	esac
done
report=()
[[ $mode == jobs ]] || report=("--$mode")
"$here/bench-report.py" "${report[@]}" "$out" "$out"/raw/* |
	tee "$out/bench.txt"
[[ $profile == no ]] || "$here/bench-profile.py" "$out/profile" 25 \
	"$out"/raw/* | tee "$out/profile.txt"
