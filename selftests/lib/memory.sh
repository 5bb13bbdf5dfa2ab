# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How much memory of the machine is unused. To be sourced.

# unused_kib: memory that nobody has, that which waits on the lists of the CPUs
# included: tens of MiB, now more, now less.
unused_kib() {
	awk '/^MemFree:/ { n += $2 } /^ *count:/ { n += $2 * 4 }
		END { print n }' /proc/meminfo /proc/zoneinfo
}

# free_kib: unused memory, once all that can be dropped has been dropped and the
# rest of the machine has come to rest.
free_kib() {
	local last=0 now=0 still=0
	while ((still < 4)); do
		echo 3 >/proc/sys/vm/drop_caches
		now=$(unused_kib)
		still=$((now - last < 256 && last - now < 256 ? still + 1 : 0))
		last=$now
		sleep 0.5
	done
	echo "$now"
}
