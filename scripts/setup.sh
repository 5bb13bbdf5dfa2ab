#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the packages of scripts/packages.txt that are missing, and the
# linux-source packages of the very versions of the headers: the archive gets
# sources some days before the signed kernels. Does nothing, at once, when all
# are there.
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

# unfit_sources: PACKAGE=VERSION of each linux-source package that is of
# another version than the headers of the kernel which modules are built for.
unfit_sources() {
	local series release package want
	for series in "${SERIES[@]}"; do
		release=$(newest_release "$series")
		[[ -n $release ]] || continue
		package=linux-source-$series
		want=$(pkg_version "linux-headers-$release")
		[[ -n $want && $(pkg_version "$package") != "$want" ]] || continue
		printf '%s=%s\n' "$package" "$want"
	done
}

refresh_lists() {
	mkdir -p "$BUILD"
	quietly "$BUILD/setup.log" apt-get update -qq ||
		die "the package lists could not be fetched: check the" \
			"network and /etc/apt/sources.list; see" \
			"build/setup.log."
}

install_all() {
	export DEBIAN_FRONTEND=noninteractive
	quietly "$BUILD/setup.log" apt-get install -qq --yes \
		--no-install-recommends --allow-downgrades "$@" </dev/null ||
		die "packages could not be installed: see build/setup.log."
}

if [[ ${1:-} == --list ]]; then
	wanted
	exit
fi

mapfile -t names < <(missing)
if ((${#names[@]} > 0)); then
	need_root "installing ${#names[@]} missing packages"
	need_space /usr 3000
	say "installing ${#names[@]} packages: ${names[*]}"
	refresh_lists
	install_all "${names[@]}"
	mapfile -t names < <(missing)
	((${#names[@]} == 0)) || die "still not installed: ${names[*]}."
fi

mapfile -t sources < <(unfit_sources)
((${#sources[@]} > 0)) || exit 0
need_root "installing ${sources[*]}, which fits the kernel's headers,"
say "installing ${sources[*]}, which fits the kernel's headers"
refresh_lists
install_all "${sources[@]}"
