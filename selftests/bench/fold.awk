# SPDX-License-Identifier: Apache-2.0
#
# Folds the samples of perf script into stacks, root first, with the number of
# times that each was seen: one a line, after the name of the JOB. Functions of
# modules have the module's name behind them; of user space only the innermost
# function is kept.
#
# usage: perf script -F comm,ip,sym,dso | awk -v job=JOB -f fold.awk

BEGIN {
	while ((getline <"/proc/modules") > 0)
		start[$1] = substr($6, 3)
}

# module_of ADDRESS: the one that begins closest before it. All addresses have
# the same length, so that they compare as strings.
function module_of(address,	name, best)
{
	for (name in start)
		if (start[name] <= address && \
		    (best == "" || start[name] > start[best]))
			best = name
	return best
}

function frame(address, name)
{
	if (address !~ /^ffff/)
		return name "[user]"
	if (address < "ffffffffc0000000")
		return name
	if (!(address in module))
		module[address] = module_of(address)
	return name "[" module[address] "]"
}

function fold()
{
	if (stack != "")
		seen[comm stack]++
	stack = ""
}

NF == 0 { fold(); next }
/^[^ \t]/ { fold(); comm = $1; sub(/\/.*/, "", comm); next }
$1 ~ /^ffff/ || stack == "" { stack = ";" frame($1, $2) stack }

END {
	fold()
	for (stack in seen)
		print "@", job, stack, seen[stack]
}
