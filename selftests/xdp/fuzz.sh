#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What reads text or records of others survives anything, with sanitizers: the
# policy, the control protocol, the events. FUZZ_SECONDS says how long each
# may look (default 15).
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

fuzz() {
	local inputs=$WORK/$1
	mkdir "$inputs"
	"seeds_of_$1" "$inputs"
	"$TOP/build/xdp/fuzz/$1" -max_total_time="${FUZZ_SECONDS:-15}" \
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
ktap_run "control protocol" fuzz control
ktap_run "events" fuzz event
