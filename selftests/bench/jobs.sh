# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The jobs of the benchmark. A job's name says all about it,
#
#	RW-SIZE-qdDEPTH[-qQUEUES][-digest][-poll]    randread-4k-qd32-digest
#
# where RW is one of fio's, or mixed: 70 % random reads, 30 % random writes.
# With QUEUES, as many processors do that, each over a queue of its own. To be
# sourced.

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
	randread-4k-qd1-poll randread-4k-qd32-poll
	randread-4k-qd32-q16 randwrite-4k-qd32-q16
)

# Those that the wall clock has the time for.
BENCH_WALL_JOBS=(
	randread-4k-qd1 randread-4k-qd32 randwrite-4k-qd32
	read-128k-qd16 write-128k-qd16 randread-4k-qd32-digest
)

# Numbers of connections whose memory is asked for; of fewer it is less than
# what the machine needs now and then for itself.
BENCH_CONNECTIONS=(20 100 1000)

# job_has JOB WORD: is the word one of its name?
job_has() { [[ -$1- == *-$2-* ]]; }

# job_queues JOB: I/O queues, and processors that the guest needs for them.
job_queues() {
	local queues=1
	[[ ! $1- =~ -q([0-9]+)- ]] || queues=${BASH_REMATCH[1]}
	echo "$queues"
}

# job_connect JOB: the options of nvme connect that it takes.
job_connect() {
	! job_has "$1" digest || echo --hdr-digest --data-digest
	! job_has "$1" poll || echo --nr-poll-queues=1
	[[ $(job_queues "$1") == 1 ]] ||
		echo "--nr-io-queues=$(job_queues "$1")"
}

# job_ios BYTES: as many I/Os as make a figure stable to some parts in a
# thousand, with a clock that fio reads in milliseconds.
job_ios() { echo $((16000 * 32768 / (32768 + $1))); }

# job_is_of_disk JOB: it does without NVMe/TCP.
job_is_of_disk() { ! job_has "$1" digest && ! job_has "$1" poll; }

# spread_over QUEUES: a process for each, on a processor of its own.
spread_over() {
	echo "--numjobs=$1 --cpus_allowed=0-$(($1 - 1)) --cpus_allowed_policy=split"
}

# job_fio JOB: the options of fio, but for how long it runs.
job_fio() {
	local rw size depth
	IFS=- read -r rw size depth _ <<<"$1"
	[[ $rw != mixed ]] || rw='randrw --rwmixread=70'
	echo "--name=$1 --rw=$rw --bs=$size --iodepth=${depth#qd}"
	[[ $(job_queues "$1") == 1 ]] || spread_over "$(job_queues "$1")"
	! job_has "$1" poll || echo --hipri
}
