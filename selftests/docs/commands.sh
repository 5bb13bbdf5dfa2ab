#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages name every command, option and policy key that there is, and
# none that there is not. So does the completion for the shell.
#
# where: host
# timeout: 60
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

man=$TOP/Documentation/man
completion=$TOP/xdp/etc/cloakctl.bash

# options_of PROGRAM [COMMAND]: what --help lists, one option a line.
options_of() {
	"$TOP/build/xdp/$1" "${@:2}" --help | sed -n '/^Options:/,/^$/p' |
		grep -oE '^  -[A-Za-z]|^  --[a-z-]+|^  -[A-Za-z],--[a-z-]+' |
		tr ',' '\n' | tr -d ' ' | sort -u
}

# commands [COMMAND]: those of cloakctl, or of a command that has some.
commands() {
	"$TOP/build/xdp/cloakctl" "$@" --help |
		sed -n '/^Subcommands:/,$s/^  \([a-z-]*\) .*/\1/p' | sort
}

# own_options COMMAND: but for the one that every command has.
own_options() {
	local part
	{
		options_of cloakctl "$1"
		for part in $(commands "$1"); do
			options_of cloakctl "$1" "$part"
		done
	} | sort -u | grep -vxE -- '-h|--help' || true
}

# options_in: those that the text in standard input names.
options_in() { grep -oE '(^|[^a-z-])--?[a-zA-Z][a-z-]*' |
	grep -oE -- '--?[a-zA-Z][a-z-]*' | sort -u; }

# part FILE FROM TO: the lines between two headings.
part() { sed -n "/^$2\$/,/^$3\$/p" "$1" | sed '1,2d'; }

# described COMMAND: its entry in the manual page.
described() {
	part "$man/cloakctl.8.rst" COMMANDS "EXIT STATUS" |
		awk -v name="$1" '/^[a-z]/ { own = $1 == name } own'
}

same_options() {
	diff <(options_of "$1") \
		<(part "$man/$1.8.rst" "$2" "$3" | grep '^-' | options_in)
}

same_commands() {
	diff <(commands) <(part "$man/cloakctl.8.rst" COMMANDS "EXIT STATUS" |
		grep -oE '^[a-z-]+' | sort -u)
}

same_command_options() {
	diff <(own_options "$1") <(described "$1" | options_in)
}

completes() {
	local command option
	for command in $(commands); do
		grep -qw "$command" "$completion" || echo "$command"
		for option in $(own_options "$command"); do
			[[ $option != --* ]] ||
				grep -q -- "$option\\b" "$completion" ||
				echo "$command $option"
		done
	done
}

# keys_read: SECTION KEY for every key that the parser of policies asks for.
keys_read() {
	awk '
	/^void read[A-Z]/ { name = $2; sub(/\(.*/, "", name) }
	match($0, /reader\.[a-z]+\("[a-z_]+"/) {
		key = substr($0, RSTART, RLENGTH)
		gsub(/.*\("|"/, "", key)
		keys[name] = keys[name] " " key
	}
	/^\tread[A-Z][A-Za-z]*\(reader/ { # a part that several sections share
		part = $1
		sub(/\(.*/, "", part)
		keys[name] = keys[name] " " keys[part]
	}
	match($0, /\{"[a-z]+", (true|false), read[A-Za-z]+[,}]/) {
		split(substr($0, RSTART, RLENGTH), f, /[{}", ]+/)
		reader[f[2]] = f[4]
	}
	END {
		reader["table.rule"] = "readRule"
		for (section in reader) {
			n = split(keys[reader[section]], k, " ")
			for (i = 1; i <= n; i++)
				print section, k[i]
		}
	}' "$TOP"/xdp/policy/*.cpp | sort -u
}

# keys_described: the same by the manual page, a term of each definition.
keys_described() {
	part "$man/cloakd.8.rst" POLICY ALERTS | awk '
	/^\[+[a-z.]+\]+$/ { gsub(/[][]/, ""); section = $0; next }
	/^\*\*/ {
		while (match($0, /\*\*[a-z_]+\*\*/)) {
			print section, substr($0, RSTART + 2, RLENGTH - 4)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' | sort -u
}

# sample_keys: the same by the sample policy, commented ones as well.
sample_keys() {
	sed 's/^#\([a-z[]\)/\1/' "$TOP/xdp/etc/policy.toml" | awk '
	/^\[/ { gsub(/[][]/, ""); section = $1 }
	/^[a-z_]+ = / { print section, $1 }' | sort -u
}

ktap_need_commands rst2man
make -s -C "$TOP/xdp" O="$TOP/build/xdp" all
out=$(mktemp -d)
defer rm -rf "$out"
ktap_run "the manual pages are sound" make -C "$TOP/Documentation" O="$out"
ktap_run "options of cloakd" same_options cloakd OPTIONS POLICY
ktap_run "options of cloakctl" same_options cloakctl DESCRIPTION COMMANDS
ktap_run "commands of cloakctl" same_commands
for command in $(commands); do
	ktap_run "options of cloakctl $command" same_command_options "$command"
done
ktap_run "completion knows them all" test -z "$(completes)"
ktap_run "there are keys of the policy" test "$(keys_read | wc -l)" -gt 15
ktap_run "keys of the policy" diff <(keys_read) <(keys_described)
ktap_run "the sample policy has no other keys" \
	test -z "$(comm -13 <(keys_read) <(sample_keys))"
