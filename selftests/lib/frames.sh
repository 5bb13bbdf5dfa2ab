# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What leaves the lake, frame by frame, at the other end of its cables: each a
# line of text and all its octets. Nothing is left out, whatever MAC it says
# that it comes from, and nothing is missed: the last frame is one that is known.
#
# Needs ktap.sh, wait.sh, netns.sh and, sourced before, cloakd.sh.

# Of the frame that ends a capture: for experiments (IEEE 802), nobody uses it.
FRAMES_MARK=0x88b5

# The tcpdump at each port.
declare -A frames_tcpdump=()

# frames_begin PORT [FILTER]: from now on, what comes out of the lake at that end
# of its cable, in the wire, if tcpdump's filter holds.
frames_begin() {
	local filter="ether proto $FRAMES_MARK"
	[[ -z ${2:-} ]] || filter+=" or ($2)"
	# What an earlier one has said would be taken for its own.
	rm -f "$WORK/frames.$1.raw" "$WORK/frames.$1.err"
	# The buffer has room for what goes the other way, which -Q takes out.
	ip netns exec "$(ns wire)" tcpdump -i "$1" -Q in -n -e -xx -l -t \
		--immediate-mode -s 16384 -B 65536 ${2:+"$filter"} \
		>"$WORK/frames.$1.raw" 2>"$WORK/frames.$1.err" &
	frames_tcpdump[$1]=$!
	wait_until 10 grep -q 'listening on' "$WORK/frames.$1.err"
}

# frames_mark DEVICE: a frame of the lake that goes past the cloak (a process of
# root can do that), behind all that it has sent before.
frames_mark() {
	in_ns lake /usr/bin/python3 - "$1" "$FRAMES_MARK" <<-'EOF2'
		import socket, sys
		SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
		mark = int(sys.argv[2], 0)
		with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
		    s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
		    s.bind((sys.argv[1], mark))
		    own = s.getsockname()[4]
		    s.send(own + own + mark.to_bytes(2, "big") + bytes(46))
	EOF2
}

# frames_end PORT DEVICE: all that the lake has sent is there; leaves it, a line
# for each frame, in WORK/frames.
frames_end() {
	frames_mark "$2"
	wait_until 10 grep -q "ethertype Unknown ($FRAMES_MARK)" \
		"$WORK/frames.$1.raw"
	kill -INT "${frames_tcpdump[$1]}"
	wait "${frames_tcpdump[$1]}" || true
	missed_nothing "$WORK/frames.$1.err"
	frames_joined <"$WORK/frames.$1.raw" >"$WORK/frames"
}

# frames_joined: text and octets of each frame in one line, but for the mark. Lines
# of octets begin with a tab.
frames_joined() {
	awk -v mark="$FRAMES_MARK" '
		function told() {
			if (text != "" && !index(text, mark))
				print text, "|", octets
		}
		/^\t0x/ {
			sub(/^\t0x[0-9a-f]*: */, "")
			gsub(/ /, "")
			octets = octets $0
			next
		}
		{
			told()
			text = $0
			octets = ""
		}
		END { told() }'
}

# sends_only FILTER COMMAND...: while it runs, the lake sends by eth0 only what
# the filter describes; "none": not one frame.
sends_only() {
	local filter="not ($1)" status
	[[ $1 != none ]] || filter=''
	shift
	frames_begin p-lake-eth0 "$filter"
	set +e
	(
		set -e
		"$@"
	)
	status=$?
	set -e
	frames_end p-lake-eth0 eth0
	((status == 0)) || { echo "status $status of: $*"; return 1; }
	frames_none
}

# frames_none: the capture that has ended is empty.
frames_none() {
	[[ -s $WORK/frames ]] || return 0
	cut -c 1-300 "$WORK/frames" | head -n 20
	return 1
}
