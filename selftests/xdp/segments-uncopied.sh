#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a cloaked host sends by TCP leaves as the stack has made it: the egress
# half looks at the headers where they are, and copies no payload to them. The
# peer takes such segments only.
#
# where: host
# guests: yes
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"
. "$KTAP_LIB/netns.sh"
. "$KTAP_LIB/cloakd.sh"
ktap_need_commands jq socat tc
uncopied=$TOP/build/xdp/tests/uncopied.bpf.o
ktap_need "build/xdp/tests/uncopied.bpf.o (make -C xdp tests)" \
	test -e "$uncopied"

LAKE6=fd00:9::5
PEER6=fd00:9::10
SIZE=8000000

# offers FAMILY PORT: the lake sends so much to whoever connects.
offers() {
	head -c "$SIZE" /dev/zero |
		in_ns lake timeout 60 socat -u - "TCP$1-LISTEN:$2,reuseaddr" &
	wait_until 10 listens "$2"
}

listens() { in_ns lake ss -Hltn "sport = :$1" | grep -q .; }

# takes FAMILY ADDRESS PORT: the peer gets all of it.
takes() {
	offers "$1" "$3"
	(($(in_ns peer timeout 30 socat -u "TCP$1:$2:$3" - | wc -c) == SIZE))
}

only_uncopied() {
	in_ns peer tc qdisc add dev eth0 clsact
	in_ns peer tc filter add dev eth0 ingress bpf da obj "$uncopied" sec tc
}

cloak_lab
netns_addr lake eth0 "$LAKE6/64"
netns_addr peer eth0 "$PEER6/64"
cloakd_policy | sed "s/^prefixes = .*/prefixes = [\"$PEER\", \"$PEER6\"]/" \
	>"$WORK/policy.toml"
cloakd_start
ktap_run "the peer takes no other segments" only_uncopied
ktap_run "IPv4" takes 4 "$LAKE" 7004
ktap_run "IPv6" takes 6 "[$LAKE6]" 7006
