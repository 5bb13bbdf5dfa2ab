#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A machine that lacks packages, network, root or disk space gets one sentence,
# and nothing is left half done.
#
# where: host
# timeout: 120
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"
. "$KTAP_LIB/wait.sh"
. "$TOP/scripts/lib.sh"

tree_copy
chmod 755 "$WORK"

# A machine on which nothing is installed that the list names.
pretend dpkg-query 'exit 1'
# shellcheck disable=SC2016 # for the script
pretend apt-get 'echo "apt-get $*" >>"$(dirname "$0")/../apt"; exit 100'
try scripts/setup.sh
ktap_run "no network" refused "check the network"
ktap_run "nothing is installed without package lists" \
	not grep -q install "$WORK/apt"

# shellcheck disable=SC2016 # for the script
pretend apt-get '[[ " $* " != *" install "* ]]'
try scripts/setup.sh
ktap_run "packages that cannot be had" refused build/setup.log

pretend id 'echo 1000'
try scripts/setup.sh
ktap_run "packages are missing and the user is not root" refused "needs root"
try make install KVER=6.12
ktap_run "install without root" refused "needs root"
try make uninstall KVER=6.12
ktap_run "uninstall without root" refused "needs root"
honest id
honest dpkg-query
honest apt-get

# shellcheck disable=SC2016 # for the script
pretend df 'printf "Filesystem\nx 9 8 %d 0%% /\n" 7'
try make modules KVER=6.12
ktap_run "no disk space for the modules" refused "7 MiB free"
try make debug-kernel
ktap_run "no disk space for the debug kernel" refused "MiB are needed"
honest df

# A machine whose archive has the sources before the kernels: what fits is taken.
want=$(pkg_version "linux-headers-$(newest_release 6.12)")
# shellcheck disable=SC2016 # for the script
pretend dpkg-query '[[ $* != *\ linux-source-6.12 || -e $0.mended ]] ||
	{ echo "installed 6.12.999-1"; exit; }
exec /usr/bin/dpkg-query "$@"'
# shellcheck disable=SC2016 # for the script
pretend apt-get '[[ $1 != install || $* != *\ linux-source-6.12='"$want"' ]] ||
	touch "${0%/*}/dpkg-query.mended"'
try scripts/setup.sh
ktap_run "sources that are newer than the kernel give way to those that fit" \
	test "$STATUS" == 0 -a -e "$WORK/bin/dpkg-query.mended"
# shellcheck disable=SC2016 # for the script
pretend apt-get '[[ $1 != install ]]'
rm -f "$WORK/bin/dpkg-query.mended"
try scripts/setup.sh
ktap_run "sources that fit cannot be had" refused build/setup.log
honest dpkg-query

pretend apt-get 'echo "apt-get was called"; exit 1'
try scripts/setup.sh
ktap_run "nothing to do when all is installed" \
	test "$STATUS/$SAID" == 0/
