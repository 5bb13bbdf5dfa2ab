#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turns what the guests of scripts/bench.sh printed into tables and a chart.

usage: bench-report.py [--wall | --memory] FOLDER FILE...

FILEs have a line of JSON for each job, or number of connections. FOLDER gets
bench.json and, of jobs, bench.svg; the tables go to standard output. Figures of
the in-tree pair that FOLDER's bench.json has from an earlier run serve where
FILEs have none.
"""
import json
import os
import statistics
import sys

DISK, PEER, OURS = "null/null", "intree/intree", "ours/ours"
MIXED = ("ours/intree", "intree/ours")

# Most instructions per I/O in those of the in-tree pair. What is not listed
# has to be no worse than in-tree.
BARS = {
    "randread-4k-qd1": 0.80,
    "randwrite-4k-qd1": 0.80,
    "randread-4k-qd32": 0.50,
    "randwrite-4k-qd32": 0.50,
    "randread-4k-qd128": 0.50,
    "randwrite-4k-qd128": 0.50,
    "read-128k-qd16": 0.80,
    "write-128k-qd16": 0.80,
    "randread-4k-qd32-digest": 0.45,
}
NO_WORSE = 1.00
MODES = ["--wall"], ["--memory"]


def read_figures(paths):
    """Returns every figure in the files, in their order."""
    figures = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            figures += [json.loads(line) for line in file if line[0] == "{"]
    return figures


def earlier_peer(path, figures):
    """Returns the in-tree figures of earlier runs that this one lacks."""
    if not os.path.exists(path):
        return []
    present = {key(f) for f in figures}
    with open(path, encoding="utf-8") as file:
        earlier = json.load(file)["figures"]
    return [
        f
        for f in earlier
        if f["pair"] in (PEER, DISK) and key(f) not in present
    ]


def key(figure):
    return figure["kernel"], figure["job"], figure["pair"]


def summarise(figures):
    """Returns {(kernel, job, pair): medians of its figures}."""
    groups = {}
    for figure in figures:
        groups.setdefault(key(figure), []).append(figure)
    return {k: summary(group) for k, group in groups.items()}


def summary(group):
    iops = [f["iops"] for f in group]
    median = statistics.median(iops)
    return {
        "iops": median,
        "cost": 1e9 / median,
        "spread": (max(iops) - min(iops)) / median,
        "p50": statistics.median(f["p50"] for f in group),
        "p99": statistics.median(f["p99"] for f in group),
    }


def bar_of(job, pair):
    return BARS.get(job, NO_WORSE) if pair == OURS else NO_WORSE


def compare(summaries):
    """Returns {(kernel, job, pair): ratio} for all but the in-tree pair; a
    ratio counts as its bar is given, in hundredths."""
    ratios = {}
    for (kernel, job, pair), own in summaries.items():
        peer = summaries.get((kernel, job, PEER))
        if pair in (PEER, DISK) or not peer:
            continue
        ratio = own["cost"] / peer["cost"]
        bar = bar_of(job, pair)
        ratios[kernel, job, pair] = {
            "ratio": ratio,
            "bar": bar,
            "met": round(ratio, 2) <= bar,
        }
    return ratios


def ordered(keys, index):
    """Returns the distinct values of keys[index], as they first came."""
    return list(dict.fromkeys(k[index] for k in keys))


def cell_ratio(entry, wall):
    if not entry:
        return "-"
    text = f"{entry['ratio']:.3f}"
    if wall:
        return text
    return f"{text} ({entry['bar']:.2f} {'met' if entry['met'] else 'MISSED'})"


def cell_cost(entry, wall):
    if not entry:
        return "-"
    if wall:
        return (
            f"{entry['iops']:,.0f} +-{50 * entry['spread']:.0f}%"
            f" / {entry['cost'] / 1000:,.0f}"
        )
    return f"{entry['iops']:,.0f} / {entry['cost']:,.0f}"


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.ljust(w) for cell, w in zip(row, widths))
        print("  ".join([first, *rest]).rstrip())


def print_costs(kernel, jobs, summaries, ratios, wall):
    unit = "microseconds" if wall else "instructions"
    pairs = [p for p in (OURS, *MIXED) if any(k[2] == p for k in ratios)]
    print(f"{kernel}: IOPS / {unit} per I/O; ratio to in-tree (bar)\n")
    rows = [["job", "disk", "in-tree", "ours"]]
    rows[0] += [f"ratio {pair}" for pair in pairs]
    for job in jobs:
        cells = [summaries.get((kernel, job, p)) for p in (DISK, PEER, OURS)]
        row = [job] + [cell_cost(c, wall) for c in cells]
        row += [cell_ratio(ratios.get((kernel, job, p)), wall) for p in pairs]
        rows.append(row)
    print_table(rows)


def print_latency(kernel, jobs, summaries):
    rows = [["latency, microseconds", "in-tree p50", "p99", "ours p50", "p99"]]
    for job in jobs:
        own = summaries.get((kernel, job, OURS))
        peer = summaries.get((kernel, job, PEER))
        if not own or not peer:
            continue
        cells = peer["p50"], peer["p99"], own["p50"], own["p99"]
        rows.append([job] + [f"{c / 1000:,.1f}" for c in cells])
    if len(rows) > 1:
        print()
        print_table(rows)


ROW, LEFT, SCALE, PANEL = 22, 220, 360, 700


def svg_row(y, job, entry):
    """A bar as long as the ratio, with a mark where it has to end."""
    colour = "#2a7d4f" if entry["met"] else "#b3402a"
    length = SCALE * min(entry["ratio"], 1.2)
    mark = LEFT + SCALE * entry["bar"]
    return [
        f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{job}</text>',
        f'<rect x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="15"'
        f' fill="{colour}"/>',
        f'<line x1="{mark}" x2="{mark}" y1="{y}" y2="{y + 21}"'
        ' stroke="#222" stroke-width="2"/>',
        f'<text x="{LEFT + max(length, SCALE) + 8:.1f}" y="{y + 14}">'
        f'{entry["ratio"]:.2f}</text>',
    ]


def svg_panel(kernel, entries, top):
    lines = [f'<text x="10" y="{top + 16}" font-weight="bold">{kernel}</text>']
    for i, (job, entry) in enumerate(entries):
        lines += svg_row(top + 26 + ROW * i, job, entry)
    return lines


def write_svg(path, ratios, wall):
    unit = "Time" if wall else "Instructions"
    body, top = [], 34
    for kernel in ordered(ratios, 0):
        own = [(k[1], r) for k, r in ratios.items() if k[::2] == (kernel, OURS)]
        body += svg_panel(kernel, own, top)
        top += 40 + ROW * len(own)
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            '<svg xmlns="http://www.w3.org/2000/svg" font-size="12"'
            f' font-family="sans-serif" viewBox="0 0 {PANEL} {top}">\n'
            f'<rect width="{PANEL}" height="{top}" fill="#fff"/>\n'
            f'<text x="10" y="20">{unit} per I/O, these modules at both ends,'
            " in those of the in-tree pair; the mark is the bar</text>\n"
        )
        file.write("\n".join(body) + "\n</svg>\n")


def write_json(path, figures, ratios):
    rows = [
        {"kernel": k[0], "job": k[1], "pair": k[2], **r}
        for k, r in ratios.items()
    ]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"figures": figures, "ratios": rows}, file, indent=1)
        file.write("\n")


def report_memory(folder, paths):
    figures = read_figures(paths)
    for kernel in dict.fromkeys(f["kernel"] for f in figures):
        print(f"{kernel}: KiB, and KiB for each connection, both ends\n")
        own = [f for f in figures if f["kernel"] == kernel]
        pairs = list(dict.fromkeys(f["pair"] for f in own))
        rows = [["connections", *pairs]]
        for count in dict.fromkeys(f["connections"] for f in own):
            cells = {f["pair"]: f for f in own if f["connections"] == count}
            rows.append([f"{count:,}"] + [cell_kib(cells[p]) for p in pairs])
        print_table(rows)
        print()
    write_json(os.path.join(folder, "bench.json"), figures, {})


def cell_kib(figure):
    return f"{figure['kib']:,} / {figure['kib'] / figure['connections']:,.0f}"


def main(arguments):
    mode = arguments.pop(0) if arguments[:1] in MODES else None
    folder, *paths = arguments or [None]
    if not paths:
        sys.exit(__doc__)
    if mode == "--memory":
        report_memory(folder, paths)
    else:
        report_jobs(folder, paths, mode == "--wall")


def report_jobs(folder, paths, wall):
    store = os.path.join(folder, "bench.json")
    figures = read_figures(paths)
    measured = {key(f)[:2] for f in figures}
    figures += earlier_peer(store, figures)
    summaries = summarise(f for f in figures if key(f)[:2] in measured)
    ratios = compare(summaries)
    for kernel in ordered(summaries, 0):
        jobs = ordered([k for k in summaries if k[0] == kernel], 1)
        print_costs(kernel, jobs, summaries, ratios, wall)
        shallow = [job for job in jobs if "qd1" in job.split("-")]
        print_latency(kernel, shallow, summaries)
        print()
    missed = sum(not r["met"] for r in ratios.values())
    if not wall:
        print(f"{len(ratios) - missed} bars met, {missed} missed")
    write_json(store, figures, ratios)
    write_svg(os.path.join(folder, "bench.svg"), ratios, wall)


main(sys.argv[1:])
