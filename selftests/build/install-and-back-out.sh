#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What "make install" puts in is complete and is what modprobe, systemd and the
# shell find; after "make uninstall" everything is as it was, but for a policy
# that somebody edited. In a mount namespace with overlays on the folders that
# are written to.
#
# where: host
# timeout: 180
[[ -n ${OWN_MOUNTS:-} ]] || OWN_MOUNTS=yes exec unshare --mount "$0"
. "$(dirname "$0")/../lib/ktap.sh"
. "$KTAP_LIB/tree.sh"
. "$KTAP_LIB/wait.sh"
. "$TOP/scripts/lib.sh"

# overlay FOLDER NAME: what is written there ends up in WORK/NAME/upper.
overlay() {
	local dir=$WORK/$2
	mkdir "$dir"
	mount -t tmpfs tmpfs "$dir"
	defer umount "$dir"
	mkdir "$dir/upper" "$dir/work"
	mount -t overlay -o \
		"lowerdir=$1,upperdir=$dir/upper,workdir=$dir/work" overlay "$1"
	defer umount "$1"
}

# written: the files there, but for the indices of depmod.
written() {
	find "$WORK"/{modules,local}/upper -type f ! -name 'modules.*'
	find "$WORK/etc/upper" -path '*cloaklake*' -type f
}

# below FOLDER: the files of an installation, as paths of the machine.
below() { (cd "$1" && find . -type f ! -name 'modules.*' | cut -c2- | sort); }

# edit FILE: as an administrator would.
edit() { sed -i 's/name = "eth1"/name = "eth7"/' "$1"; }

completion_knows() {
	bash -c '. /usr/local/share/bash-completion/completions/cloakctl
		COMP_WORDS=(cloakctl auth) COMP_CWORD=1
		_cloakctl
		[[ ${COMPREPLY[*]} == authorise ]]'
}

unit_is_sound() {
	local said
	said=$(systemd-analyze verify --man=yes cloakd.service 2>&1) || {
		printf '%s\n' "$said"
		return 1
	}
	not grep cloakd <<<"$said"
}

release=$(resolve_kernel 6.1)
unit=/usr/local/lib/systemd/system/cloakd.service
policy=/etc/cloaklake/policy.toml
tree_copy
overlay "/lib/modules/$release" modules
overlay /usr/local local
overlay /etc etc
mkdir -p /run/systemd
for folder in /sys/fs/bpf /run/systemd; do
	mount -t tmpfs tmpfs "$folder"
	defer umount "$folder"
done
mkdir /run/systemd/system
# shellcheck disable=SC2016 # for the script
pretend systemctl 'echo "$*" >>"$(dirname "$0")/../systemctl"'

try make install KVER="$release"
ktap_run "nothing is installed that is not built" \
	refused "make modules KVER=$release"
mkdir -p "$WORK/tree/build/$release"
cp "$TOP/build/$release"/*.ko "$WORK/tree/build/$release/"
try make install KVER="$release"
ktap_run "neither is a cloak that is not" grep -q "make xdp" <<<"$SAID"
ktap_run "nor half of it" test -z "$(written)"

cp -r "$TOP"/build/xdp "$WORK/tree/build/"
make -C "$TOP/Documentation" O="$WORK/tree/build/man" >/dev/null
try make install KVER="$release" PART=everything
ktap_run "a part that there is not" grep -q "no part named" <<<"$SAID"

try make install KVER="$release" DESTDIR="$WORK/image"
ktap_run "installs below a folder" test "$STATUS" == 0
ktap_run "nothing is written elsewhere" test -z "$(written)"
try make install KVER="$release"
note "${SAID//$'\n'/$'\n# '}"
ktap_run "installs" test "$STATUS" == 0
ktap_run "the same files in both ways" \
	diff <(below "$WORK/image") <(written | sed -E \
		-e "s#^$WORK/modules/upper#/lib/modules/$release#" \
		-e "s#^$WORK/local/upper#/usr/local#" \
		-e "s#^$WORK/etc/upper#/etc#" | sort)
ktap_run "modprobe prefers ours" grep -qx \
	"insmod /lib/modules/$release/updates/nvmet-tcp.ko *" \
	<(modprobe -S "$release" --show-depends nvmet-tcp)
for program in cloakd cloakctl; do
	ktap_run "$program runs from where it is" \
		grep -q "^$program [0-9]" <("/usr/local/sbin/$program" --version)
	ktap_run "$program has a manual page" \
		test -s "$(MANPATH=/usr/local/share/man man -w 8 "$program")"
done
ktap_run "the unit is sound" unit_is_sound
ktap_run "systemd is told of it" grep -qx daemon-reload "$WORK/systemctl"
ktap_run "there is a group" getent group cloaklake
ktap_run "the shell completes commands" completion_knows
ktap_run "the sample policy is in place and has no error" \
	cloakctl check "$policy"

rotation=/etc/logrotate.d/cloaklake
ktap_run "logs are rotated" grep -q '^/var/log/cloaklake/' "$rotation"

edit "$policy"
sed -i 's/weekly/daily/' "$rotation"
try make install KVER="$release"
ktap_run "installing again keeps an edited policy" \
	grep -q '^name = "eth7"' "$policy"
ktap_run "and how somebody has logs rotated" grep -q daily "$rotation"

pins=/sys/fs/bpf/cloaklake
for folder in links dispatched; do
	mkdir -p "$pins/$folder"
	try make uninstall KVER="$release"
	ktap_run "a cloak that is on is not left without cloakctl: $folder" \
		grep -q "cloakctl off" <<<"$SAID"
	ktap_run "and all is still there: $folder" \
		test -e "$unit" -a -x /usr/local/sbin/cloakctl
	rmdir "$pins/$folder"
done
# Of another release, a map that nothing uses.
touch "$pins/later"

try make uninstall KVER="$release"
note "${SAID//$'\n'/$'\n# '}"
ktap_run "uninstalls" test "$STATUS" == 0
ktap_run "the service is ended" \
	grep -qx "disable --now cloakd.service" "$WORK/systemctl"
ktap_run "the in-tree module is back" grep -q \
	"/kernel/drivers/nvme/target/nvmet-tcp.ko" \
	<(modprobe -S "$release" --show-depends nvmet-tcp)
ktap_run "nothing is left but the edited policy" \
	test "$(written)" == "$WORK/etc/upper/cloaklake/policy.toml"

rm -r "${policy%/*}"
try make install KVER="$release" PART=cloak
ktap_run "the cloak alone" test -e "$unit" -a \
	! -e "/lib/modules/$release/updates/nvmet-tcp.ko"
try make uninstall KVER="$release" PART=cloak
ktap_run "nothing is left when nothing was edited" test -z "$(written)"
