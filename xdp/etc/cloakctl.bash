# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Completion of cloakctl for bash: commands, their options, interfaces, files,
# and the peers that can be revoked.

_cloakctl_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

# _cloakctl_files [OPTION...]: files, and these options.
_cloakctl_files() {
	mapfile -t COMPREPLY < <(
		compgen -f -- "${COMP_WORDS[COMP_CWORD]}"
		compgen -W "$*" -- "${COMP_WORDS[COMP_CWORD]}"
	)
	# Only a shell that completes takes it.
	compopt -o filenames 2>/dev/null || true
}

_cloakctl_interfaces() {
	local path names=''
	for path in /sys/class/net/*; do
		names+=" ${path##*/}"
	done
	_cloakctl_words "$names"
}

# _cloakctl_ask ARGUMENT...: asks the daemon that the line is for. Nobody waits
# long for a word.
_cloakctl_ask() {
	local i path socket=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -s || ${COMP_WORDS[i]} == --socket ]] ||
			continue
		path=${COMP_WORDS[i + 1]}
		[[ $path != = ]] || path=${COMP_WORDS[i + 2]-}
		socket=(--socket "${path/#\~/$HOME}")
	done
	cloakctl --json --timeout 1s "${socket[@]}" "$@" 2>/dev/null
}

# Those whom authorise let in, as the daemon knows them.
_cloakctl_authorised() {
	_cloakctl_ask status | grep -o '"peer":"[^"]*"' | cut -d'"' -f4
}

# The addresses that have a table of rules, as the daemon knows them.
_cloakctl_tables() {
	_cloakctl_ask rules --hit |
		grep -o '"address":"[^"]*"' | cut -d'"' -f4
}

_cloakctl_shadowed() {
	_cloakctl_ask shadow list |
		grep -o '"source":"[^"]*"' | cut -d'"' -f4
}

# The command among the words before the cursor.
_cloakctl_command() {
	local i word skip=no
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $skip == yes ]]; then
			# "--socket=PATH" is three words.
			[[ $word == = ]] || skip=no
			continue
		fi
		case $word in
		-s | --socket | -d | --pin-dir | --timeout) skip=yes ;;
		-*) ;;
		*)
			printf '%s' "$word"
			return
			;;
		esac
	done
}

# The option whose value is at the cursor, if the word before it is one.
_cloakctl_option() {
	local i=$((COMP_CWORD - 1))
	[[ ${COMP_WORDS[i]} != = ]] || ((--i))
	printf '%s' "${COMP_WORDS[i]}"
}

# _cloakctl_value COMMAND OPTION: completes the value of the option; fails if it
# has none. Some letters mean one thing to one command and another to others.
_cloakctl_value() {
	case "$1 $2" in
	'on -f' | 'learn -f' | *' -s' | *' --socket' | *' --pin-dir' | \
		*' --policy' | *' --from' | *' --configfs')
		_cloakctl_files
		;;
	'top -d' | *' --delay' | 'learn -m' | *' --min-flows' | \
		'sources -n' | 'top -n' | *' --limit' | *' --count' | \
		'on -a' | 'learn -a' | *' --address' | *' -P' | *' --peer' | \
		*' -g' | *' --gateway' | *' --mac')
		COMPREPLY=()
		;;
	*' -d') _cloakctl_files ;;
	*' -i' | *' --interface') _cloakctl_interfaces ;;
	*' -m' | *' --attach') _cloakctl_words 'auto native generic' ;;
	*' --source') _cloakctl_words "$(_cloakctl_shadowed)" ;;
	*' --since' | *' --for' | *' --confirm') _cloakctl_words '10m 1h 1d' ;;
	*' --timeout') _cloakctl_words '0s 1s 10s 1m' ;;
	*) return 1 ;;
	esac
}

_cloakctl() {
	local common='--json --socket --pin-dir --timeout --help'
	local commands='check diff apply confirm reload on off status alerts
		drops sources shadow flows rules counters top learn authorise
		revoke from-nvmet help'
	local command
	command=$(_cloakctl_command)

	COMPREPLY=()
	! _cloakctl_value "$command" "$(_cloakctl_option)" || return 0
	case $command in
	'') _cloakctl_words "$commands $common --version" ;;
	apply) _cloakctl_files --confirm --cut-my-session "$common" ;;
	reload) _cloakctl_words "--cut-my-session $common" ;;
	confirm) _cloakctl_words "--undo $common" ;;
	check | diff) _cloakctl_files "$common" ;;
	on) _cloakctl_words "--policy --interface --address --peer --gateway
		--attach --monitor --cut-my-session $common" ;;
	alerts) _cloakctl_words "--follow --since $common" ;;
	drops) _cloakctl_words "--all $common" ;;
	rules) _cloakctl_words "--hit $common $(_cloakctl_tables)" ;;
	sources) _cloakctl_words "--limit $common" ;;
	shadow) _cloakctl_words "list add drop --for $(_cloakctl_shadowed)
		$common" ;;
	flows) _cloakctl_words "--follow --top --source $common" ;;
	top) _cloakctl_words "--delay --count --batch --once $common" ;;
	learn) _cloakctl_words "--since --address --min-flows --unanswered
		--from $common" ;;
	from-nvmet) _cloakctl_words "--enforce --configfs $common" ;;
	authorise) _cloakctl_words "--mac --for --cut-my-session $common" ;;
	revoke) _cloakctl_words "--cut-my-session $common
		$(_cloakctl_authorised)" ;;
	help) _cloakctl_words "$commands" ;;
	*) _cloakctl_words "$common" ;;
	esac
}

complete -F _cloakctl cloakctl
