#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What matters most of the tests of the daemon, in each supported kernel: its
# life and death, real scans, policies on trial, real receivers. The rest of
# them runs on this machine only, as an emulated processor takes ten times as
# long.
#
# where: guest
# timeout: 900
. "$(dirname "$0")/../lib/ktap.sh"

export CLOAK_SLOW=$((${CLOAK_SLOW:-1} * 4))
here=$(dirname "$0")
ktap_test "$here/daemon-outlived.sh" \
	"hidden" \
	"hidden when the daemon was killed" \
	"status and drops without a daemon" \
	"a newcomer while no daemon runs" \
	"taken over by the next daemon" \
	"what the first missed the next tells" \
	"no gap and no counter lost" \
	"hidden when the interface is renamed" \
	"hidden when the daemon was stopped" \
	"off without a daemon" \
	"the scanner sees the host again" \
	"on without a daemon, by options" \
	"hidden by options" \
	"hidden while the BPF file system is mounted anew" \
	"and while another one is mounted over it"
ktap_test "$here/daemon-alerts.sh" \
	"without a cloak the scanner sees the host" \
	"ping" \
	"SYN scan" \
	"UDP scan" \
	"XMAS scan" \
	"a port scan is called so" \
	"events have the shape of EVE"
ktap_test "$here/policy-changes.sh" \
	"what nobody confirms is undone" \
	"what is confirmed stays" \
	"a daemon that is killed has undone nothing yet" \
	"the next daemon undoes it"
ktap_test "$here/exporters.sh" \
	"flows to nfcapd" \
	"flows to nfacctd" \
	"flows over TLS" \
	"alerts to rsyslog" \
	"numbers for Prometheus"
