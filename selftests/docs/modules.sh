#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The pages about the modules name every parameter, counter, field, tracepoint
# and option that there is, and none that there is not.
#
# where: host
# timeout: 60
#
# shellcheck disable=SC2016 # backquotes are those of reStructuredText
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

# source_of MODULE
source_of() {
	case $1 in
	nvmet_tcp) echo "$TOP/drivers/nvme/target" ;;
	nvme_tcp) echo "$TOP/drivers/nvme/tcp" ;;
	esac
}

page_of() { echo "$TOP/Documentation/${1//_/-}.rst"; }

# Each of these prints names, one a line, as the sources have them.
parameters() {
	cat "$(source_of "$1")"/*.c |
		sed -nE 's/^module_param[a-z_]*\(([a-z0-9_]+),.*/\1/p' | sort
}

tracepoints() {
	sed -nE -e 's/^TRACE_EVENT\(([a-z0-9_]+),.*/\1/p' \
		-e 's/^DEFINE_EVENT\([a-z_]+, ([a-z0-9_]+),.*/\1/p' \
		"$(source_of "$1")/trace.h" | sort
}

# counters: by the lists of stats, and the names that seq_printf writes.
counters() {
	{
		sed -nE -e 's/^\tX\(([a-z0-9_]+)\).*/\1/p' \
			-e 's/^\t\[NVME_TCP_[A-Z0-9_]+\] = "([a-z0-9_]+)",/\1/p' \
			"$(source_of "$1")"/stats.[ch]
		sed -nE 's/.*seq_printf\([a-z]+, (".*)/\1/p' \
			"$(source_of "$1")/debugfs.c" | sed 's/\\n/ /g' |
			grep -oE '[a-z0-9_]{2,}[= ]%' | tr -d '= %'
	} | sort -u
}

# The same as the page has them.
described_parameters() {
	sed -n '/^Parameters$/,/^What one sees$/p' "$(page_of "$1")" |
		sed -nE 's/^``([a-z0-9_]+)`` \(.*/\1/p' | sort
}

described_tracepoints() {
	sed -nE "s/^\`\`($1_[a-z0-9_]+)\`\` .*/\1/p" "$(page_of "$1")" | sort
}

# described_counters: the first columns of the tables.
described_counters() {
	sed -n '/^What one sees$/,/^Tracepoints/p' "$(page_of "$1")" |
		grep '^``[a-z]' | sed -E 's/  .*//' |
		grep -oE '``[a-z0-9_]+``' | tr -d '`' | sort -u
}

same() { diff <("$1" "$2") <("described_$1" "$2"); }

# options_taken: of nvme connect, that the initiator allows.
options_taken() {
	sed -n '/allowed_opts/,/;/p' "$(source_of nvme_tcp)/main.c" |
		grep -oE 'NVMF_OPT_[A-Z_]+' | sed 's/NVMF_OPT_//' |
		tr 'A-Z_' 'a-z-' | sort
}

names_options() {
	local option
	for option in $(options_taken); do
		grep -q -- "^\`\`--$option\`\`" "$(page_of nvme_tcp)" || {
			echo "$option"
			return 1
		}
	done
}

# unknown_options: those of the page that nvme-cli does not have.
unknown_options() {
	local help
	help=$(nvme connect --help 2>&1) || true
	sed -nE 's/^``(--[a-z-]+)``.*/\1/p' "$(page_of nvme_tcp)" |
		grep -vxF -f <(grep -oE -- '--[a-z-]+' <<<"$help")
}

ktap_need_commands nvme rst2html
for module in nvmet_tcp nvme_tcp; do
	ktap_run "$module: the page is sound" \
		rst2html --halt=warning "$(page_of "$module")" /dev/null
	ktap_run "$module: parameters" same parameters "$module"
	ktap_run "$module: tracepoints" same tracepoints "$module"
	ktap_run "$module: counters and fields" same counters "$module"
	for list in parameters tracepoints counters; do
		ktap_run "$module: there are $list" \
			test "$("$list" "$module" | wc -l)" -gt 3
	done
done
ktap_run "options that the initiator takes" names_options
ktap_run "options that nvme-cli knows" not unknown_options
