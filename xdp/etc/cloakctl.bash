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
	compopt -o filenames
}

_cloakctl_interfaces() {
	local path names=''
	for path in /sys/class/net/*; do
		names+=" ${path##*/}"
	done
	_cloakctl_words "$names"
}

# Those whom authorise let in, as the daemon knows them.
_cloakctl_authorised() {
	_cloakctl_words "$(cloakctl status --json 2>/dev/null |
		grep -o '"peer":"[^"]*"' | cut -d'"' -f4)"
}

# The addresses that have a table of rules, as the daemon knows them.
_cloakctl_tables() {
	cloakctl rules --hit --json 2>/dev/null |
		grep -o '"address":"[^"]*"' | cut -d'"' -f4
}

_cloakctl_shadowed() {
	cloakctl shadow list --json 2>/dev/null |
		grep -o '"source":"[^"]*"' | cut -d'"' -f4
}

# The command among the words before the cursor.
_cloakctl_command() {
	local i word skip=no
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $skip == yes ]]; then
			skip=no
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

_cloakctl() {
	local common='--json --socket --pin-dir --timeout --help'
	local commands='check diff apply confirm reload on off status alerts
		drops sources shadow flows rules counters top learn authorise
		revoke from-nvmet help'

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-s | --socket | -d | --pin-dir | -f | --policy | --from | --configfs)
		[[ $(_cloakctl_command) == alerts ]] || {
			_cloakctl_files
			return
		}
		;;
	-i | --interface)
		_cloakctl_interfaces
		return
		;;
	-m | --attach)
		_cloakctl_words 'auto native generic'
		return
		;;
	--source)
		_cloakctl_words "$(_cloakctl_shadowed)"
		return
		;;
	--since | --for | --confirm)
		_cloakctl_words '10m 1h 1d'
		return
		;;
	esac
	case $(_cloakctl_command) in
	'') _cloakctl_words "$commands $common --version" ;;
	apply) _cloakctl_files --confirm --cut-my-session ;;
	reload) _cloakctl_words "--cut-my-session $common" ;;
	confirm) _cloakctl_words "--undo $common" ;;
	check | diff) _cloakctl_files ;;
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
	authorise) _cloakctl_words "--mac --for $common" ;;
	revoke) _cloakctl_authorised ;;
	help) _cloakctl_words "$commands" ;;
	*) _cloakctl_words "$common" ;;
	esac
}

complete -F _cloakctl cloakctl
