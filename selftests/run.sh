#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests, on this machine or in guests, as each declares in its header.
# scripts/new-test.sh writes a new one; Documentation/testing.rst says more.
#
# usage: selftests/run.sh [OPTION...] [PATTERN...]
#   PATTERN     part of AREA/NAME; without one, every test is run
#   --kernel K  only in guests, with this kernel: 6.1, 6.12, a release or a
#               kernel tree
#   --guests    those tests that say "guests: yes", in guests: tests of this
#               machine, too, and such as are run only when asked for
#   --slow N    time limits are N times as long (a debug kernel), those
#               within tests as well; without it, as long as the host of this
#               machine makes them by giving its processors to others
#   --jobs N    at most so many tests at the same time (default: two more
#               than processors); beyond one for each processor another begins
#               only when processors are idle, as many tests wait for time-outs
#   --list      only say which would be run
#
# CI=true or EXPECT_ALL_FEATURES=1: a skip for something missing is a failure.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../scripts/lib.sh"
# shellcheck source=selftests/lib/stolen.sh
. "$here/lib/stolen.sh"
# shellcheck source=selftests/lib/idle.sh
. "$here/lib/idle.sh"
# shellcheck source=selftests/vm/qemu.sh
. "$here/vm/qemu.sh"

processors=$(nproc)
kernel='' guests=no slow='' jobs=$((processors + 2)) list=no patterns=()
while (($# > 0)); do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--guests) guests=yes ;;
	--slow) slow=$2; shift ;;
	--jobs) jobs=$2; shift ;;
	--list) list=yes ;;
	-*) sed -n 's/^# \{0,1\}//; /^usage/,/^$/p' "$0" >&2; exit 2 ;;
	*) patterns+=("$1") ;;
	esac
	shift
done

out=$BUILD/check
strict=0
[[ ${CI:-} != true && ${EXPECT_ALL_FEATURES:-} != 1 ]] || strict=1

# header FILE KEY DEFAULT: value of "# KEY: ..." in the head of a test.
header() {
	local value
	value=$(sed -n "1,25s/^# $2: *//p" "$1" | head -n 1)
	printf '%s\n' "${value:-$3}"
}

# wanted NAME: does a pattern choose it?
wanted() {
	local p
	((${#patterns[@]} > 0)) || return 0
	for p in "${patterns[@]}"; do
		[[ $1 == *"$p"* ]] && return
	done
	return 1
}

# named NAME: does a pattern say that name in full?
named() {
	local p
	for p in "${patterns[@]}"; do
		[[ $1 != "$p" ]] || return 0
	done
	return 1
}

# items: one line for each run: ALONE LIMIT WHERE NAME, where WHERE is host or
# a kernel.
items() {
	local file name k alone limit kernels
	for file in "$here"/*/*.sh; do
		name=${file#"$here"/}
		name=${name%.sh}
		grep -q '^# where: ' "$file" || continue
		wanted "$name" || continue
		[[ $(header "$file" asked no) == no || $guests == yes ]] ||
			named "$name" || continue
		[[ -x $file ]] || die "selftests/$name.sh is not executable."
		alone=$(header "$file" alone no)
		limit=$(header "$file" timeout 120)
		if [[ $guests == yes ]]; then
			[[ $(header "$file" guests no) == yes ]] || continue
			kernels=$(chosen_kernels "${SERIES[*]}")
		elif [[ $(header "$file" where host) == host ]]; then
			kernels=host
			[[ -z $kernel ]] || continue
		else
			kernels=$(header "$file" kernels "${SERIES[*]}")
			kernels=$(chosen_kernels "$kernels")
		fi
		for k in $kernels; do
			printf '%s %d %s %s\n' "$alone" "$limit" "$k" "$name"
		done
	done
}

# chosen_kernels DECLARED: those of the declared that --kernel leaves; "debug"
# is for a kernel tree that was named.
chosen_kernels() {
	if [[ -z $kernel ]]; then
		[[ $1 == debug ]] || printf '%s\n' "$1"
	elif [[ -d $kernel || " $1 " == *" $kernel "* ]]; then
		printf '%s\n' "$kernel"
	else
		local s
		s=$(series_of "$kernel" 2>/dev/null) || return 0
		[[ $kernel == "$s" || " $1 " != *" $s "* ]] ||
			printf '%s\n' "$kernel"
	fi
}

sample=(0 0)

# look_at_host: sets CLOAK_SLOW for the test that is about to begin: as since
# the boot, or as since the last one began, whichever was slower.
look_at_host() {
	local now since_boot lately
	read -ra now < <(stolen_sample)
	since_boot=$(stolen_factor "${now[@]}")
	lately=$(stolen_factor $((now[0] - sample[0])) $((now[1] - sample[1])))
	sample=("${now[@]}")
	export CLOAK_SLOW=$((lately > since_boot ? lately : since_boot))
	[[ -z $slow ]] || CLOAK_SLOW=$slow
}

# run_item LIMIT WHERE NAME LOG: becomes one test; its exit status is the
# test's, and a signal reaches it.
run_item() {
	local file=$here/$3.sh limit log=$4 mem threads=auto icount=()
	# An emulated processor takes several times as long as this machine's.
	[[ $guests == no ]] || CLOAK_SLOW=$((CLOAK_SLOW * 4))
	limit=$(($1 * CLOAK_SLOW))
	if [[ $2 == host ]]; then
		exec timeout --kill-after=5 "$limit" "$file" \
			</dev/null >"$log" 2>&1
	fi
	mem=$(header "$file" mem 1024)
	((${slow:-1} == 1)) || mem=$((mem * 2))
	# Two guests that each use two processors at once spend most of their
	# time waiting for a lock whose holder does not run.
	((jobs == 1)) || [[ $(header "$file" alone no) == yes ]] ||
		threads=single
	[[ $(header "$file" icount no) == no ]] || icount=(--icount)
	exec "$TOP/scripts/vm.sh" --kernel "$2" \
		--timeout "$((limit + 20 * CLOAK_SLOW))" \
		--modules "$(header "$file" modules none)" \
		--cpus "$(header "$file" cpus 2)" --threads "$threads" \
		"${icount[@]}" --mem "$mem" \
		--disk "$(header "$file" disk 16)" \
		--append "$(header "$file" append '')" \
		--log "${log%.log}.dmesg" -- \
		"$here/vm/run-test.sh" "$file" </dev/null >"$log" 2>&1
}

# judge NUMBER WHERE NAME LOG STATUS SECONDS CPU: prints the result, adds it up.
judge() {
	local text counts p f s verdict=ok title=$3
	[[ $2 == host ]] || title=$3@${2##*/}
	text=$(awk -v status="$5" -v strict="$strict" \
		-f "$here/lib/ktap.awk" "$4")
	counts=${text##*$'\n'}
	read -r p f s <<<"$counts"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	((f == 0)) || verdict='not ok'
	printf '# %s\n%s\n' "$title" "${text%$'\n'*}"
	if ((f > 0)); then
		sed 's/^/    # | /' "$4" | tail -n 60
		printf '    # the whole log: %s\n' "${4#"$TOP"/}"
	fi
	printf '%s %d %s # %d s, processors %d s\n' "$verdict" "$1" "$title" \
		"$6" "$7"
}

declare -A running=()
passed=0 failed=0 skipped=0 finished=0 cpu=0

# look_at_cpu: sets cpu to the seconds of processors that ended children took.
look_at_cpu() {
	local minutes seconds user system
	times >"$out/times"
	{
		read -r _
		read -r user system
	} <"$out/times"
	cpu=0
	for seconds in "$user" "$system"; do
		minutes=${seconds%m*} seconds=${seconds#*m}
		cpu=$((cpu + minutes * 60 + ${seconds%.*}))
	done
}

# So many per cent of all processors are idle where there is room for one more.
IDLE_ENOUGH=25
ticker='' idle=0

# reap: waits for one test to end and judges it, or for a second and looks how
# idle it was.
reap() {
	local pid status=0 where name log start before
	if [[ -z $ticker ]]; then
		sleep 1 &
		ticker=$!
	fi
	look_at_cpu
	before=$cpu
	wait -n -p pid || status=$?
	if [[ $pid == "$ticker" ]]; then
		ticker=''
		look_at_idle
		return
	fi
	look_at_cpu
	read -r where name log start <<<"${running[$pid]}"
	unset "running[$pid]"
	finished=$((finished + 1))
	judge "$finished" "$where" "$name" "$log" "$status" \
		"$((SECONDS - start))" "$((cpu - before))"
}

# start LIMIT WHERE NAME
start() {
	local log=$out/${3//\//.}
	[[ $2 == host ]] || log+=.${2##*/}
	log+=.log
	look_at_host
	run_item "$1" "$2" "$3" "$log" &
	running[$!]="$2 $3 $log $SECONDS"
}

# is_turn JOBS: may one more begin?
is_turn() {
	local busy=${#running[@]}
	((busy < $1 && (busy < processors || idle >= IDLE_ENOUGH)))
}

# run_all JOBS ALONE: the items whose "alone" is that, longest first.
run_all() {
	local alone limit where name
	while read -r alone limit where name; do
		[[ $alone == "$2" ]] || continue
		while ! is_turn "$1"; do
			reap
		done
		start "$limit" "$where" "$name"
		idle=0
	done <<<"$todo"
	while ((${#running[@]} > 0)); do
		reap
	done
}

# jobs_alone: how many tests that are to be alone run at the same time. Where
# a guest's processors take turns it takes but one of this machine's, so there
# are as many.
jobs_alone() {
	if [[ -r $BUILD/accel && $(<"$BUILD/accel") == *" tcg" &&
		$(choose_threads) == single ]]; then
		echo $((jobs < processors ? jobs : processors))
	else
		echo 1
	fi
}

stop() {
	kill $ticker "${!running[@]}" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

todo=$(items | sort -k2,2nr -k4,4)
[[ -n $todo ]] || die "no test is named like that: ${patterns[*]:-any}."
if [[ $list == yes ]]; then
	awk '{ print $4, $3 }' <<<"$todo" | sort
	exit
fi
mkdir -p "$out"
printf 'KTAP version 1\n1..%d\n' "$(wc -l <<<"$todo")"
run_all "$jobs" no
run_all "$(jobs_alone)" yes
look_at_cpu
printf '# %d min %d s, processors %d min\n' "$((SECONDS / 60))" \
	"$((SECONDS % 60))" "$((cpu / 60))"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
