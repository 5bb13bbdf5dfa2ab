# SPDX-License-Identifier: Apache-2.0
#
# Judges the KTAP output of one test. Prints its result lines, indented, and
# as last line "PASSED FAILED SKIPPED"; what is wrong with the output as a whole
# is a failed result of its own. Beneath a failed one is what it said, its last
# lines: those between the result before and its own.
#
# awk -v status=EXIT-STATUS -v strict=0|1 -v shown=0|1 -f ktap.awk LOG

function result(ok, name, extra)
{
	count++
	printf "    %s %d %s%s\n", ok ? "ok" : "not ok", count, name, extra
	if (!ok)
		failed++
	else if (extra ~ /# SKIP/)
		skipped++
	else
		passed++
}

# said(): what the failed subtest printed, and begins with the next one.
function said(ok,    i)
{
	for (i = lines - 20; !ok && i < lines; i++)
		if (i >= 0)
			print "        " diagnostics[i]
	lines = 0
}

function wrong(what) { result(0, what, "") }

/^(not )?ok [0-9]+( |$)/ {
	ok = $1 == "ok"
	line = $0
	sub(/^(not )?ok [0-9]+ *-? */, "", line)
	extra = ""
	if (match(line, / *# SKIP/)) {
		extra = substr(line, RSTART)
		line = substr(line, 1, RSTART - 1)
		reason = extra
		sub(/^ *# SKIP */, "", reason)
		if (reason == "") {
			ok = 0
			extra = " # skipped without a reason"
		} else if (strict && reason ~ /^missing:/) {
			ok = 0
			extra = " # " reason
		}
	}
	if (line in seen) {
		ok = 0
		extra = extra " # duplicate name"
	}
	seen[line] = 1
	results++
	result(ok, line, extra)
	said(ok)
	next
}

/^#/ { diagnostics[lines++] = $0 }

/^1\.\.[0-9]+/ {
	planned = substr($1, 4) + 0
	have_plan = 1
	if (planned == 0 && $0 ~ /# SKIP ./) {
		whole = $0
		sub(/^.*# SKIP */, "", whole)
	}
}

/^Bail out!/ { bailed = $0; sub(/^Bail out! */, "", bailed) }

END {
	passed += 0; failed += 0; skipped += 0
	if (whole != "" && results == 0) {
		if (strict && whole ~ /^missing:/)
			wrong("everything is there # " whole)
		else
			result(1, "applies here", " # SKIP " whole)
		status = 0
	} else {
		if (status == 124)
			wrong("ends within its time limit")
		else if (status == 125)
			wrong("kernel log is clean")
		else if (status == 123)
			wrong("guest lives until the end of the test")
		if (bailed != "")
			wrong("runs to its end # " bailed)
		else if (!results)
			wrong("has at least one subtest")
		else if (!have_plan)
			wrong("prints a plan")
		else if (planned != results)
			wrong("runs what it planned # " results " of " planned)
		if (status != 0 && !failed)
			wrong("exits with success # status " status)
	}
	print passed, failed, skipped
}
