#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What connections cost that do nothing: the machine's memory with and without
# them, both ends and their sockets included. A controller has two of them, the
# admin queue and an I/O queue of 128 entries. There is no namespace, for what
# the block layer needs for a disk is not asked for here.
#
# usage (by scripts/bench.sh): memory.sh PAIR... -- CONNECTIONS...
#   PAIR   INITIATOR/TARGET, each ours or intree
#
# Prints a line of JSON for each number of connections; 'end' at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/lib/wait.sh
. "$here/../lib/wait.sh"
# shellcheck source=selftests/lib/memory.sh
. "$here/../lib/memory.sh"
# shellcheck source=selftests/lib/modules.sh
. "$here/../lib/modules.sh"
# shellcheck source=selftests/lib/nvmet.sh
. "$here/../lib/nvmet.sh"

NQN=nqn.2026-01.net.cloaklake:memory
pairs=()

# controllers: those that exist, live.
controllers() { grep -lx live /sys/class/nvme/nvme*/state 2>/dev/null | wc -l; }
controllers_are() { (($(controllers) == $1)); }

# connect COUNT: so many controllers, past nvme-cli, which takes longer.
connect() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo "transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=$NQN,\
nr_io_queues=1,queue_size=128,keep_alive_tmo=120,duplicate_connect" \
			>/dev/nvme-fabrics
	done
	wait_until 60 controllers_are "$1"
}

disconnect() {
	local dir
	for dir in /sys/class/nvme/nvme*; do
		echo 1 >"$dir/delete_controller"
	done
	wait_until 60 controllers_are 0
}

# measure PAIR CONNECTIONS
measure() {
	local before count=$((($2 + 1) / 2))
	before=$(free_kib)
	connect $count
	jq -nc --arg kernel "$(uname -r)" --arg pair "$1" \
		--argjson connections $((2 * count)) \
		--argjson kib $((before - $(free_kib))) \
		'{$kernel, $pair, $connections, $kib}'
	disconnect
}

while [[ $1 != -- ]]; do
	pairs+=("$1")
	shift
done
shift
for pair in "${pairs[@]}"; do
	load "${pair#*/}" target
	load "${pair%/*}" initiator
	nvmet_subsys $NQN
	nvmet_port 1
	nvmet_link 1 $NQN
	# What exists once only is there from the first on.
	connect 1
	disconnect
	for connections in "$@"; do
		measure "$pair" "$connections"
	done
	nvmet_clear
	unload initiator
	unload target
done
echo end
