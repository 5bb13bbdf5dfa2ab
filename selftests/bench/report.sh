#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The benchmark's arithmetic, on figures that are known: ratios, verdicts,
# medians, and whose a function is.
#
# where: host
# timeout: 30
. "$(dirname "$0")/../lib/ktap.sh"

dir=$(mktemp -d)
defer rm -rf "$dir"

# figure PAIR JOB IOPS: a line as a guest prints it.
figure() {
	printf '{"kernel": "6.12.0", "pair": "%s", "job": "%s", "ios": 1000,
		"iops": %d, "p50": 50000, "p99": 60000}\n' "$@" | tr -d '\n'
	echo
}

report() { "$TOP/scripts/bench-report.py" "$@" >"$dir/table"; }

# memory PAIR CONNECTIONS KIB
memory() {
	printf '{"kernel": "6.12.0", "pair": "%s", "connections": %d, "kib": %d}\n' \
		"$@"
}

# row JOB TEXT: is the text in the job's row?
row() { grep "^$1 " "$dir/table" | grep -F -- "$2"; }

# entry JOB PAIR KEY: of the ratios in JSON.
entry() {
	jq --arg job "$1" --arg pair "$2" ".ratios[] |
		select(.job == \$job and .pair == \$pair) | .$3" \
		"$dir/bench.json"
}

{
	figure null/null randread-4k-qd1 100000
	figure intree/intree randread-4k-qd1 10000
	figure intree/intree randread-4k-qd32 10000
	figure intree/intree read-1m-qd4 1000
} >"$dir/peer"
{
	figure ours/ours randread-4k-qd1 12500
	figure ours/intree randread-4k-qd1 9500
	figure ours/ours randread-4k-qd32 19000
	figure ours/ours read-1m-qd4 1004
} >"$dir/ours"
ktap_run "figures are taken" report "$dir" "$dir/peer" "$dir/ours"
ktap_run "instructions are those of an I/O" \
	row randread-4k-qd1 "10,000 / 100,000"
ktap_run "a bar is met to the hundredth" row randread-4k-qd1 "0.800 (0.80 met)"
ktap_run "a bar is missed" row randread-4k-qd32 "0.526 (0.50 MISSED)"
ktap_run "a side alone must not be worse" row randread-4k-qd1 \
	"1.053 (1.00 MISSED)"
ktap_run "without a bar, in-tree is the bar" row read-1m-qd4 "0.996 (1.00 met)"
ktap_run "the sum of it" grep -qx "2 bars met, 2 missed" "$dir/table"
ktap_run "latency at depth 1" row randread-4k-qd1 "50.0         60.0"
ktap_run "JSON has the ratio" test \
	"$(entry randread-4k-qd1 ours/ours ratio)" == 0.8
ktap_run "JSON has the verdict" test \
	"$(entry randread-4k-qd32 ours/ours met)" == false
ktap_run "the chart is XML" /usr/bin/python3 -c \
	"import sys, xml.dom.minidom as m; m.parse(sys.argv[1])" "$dir/bench.svg"

{
	memory intree/intree 100 36000
	memory intree/intree 1000 365000
	memory ours/ours 100 16000
	memory ours/ours 1000 161000
} >"$dir/memory"
mkdir "$dir/of-memory"
ktap_run "memory is taken" report --memory "$dir/of-memory" "$dir/memory"
ktap_run "of each connection, by pair" row 1,000 "365,000 / 365  161,000 / 161"

figure ours/ours randread-4k-qd1 20000 >"$dir/ours"
ktap_run "a run without the in-tree pair" report "$dir" "$dir/ours"
ktap_run "is compared with the last that had it" \
	row randread-4k-qd1 "0.500 (0.80 met)"
ktap_run "and shows no job that was not run" \
	bash -c "! grep -q 'qd32' '$dir/table'"

for iops in 20000 10000 90000; do
	figure ours/ours randread-4k-qd1 "$iops"
done >"$dir/ours"
ktap_run "several rounds" report --wall "$dir" "$dir/ours"
ktap_run "come to their median and spread" \
	row randread-4k-qd1 "20,000 +-200% / 50"

{
	figure ours/ours randread-4k-qd1 20000
	# 75 and 25 samples of 50,000 instructions
	echo "@ randread-4k-qd1 fio;sys_x;queue_rq[nvme_tcp];tcp_sendmsg 75"
	echo "@ randread-4k-qd1 kworker;run;queue_rq[nvme_tcp];tcp_ack;work[nvmet_tcp] 25"
} >"$dir/ours"
"$TOP/scripts/bench-profile.py" "$dir" 9 "$dir/ours" >"$dir/table" || true
ktap_run "a callee's samples are its caller's side" \
	grep -qE '^ +37500 +37500  initiator +tcp_sendmsg$' "$dir/table"
ktap_run "the innermost module decides" \
	grep -qE '^ +12500 +12500  target +work\[nvmet_tcp\]$' "$dir/table"
ktap_run "callers have the sum" grep -qE '^ +50000  queue_rq\[nvme_tcp\]$' \
	"$dir/table"
ktap_run "stacks are kept" grep -q 'tcp_sendmsg 75$' \
	"$dir/6.12.0_ours-ours_randread-4k-qd1.folded"
