#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What reads text or records of others survives anything, with sanitizers: the
# policy and what is told of two of them, one on trial, the control protocol,
# the events, and flows to learn from. FUZZ_SECONDS says how long each may look
# (default 10).
#
# where: host
# timeout: 900
. "$(dirname "$0")/../lib/ktap.sh"
ktap_need "clang with libFuzzer" \
	test -n "$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a |
		grep /)"

# What each begins with: something that is right, every key of it.
seeds_of_policy() {
	sed 's/^#\([a-z[]\)/\1/' "$TOP/xdp/etc/policy.toml" >"$1/example"
}

seeds_of_control() {
	cat >"$1/request" <<-'EOF'
		{"command": "authorise", "arguments": {"peer": "10.0.9.7"}}
	EOF
	cat >"$1/response" <<-'EOF'
		{"ok": false, "error": {"code": "policy", "details": [1]}}
	EOF
}

seeds_of_event() {
	head -c 1024 /dev/zero >"$1/zeros"
}

seeds_of_diff() {
	seeds_of_policy "$1"
	{
		cat "$1/example"
		printf '\0'
		sed -e 's/^name = "storage"/name = "files"/' \
			-e 's/9\.32/9.64/; s/9\.33/9.65/' -e '/^\[\[ipfix/,$d' \
			"$1/example"
	} >"$1/two"
}

seeds_of_trial() {
	cat >"$1/trial" <<-'EOF'
		{"former": "[[interface]]\nname = \"eth1\"\n", "former_on": true,
		 "former_source": "/a", "source": "/b", "fingerprint": "0123",
		 "waiting": false}
	EOF
	cat >"$1/granted" <<-'EOF'
		{"former": "", "former_source": "/a", "source": "/b",
		 "fingerprint": "0123", "version": 2, "boot": "4711",
		 "granted": [{"peer": "10.0.9.66/32", "expires": 1000,
		  "mac": "52:54:00:00:00:66"}, {"peer": "2001:db8::/64"}]}
	EOF
}

seeds_of_learn() {
	cat >"$1/tcp" <<-'EOF'
		{"event_type": "flow", "in_iface": "eth1", "proto": "TCP", "src_ip": "10.0.9.10", "dest_ip": "10.0.9.5", "src_port": 50000, "dest_port": 4420, "flow": {"pkts_toserver": 3, "pkts_toclient": 2, "bytes_toserver": 300, "bytes_toclient": 200, "start": "2026-11-21T13:00:00.000000+0000", "end": "2026-11-21T13:05:00.000000+0000"}, "tcp": {"tcp_flags_ts": "1b", "tcp_flags_tc": "1b"}, "cloak": {"remote": "src", "end": "ended"}}
	EOF
	sed -e 's/TCP/IPv6-ICMP/' -e 's/10\.0\.9\./2001:db8::/g' \
		-e 's/"tcp": {[^}]*}/"icmp_type": 128/' "$1/tcp" >"$1/icmp"
}

fuzz() {
	local inputs=$WORK/$1
	mkdir "$inputs"
	"seeds_of_$1" "$inputs"
	"$TOP/build/xdp/fuzz/$1" -max_total_time="${FUZZ_SECONDS:-10}" \
		-timeout=10 -rss_limit_mb=1024 -verbosity=0 -max_len=16384 \
		-artifact_prefix="$inputs-" "$inputs" >"$inputs.log" 2>&1 || {
		grep -v '# Uses:' "$inputs.log" | tail -n 40
		base64 "$inputs"-* 2>/dev/null
		return 1
	}
	note "$(find "$inputs" -type f | wc -l) inputs found"
}

WORK=$(mktemp -d)
defer rm -rf "$WORK"
ktap_run "fuzz targets are built" \
	make -s -C "$TOP/xdp" O="$TOP/build/xdp" fuzz
ktap_run "policy" fuzz policy
ktap_run "two policies" fuzz diff
ktap_run "policy on trial" fuzz trial
ktap_run "flows to learn from" fuzz learn
ktap_run "control protocol" fuzz control
ktap_run "events" fuzz event
