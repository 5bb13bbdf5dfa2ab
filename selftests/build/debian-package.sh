#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The package of the cloak builds, and in a guest is installed, keeps an edited
# policy over an upgrade, does not leave a cloak that is on, and goes without a
# trace. What other packages do about it, an index of manual pages, is not run: it
# takes an emulated guest a minute each time.
#
# where: host
# timeout: 400
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/wait.sh"

ktap_need_commands dh dpkg-buildpackage
make -s -C "$TOP/xdp" O="$TOP/build/xdp" all
ktap_run "builds" "$TOP/scripts/build-deb.sh" --reuse
version=$(sed -n 's/.*kVersion = "\(.*\)".*/\1/p' "$TOP/xdp/util/version.h")
deb=$TOP/build/packages/cloaklake_${version}_amd64.deb
ktap_run "has the version of the programs" test -s "$deb"

ktap_run "has a policy that not everybody can read" grep \
	'^-rw-r----- root/root .* ./etc/cloaklake/policy.toml$' \
	<(dpkg-deb --contents "$deb")

# shellcheck disable=SC2016 # for the guest
ktap_run "in a guest" "$TOP/scripts/vm.sh" --kernel 6.12 \
	--timeout $((300 * ${CLOAK_SLOW:-1})) -- \
	bash -xeuo pipefail -c '
	deb=$1 policy=/etc/cloaklake/policy.toml
	export DEBIAN_FRONTEND=noninteractive
	dpkg --no-triggers --install "$deb"
	[[ $(command -v cloakd) == /usr/sbin/cloakd ]]
	getent group cloaklake
	test -s "$(man -w 8 cloakd)"
	cloakctl check "$policy"
	test -s /etc/logrotate.d/cloaklake
	ip link add eth7 type dummy
	sed -i "s/eth1/eth7/" "$policy"
	dpkg --no-triggers --install "$deb"
	grep -q eth7 "$policy"
	cloakctl on
	! dpkg --no-triggers --remove cloaklake
	cloakctl off
	dpkg --no-triggers --remove cloaklake
	test ! -e /usr/sbin/cloakd
	test -e "$policy"
	mkdir -p /var/log/cloaklake/evidence /var/lib/cloaklake
	touch /var/log/cloaklake/eve.json /var/lib/cloaklake/trial.json
	dpkg --no-triggers --purge cloaklake
	test ! -e /etc/logrotate.d/cloaklake
	test ! -e /var/log/cloaklake
	test ! -e /var/lib/cloaklake
	test ! -e "${policy%/*}"
' package "$deb"
