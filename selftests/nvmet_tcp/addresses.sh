#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Ports on one address, on any address, in both families and several at once;
# what discovery tells of them; and what becomes of addresses that cannot be.
#
# where: guest
# kernels: 6.1 6.12
# modules: ours
# timeout: 240
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/modules.sh"
. "$KTAP_LIB/nvmet.sh"
. "$KTAP_LIB/nvme.sh"

nqn=nqn.2026-01.net.cloaklake:addresses

load_ours target
load_intree initiator
ram_disk 32
nvmet_subsys $nqn
nvmet_ns $nqn 1 /dev/ram0
defer nvmet_clear

# serves ADDRESS SERVICE SHOWN: connects there, and discovery shows SHOWN.
serves() {
	local log
	log=$(within 30 nvme discover -t tcp -a "$1" -s "$2")
	grep -A9 "subnqn: *$nqn\$" <<<"$log" | grep -q "traddr: *$3\$" ||
		{ echo "$log"; return 1; }
	nvme_connect $nqn "$1" "$2"
	fio_verify "$(nvme_device $nqn)" --size=1m
	nvme_disconnect $nqn
	wait_while 10 nvme_subsystem $nqn
}

# refused ID: the port does not come up.
refused() {
	if nvmet_link "$1" $nqn; then
		return 1
	fi
	rmdir "$NVMET/ports/$1"
}

ip addr add 192.0.2.1/24 dev lo
ip addr add 2001:db8::1/64 dev lo nodad

nvmet_port 1 127.0.0.1 4420
nvmet_link 1 $nqn
nvmet_port 2 ::1 4420
nvmet_link 2 $nqn
nvmet_port 3 0.0.0.0 4421
nvmet_link 3 $nqn
nvmet_port 4 :: 4422
nvmet_link 4 $nqn
ktap_run "IPv4 address" serves 127.0.0.1 4420 127.0.0.1
ktap_run "IPv6 address" serves ::1 4420 ::1
ktap_run "any IPv4 address is the one that was reached" \
	serves 192.0.2.1 4421 192.0.2.1
ktap_run "any IPv6 address is the one that was reached" \
	serves 2001:db8::1 4422 2001:db8::1
ktap_run "any IPv6 address serves IPv4 as well" \
	serves 192.0.2.1 4422 ::ffff:192.0.2.1

nvmet_port 5 127.0.0.1 4420
ktap_run "an address that is in use is refused" refused 5
nvmet_port 5 203.0.113.9 4420
ktap_run "an address of another host is refused" refused 5
nvmet_port 5 no-address 4420
ktap_run "what is no address is refused" refused 5
nvmet_port 5 127.0.0.1 4420
echo ipv6 >$NVMET/ports/5/addr_adrfam
ktap_run "an address of the other family is refused" refused 5
if [[ -e $NVMET/ports/1/addr_tsas ]]; then
	nvmet_port 5 127.0.0.1 4430 addr_tsas=tls1.3
	ktap_run "a port that is to have TLS is refused" refused 5
fi
ktap_run "the others still serve" serves 127.0.0.1 4420 127.0.0.1
