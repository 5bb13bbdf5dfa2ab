#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the target sends, judged by somebody who knows nothing of it: the NVMe/TCP
# dissector of tshark. No PDU may be malformed, and no digest wrong.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:judge
capture=/run/judge.pcap

ktap_need_commands tshark tcpdump
load_ours target
load_intree initiator
ram_disk 32
nvmet_setup $nqn /dev/ram0
defer nvmet_clear

# record COMMAND...: what is on the wire meanwhile.
record() {
	local dump status=0
	rm -f $capture
	tcpdump -i lo -s 0 -B 65536 -U -w $capture 'tcp port 4420' 2>/run/dump &
	dump=$!
	wait_until 20 test -s $capture
	# In "$@" || ... no command but the last one could fail.
	"$@" &
	wait $! || status=$?
	kill -INT $dump
	wait $dump || true
	if ! grep -q '^0 packets dropped' /run/dump; then
		cat /run/dump
		return 1
	fi
	return $status
}

exchange() {
	local size total=512k jobs=()
	! slow_kernel || total=128k
	for size in 512 16k 64k; do
		jobs+=(--name="blocks-of-$size" --bs="$size" --size="$total"
			--stonewall)
	done
	nvme_connect $nqn 127.0.0.1 4420 --nr-io-queues=1 "$@"
	fio_run "$(nvme_device $nqn)" "${fio_verified[@]}" --iodepth=4 \
		"${jobs[@]}"
	nvme_disconnect $nqn
}

dissect() {
	tshark -n -r $capture -d tcp.port==4420,nvme-tcp \
		-o tcp.check_checksum:FALSE \
		-o nvme-tcp.check_hdgst:TRUE -o nvme-tcp.check_ddgst:TRUE \
		-T fields -e nvme-tcp.type -e nvme-tcp.hdgst.status \
		-e nvme-tcp.ddgst.status -e _ws.malformed -Y nvme-tcp
}

# clean OPTION...: an exchange with these options, without a word of blame.
clean() {
	local verdict
	record exchange "$@"
	verdict=$(dissect)
	echo "PDUs seen: $(wc -l <<<"$verdict")"
	(($(wc -l <<<"$verdict") > 100))
	not grep -qiE 'malformed|bad|incorrect' <<<"$verdict"
}

ktap_run "without digests" clean
ktap_run "with header digests" clean --hdr-digest
ktap_run "with data digests" clean --data-digest
ktap_run "with both digests and without SQ flow control" \
	clean --hdr-digest --data-digest --disable-sqflow
