#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the packages of scripts/packages.txt that are missing. Does
# nothing, at once, when all are there.
#
# usage: scripts/setup.sh [--list]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

# wanted: the package names of the list.
wanted() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -e 's/[[:space:]]*$//' \
	"$here/packages.txt"; }

# missing: those that are not installed.
missing() {
	local names
	mapfile -t names < <(wanted)
	# shellcheck disable=SC2016 # dpkg-query expands these
	comm -23 <(printf '%s\n' "${names[@]}" | sort -u) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
			"${names[@]}" 2>/dev/null |
			sed -n 's/^installed //p' | sort -u)
}

install_all() {
	local log=$BUILD/setup.log
	mkdir -p "$BUILD"
	export DEBIAN_FRONTEND=noninteractive
	quietly "$log" apt-get install -qq --yes --no-install-recommends \
		"$@" </dev/null
}

if [[ ${1:-} == --list ]]; then
	wanted
	exit
fi

mapfile -t names < <(missing)
((${#names[@]} > 0)) || exit 0

need_root "installing ${#names[@]} missing packages"
need_space /usr 3000
say "installing ${#names[@]} packages: ${names[*]}"
mkdir -p "$BUILD"
quietly "$BUILD/setup.log" apt-get update -qq ||
	die "the package lists could not be fetched: check the network and" \
		"/etc/apt/sources.list; see build/setup.log."
install_all "${names[@]}" ||
	die "packages could not be installed: see build/setup.log."
mapfile -t names < <(missing)
((${#names[@]} == 0)) || die "still not installed: ${names[*]}."
