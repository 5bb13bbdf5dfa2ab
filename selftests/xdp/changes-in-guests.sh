#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What changes around the cloak, and what passes through it, in each supported
# kernel: churn, routers, large frames. The rest of these tests runs on this
# machine only, as an emulated processor takes ten times as long.
#
# where: guest
# timeout: 600
. "$(dirname "$0")/../lib/ktap.sh"

export CLOAK_SLOW=$((${CLOAK_SLOW:-1} * 4))
here=$(dirname "$0")
ktap_test "$here/churn.sh" \
	"the bare host is heard" \
	"native: attached" \
	"native: the interface is renamed" \
	"native: addresses come and go" \
	"native: an interface comes and goes" \
	"native: the daemon is stopped and started, killed and started"
ktap_test "$here/routed.sh" \
	"everybody finds the bare host" \
	"native: attached, a router there" \
	"native: the router resolves the host, and gets nothing else" \
	"native: a client behind it reaches the host" \
	"native: the host reaches the client and an outbound server" \
	"native: the server cannot begin" \
	"native: a stranger behind the router finds nobody"
ktap_test "$here/jumbo.sh" \
	"the bare host answers a stranger" \
	"native: attached, MTU 9000" \
	"native: the largest frames of the peer are answered" \
	"native: a stream of the peer comes back as it was" \
	"native: over IPv6 as well" \
	"native: a stranger's get no answer"
