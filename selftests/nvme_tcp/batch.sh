#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Capsules of a busy queue go out together, those of a quiet one at once, and
# none is forgotten, whatever the depth does meanwhile.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 300
# alone: yes
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:batch
parameters=/sys/module/nvme_tcp/parameters

load_ours target
load_ours initiator
defer nvmet_clear
ram_disk 64
nvmet_setup $nqn /dev/ram0

# counter NAME: of the one I/O queue.
counter() {
	awk -v n="$1" '$1 == n { print $2 }' \
		/sys/kernel/debug/nvme_tcp/nvme*/queue1/stats
}

goal() {
	awk '$1 == "batch_goal" { print $2 }' \
		/sys/kernel/debug/nvme_tcp/nvme*/queue1/state
}

# sends_for DEPTH: sends, in percent of the commands, of 4 KiB reads.
sends_for() {
	local capsules sends
	capsules=$(counter tx_capsules) sends=$(counter tx_sends)
	fio --name=x --filename="$dev" --direct=1 --ioengine=io_uring \
		--rw=randread --bs=4k --size=32m --norandommap \
		--number_ios=4000 --iodepth="$1" >/dev/null
	capsules=$(($(counter tx_capsules) - capsules))
	sends=$(($(counter tx_sends) - sends))
	echo "depth $1: $capsules capsules in $sends sends" >&2
	((capsules >= 4000)) && echo $((sends * 100 / capsules))
}

alone_at_once() {
	local percent
	percent=$(sends_for 1)
	((percent >= 99)) && [[ $(goal) -le 2 ]]
}

goal_above() { (($(goal) > $1)); }

# Company is given the time that it needs in a slow guest. As the queue calms
# down the goal falls, so it is looked at before. In a debug kernel one command
# takes longer than company may be waited for at all: there they leave together
# mostly where they come together, and the goal hardly rises.
together() {
	local usecs fio least=2 bar=25
	! slow_kernel || least=1 bar=50
	usecs=$(<$parameters/batch_usecs)
	echo 1000 >$parameters/batch_usecs
	fio --name=x --filename="$dev" --direct=1 --ioengine=io_uring \
		--rw=randread --bs=4k --size=32m --iodepth=64 --time_based \
		--runtime=600 >/dev/null &
	fio=$!
	# shellcheck disable=SC2064 # as they are now
	trap "echo $usecs >$parameters/batch_usecs; kill $fio" EXIT
	wait_until 30 goal_above $least
	(($(sends_for 64) <= bar))
}

# The goal is high; one command at a time must neither wait for company for
# ever, nor for long.
quiet_again() {
	local us
	sends_for 64 >/dev/null
	sends_for 1 >/dev/null
	[[ $(goal) -le 2 ]]
	us=$(fio --name=x --filename="$dev" --direct=1 --rw=randread --bs=4k \
		--size=32m --number_ios=2000 --output-format=json |
		jq '.jobs[0].read.lat_ns.percentile // .jobs[0].read.clat_ns.percentile |
			."50.000000" / 1000 | floor')
	echo "median $us us" >&2
	((us < 20000))
}

# switched_off PARAMETER VALUE: what is submitted at once still goes together.
switched_off() {
	local was
	was=$(<$parameters/"$1")
	echo "$2" >$parameters/"$1"
	sends_for 64 >/dev/null
	echo "$was" >$parameters/"$1"
	[[ $(goal) == 1 ]]
}

# Depths that change all the time, over several jobs that share the queue.
restless() {
	fio --name=x --filename="$dev" --direct=1 --ioengine=io_uring \
		--rw=randrw --bsrange=512-64k --blockalign=512 --iodepth=32 \
		--thinktime=2000 --thinktime_blocks=33 --numjobs=4 --size=4m \
		--offset_increment=8m --verify=crc32c --verify_fatal=1 \
		--verify_backlog=32 --group_reporting >/dev/null
}

no_scheduler() {
	grep -q '\[none\]' /sys/block/nvme*c*n*/queue/scheduler
}

nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=1
dev=$(nvme_device $nqn)
ktap_run "one queue has no I/O scheduler in front of it" no_scheduler
ktap_run "at depth 1 every capsule leaves at once" alone_at_once
ktap_run "at depth 64 they leave together" together
ktap_run "a queue that calms down sends at once again" quiet_again
ktap_run "batch=1 sends each at once" switched_off batch 1
ktap_run "batch_usecs=0 sends each at once" switched_off batch_usecs 0
ktap_run "depths that change, verified" restless
ktap_run "small answers are taken without waking the worker" \
	test "$(counter rx_direct_rounds)" -gt 1000
nvme_disconnect $nqn
ktap_run "the modules unload" unload initiator
