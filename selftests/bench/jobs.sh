# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The jobs of the benchmark. A job's name says all about it,
#
#	RW-SIZE-qdDEPTH[-digest][-poll]    randread-4k-qd32-digest
#
# where RW is one of fio's, or mixed: 70 % random reads, 30 % random writes. To
# be sourced.

BENCH_PAIRS=(
	null/null intree/intree ours/ours ours/intree intree/ours
)

BENCH_JOBS=(
	randread-512-qd32 randwrite-512-qd32
	randread-4k-qd1 randwrite-4k-qd1
	randread-4k-qd32 randwrite-4k-qd32 mixed-4k-qd32
	randread-4k-qd128 randwrite-4k-qd128
	read-128k-qd16 write-128k-qd16
	read-1m-qd4 write-1m-qd4
	randread-4k-qd1-digest randwrite-4k-qd1-digest
	randread-4k-qd32-digest randwrite-4k-qd32-digest
	read-128k-qd16-digest write-128k-qd16-digest
)

# Those that the wall clock has the time for.
BENCH_WALL_JOBS=(
	randread-4k-qd1 randread-4k-qd32 randwrite-4k-qd32
	read-128k-qd16 write-128k-qd16 randread-4k-qd32-digest
)

# job_has JOB WORD: is the word one of its name?
job_has() { [[ -$1- == *-$2-* ]]; }

# job_connect JOB: the options of nvme connect that it takes.
job_connect() {
	! job_has "$1" digest || echo --hdr-digest --data-digest
	! job_has "$1" poll || echo --nr-poll-queues=1
}

# job_ios BYTES: as many I/Os as make a figure stable to some parts in a
# thousand, with a clock that fio reads in milliseconds.
job_ios() { echo $((16000 * 32768 / (32768 + $1))); }

# job_fio JOB: the options of fio, but for how long it runs.
job_fio() {
	local rw size depth
	IFS=- read -r rw size depth _ <<<"$1"
	[[ $rw != mixed ]] || rw='randrw --rwmixread=70'
	echo "--name=$1 --rw=$rw --bs=$size --iodepth=${depth#qd}"
	! job_has "$1" poll || echo --hipri
}
