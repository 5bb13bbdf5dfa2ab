# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A control group with so much memory, as a unit with MemoryMax= has one. The
# memory controller is where the machine has it: in cgroup 2, or in cgroup 1,
# whose files have other names. Needs ktap.sh. To be sourced.

# cgroup_mount TYPE OPTION: a mount of that type with this among its options.
cgroup_mount() {
	awk -v type="$1" -v option="$2" '$3 == type && "," $4 "," ~ "," option "," {
		print $2; exit }' /proc/self/mounts
}

# cgroup_find: makes CGROUP a folder in which groups with a limit can be made;
# what has to be mounted for that goes at the end.
cgroup_find() {
	CGROUP=$(cgroup_mount cgroup memory)
	[[ -z $CGROUP ]] || return 0
	CGROUP=$(cgroup_mount cgroup2 rw)
	if [[ -z $CGROUP ]]; then
		CGROUP=/sys/fs/cgroup
		mount -t cgroup2 cgroup2 "$CGROUP" || return
		defer umount "$CGROUP"
	fi
	grep -qw memory "$CGROUP/cgroup.subtree_control" ||
		echo +memory >"$CGROUP/cgroup.subtree_control"
}

# cgroup_new NAME MEBIBYTES: makes CGROUP, which goes at the end. A limit of
# cgroup 1 is one of memory, not of swap, as that of the unit.
cgroup_new() {
	local file=memory.max
	cgroup_find || return
	CGROUP=$CGROUP/cl$$-$1
	mkdir "$CGROUP" || return
	defer cgroup_remove
	[[ -e $CGROUP/$file ]] || file=memory.limit_in_bytes
	echo $(($2 * 1048576)) >"$CGROUP/$file"
}

# cgroup_remove: whoever is left in it is ending.
cgroup_remove() {
	local i
	for ((i = 0; i < 50; i++)); do
		! rmdir "$CGROUP" 2>/dev/null || return 0
		sleep 0.1
	done
	rmdir "$CGROUP"
}

# cgroup_exec COMMAND...: becomes the command, in the group; to be called in a
# subshell, as with &.
cgroup_exec() {
	echo "$BASHPID" >"$CGROUP/cgroup.procs"
	exec "$@"
}

# cgroup_peak: the most memory that was used in it, in octets, that of BPF maps
# and of the page cache as well.
cgroup_peak() {
	cat "$CGROUP/memory.peak" 2>/dev/null ||
		cat "$CGROUP/memory.max_usage_in_bytes"
}

# cgroup_wants: how often it has met its limit, and what was killed for that;
# succeeds if neither has ever happened.
cgroup_wants() {
	if [[ -e $CGROUP/memory.events ]]; then
		awk '/^(max|oom|oom_kill|oom_group_kill) / { print; sum += $2 }
			END { exit sum > 0 }' "$CGROUP/memory.events"
	else
		awk 'FNR == 1 && FILENAME ~ /failcnt$/ { $0 = "max " $1 }
			/^(max|under_oom|oom_kill) / { print; sum += $2 }
			END { exit sum > 0 }' "$CGROUP/memory.failcnt" \
			"$CGROUP/memory.oom_control"
	fi
}
