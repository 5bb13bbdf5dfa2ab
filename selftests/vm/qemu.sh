# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # variables of scripts/vm.sh
#
# What scripts/vm.sh knows of kernels, guests and QEMU. To be sourced there.

# locate_kernel K: sets RELEASE, IMAGE and MODULE_ROOT (the folder above
# lib/modules) for a series, a release, or a built kernel tree.
locate_kernel() {
	if [[ -d $1 ]]; then
		RELEASE=$(release_of_tree "$1")
		IMAGE=$1/arch/x86/boot/bzImage
		MODULE_ROOT=$BUILD/$RELEASE/root
		[[ -r $IMAGE ]] || die "$1 has no kernel image: build it first."
		install_tree_modules "$1"
		return
	fi
	RELEASE=$(resolve_kernel "$1")
	IMAGE=/boot/vmlinuz-$RELEASE
	MODULE_ROOT=/
	[[ -r $IMAGE ]] ||
		die "kernel $RELEASE is not installed: apt-get install" \
			"linux-image-$RELEASE."
	# A guest that counts instructions starts as it always did.
	[[ $icount == no ]] || return 0
	"$TOP/selftests/vm/vmlinux.sh" "$IMAGE" "$BUILD/$RELEASE/vmlinux"
	[[ ! -r $BUILD/$RELEASE/vmlinux ]] || IMAGE=$BUILD/$RELEASE/vmlinux
}

# install_tree_modules KDIR: the modules of a kernel tree, for its guest.
install_tree_modules() {
	local out=$BUILD/$RELEASE
	local stamp=$MODULE_ROOT/lib/modules/$RELEASE/modules.dep
	mkdir -p "$MODULE_ROOT"
	exec 7>"$out/.lock.root"
	flock 7
	if [[ ! -e $stamp || $1/modules.order -nt $stamp ]]; then
		quietly "$out/modules_install.log" \
			make -s -C "$1" modules_install INSTALL_MOD_STRIP=1 \
			INSTALL_MOD_PATH="$MODULE_ROOT"
	fi
	exec 7>&-
}

# write_command RUN COMMAND...: the script that the guest runs.
write_command() {
	local file=$1/command name
	shift
	{
		printf 'cd %q\n' "$PWD"
		for name in CI CLOAK_SLOW EXPECT_ALL_FEATURES TERM V; do
			[[ -z ${!name:-} ]] ||
				printf 'export %s=%q\n' "$name" "${!name}"
		done
		printf 'export CLOAK_RELEASE=%q CLOAK_MODULES=%q\n' \
			"$RELEASE" "$BUILD/$RELEASE"
		printf '%q ' exec "$@"
		printf '\n'
	} >"$file"
}

# write_settings RUN: what selftests/vm/guest.sh is to know.
write_settings() {
	local size='24 80' root=''
	[[ $interactive == no ]] || size=$(stty size 2>/dev/null) || true
	[[ $MODULE_ROOT == / ]] || root=$MODULE_ROOT/lib/modules/$RELEASE
	{
		printf 'RELEASE=%q\nMODULE_ROOT=%q\n' "$RELEASE" "$root"
		printf 'MODULE_OVERRIDE=%q\n' "$override"
		printf 'INTERACTIVE=%q\nQUIET=%q\n' "$interactive" "$icount"
		printf 'ROWS=%q\nCOLS=%q\n' "${size% *}" "${size#* }"
	} >"$1/settings"
}

# choose_accel: kvm if a guest really boots with it, else tcg. Machines exist
# whose /dev/kvm opens and then hangs the guest, so a boot decides, once.
choose_accel() {
	local cache=$BUILD/accel boot answer=tcg
	boot=$(</proc/sys/kernel/random/boot_id)
	exec 8>"$BUILD/.lock.accel"
	flock 8
	if [[ ! -r $cache || $(<"$cache") != "$boot "* ]]; then
		if [[ -w /dev/kvm ]] && "$TOP/scripts/vm.sh" --accel kvm \
			--kernel "$kernel" --timeout 20 -- true >/dev/null 2>&1
		then
			answer=kvm
		fi
		printf '%s %s\n' "$boot" "$answer" >"$cache"
	fi
	cut -d' ' -f2 "$cache"
	exec 8>&-
}

# add_port NAME: a virtio port of the guest that writes to the file RUN/NAME.
add_port() {
	QEMU+=(-chardev "file,id=$2,path=$1/$2"
		-device "virtserialport,chardev=$2,name=cloak.$2")
}

# choose_threads: QEMU before 8.1 translates code without holding its page. What
# another of its threads writes there meanwhile, as the kernel does for each
# static key, it then never sees: the guest dies of an int3 that is long gone.
choose_threads() {
	local version
	version=$(qemu-system-x86_64 --version | sed -n 's/.* version //p')
	if dpkg --compare-versions "${version%% *}" ge 8.1; then
		echo multi
	else
		echo single
	fi
}

add_accel() {
	[[ $threads != auto ]] || threads=$(choose_threads)
	if [[ $icount == yes ]]; then
		QEMU+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off"
			-smp "$cpus" -cpu "max,la57=off")
	elif [[ $accel == kvm ]]; then
		QEMU+=(-accel kvm -smp "$cpus" -cpu host)
	else
		# "rep movsb" is a step for each byte where it is translated, so
		# no kernel is to think that it is fast; CRC32C by SSE 4.2 is
		# one for each bit, by a table it takes half the time. What
		# guards the kernel from memory of programs ends a translated
		# block each time, a tenth of all: a kernel that is there to
		# find faults has it.
		local without=,-smap,-smep
		[[ ! -d $kernel ]] || without=''
		QEMU+=(-accel "tcg,thread=$threads" -smp "$cpus"
			-cpu "max,la57=off,-erms,-sse4.2$without")
	fi
}

# kernel_words RUN: the kernel command line.
kernel_words() {
	local words=(console=ttyS0 panic=-1 panic_on_warn=1 nokaslr
		mitigations=off net.ifnames=0 tsc=reliable
		no_timer_check rcupdate.rcu_cpu_stall_timeout=100
		"cloak.top=$TOP" "cloak.run=$1")
	# A program that lies at another address each time is translated each
	# time, which is most of what it costs to start one.
	[[ $icount == yes ]] || words+=(norandmaps)
	if [[ $icount == yes || $interactive == yes ]]; then
		words+=(loglevel=5)
	else
		words+=(loglevel=8)
	fi
	[[ -z $append ]] || words+=("$append")
	printf '%s' "${words[*]}"
}

# qemu_arguments RUN: sets QEMU to the command that runs the guest.
qemu_arguments() {
	local run=$1 name
	QEMU=(qemu-system-x86_64 -M q35 -m "$mem" -nodefaults -no-user-config
		-display none -vga none -no-reboot
		-kernel "$IMAGE" -initrd "$initrd" -append "$(kernel_words "$run")"
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=root,mount_tag=root"
		-device "virtio-serial-pci,max_ports=8"
		-chardev "file,id=console,path=$run/console"
		-serial "chardev:console")
	add_accel
	for name in out err status kmsg; do
		add_port "$run" "$name"
	done
	[[ $interactive == no ]] || QEMU+=(
		-chardev "stdio,id=tty,signal=off"
		-device "virtconsole,chardev=tty")
	[[ -z $disk ]] || QEMU+=(
		-drive "if=none,id=disk,file=$run/disk,format=raw,cache=unsafe"
		-device "virtio-blk-pci,drive=disk")
}
