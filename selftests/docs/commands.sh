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

# completed WORD...: what the last word becomes, of a line that begins with
# cloakctl; a candidate a line.
completed() {
	# shellcheck disable=SC2016 # to be expanded there
	bash -c '. "$0"
		COMP_WORDS=(cloakctl "$@")
		COMP_CWORD=$#
		_cloakctl
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"' \
		"$completion" "$@"
}

# long: the long options among those in standard input.
long() { grep -- '^--' || true; }

completes_commands() {
	diff <({ commands; options_of cloakctl | long; } | sort) \
		<({ completed ''; completed --; } | sort -u)
}

# completes_options COMMAND: those that it has and all have, in its place.
completes_options() {
	diff <({ own_options "$1"; options_of cloakctl; } | long |
		grep -vx -- --version | sort -u) <(completed "$1" -- | sort)
}

# completes_to "WORD..." CANDIDATE...: in a folder with the file policy.toml.
completes_to() {
	local words=$1 found
	shift
	read -ra words <<<"$words."
	# The dot keeps a last word that is empty.
	words[-1]=${words[-1]%.}
	found=$(cd "$out/folder" && completed "${words[@]}" | sort)
	[[ $found == "$(printf '%s\n' "$@")" ]] || {
		echo "${words[*]}: $found"
		return 1
	}
}

# A letter means one thing to one command and another to others.
completes_values() {
	mkdir -p "$out/folder"
	touch "$out/folder/policy.toml"
	completes_to 'auth' authorise
	completes_to '--socket = x --json stat' status
	completes_to 'on -f ' policy.toml
	completes_to 'learn -f pol' policy.toml
	completes_to 'alerts -f pol' ''
	completes_to 'flows -f pol' ''
	completes_to 'flows -f --t' --timeout --top
	completes_to 'top -d ' ''
	completes_to 'status -d ' policy.toml
	completes_to 'on -m n' native
	completes_to 'learn -m ' ''
	completes_to 'check ' --help --json --pin-dir --socket --timeout \
		policy.toml
	completes_to 'apply --c' --confirm --cut-my-session
	completes_to '--socket = pol' policy.toml
}

# The daemon that is asked is that of the line, and not for long.
completes_from_daemon() {
	mkdir -p "$out/bin"
	cat >"$out/bin/cloakctl" <<-EOF
		#!/bin/sh
		echo "\$@" >>"$out/asked"
		echo '{"authorised":[{"peer":"10.0.9.7"}]}'
		echo '[{"address":"10.0.9.5","source":"10.0.9.66"}]'
	EOF
	chmod +x "$out/bin/cloakctl"
	PATH=$out/bin:$PATH completes_to 'revoke 1' 10.0.9.7
	PATH=$out/bin:$PATH completes_to '-s a rules 1' 10.0.9.5
	PATH=$out/bin:$PATH completes_to '--socket = b shadow drop 1' 10.0.9.66
	diff - "$out/asked" <<-'EOF'
		--json --timeout 1s status
		--json --timeout 1s --socket a rules --hit
		--json --timeout 1s --socket b shadow list
	EOF
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
	[[ $command == help ]] || ktap_run "completion after $command" \
		completes_options "$command"
done
ktap_run "completion of commands" completes_commands
ktap_run "completion of values" completes_values
ktap_run "completion of what the daemon knows" completes_from_daemon
ktap_run "there are keys of the policy" test "$(keys_read | wc -l)" -gt 15
ktap_run "keys of the policy" diff <(keys_read) <(keys_described)
ktap_run "the sample policy has no other keys" \
	test -z "$(comm -13 <(keys_read) <(sample_keys))"
