#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Says which functions the instructions of an I/O go to.

usage: bench-profile.py FOLDER NUMBER FILE...

FILEs are what the guests of scripts/bench.sh --profile printed. For each job,
shares of the sides and layers and the NUMBER functions with the most, in
instructions per I/O. FOLDER gets the stacks of each job, folded as flame graph
tools like them.

A sample belongs to the side whose module is innermost in its stack, thus what
the other side's socket does with a packet within a send to that of the sender.
"""
import collections
import json
import os
import re
import sys

SIDES = {
    "nvme_tcp": "initiator",
    "nvme_core": "initiator",
    "nvme_fabrics": "initiator",
    "nvmet_tcp": "target",
    "nvmet": "target",
}
LAYERS = [
    ("driver", r"\[nvmet?_tcp\]$"),
    ("nvme core", r"\[nvme"),
    ("null_blk", r"\[null_blk\]$"),
    ("user space", r"\[user\]$"),
    ("crc32c", r"crc32c|crc_pcl"),
    ("network", r"^_*(tcp|inet|ip|sock|sk|skb|net|netif|dev_|loopback|lock_sock"
     r"|release_sock|process_backlog|nf_|import_|simple_copy|__?napi)"),
    ("pages and slab", r"^_*(alloc_page|free_page|kmalloc|kfree|kmem_cache"
     r"|get_page|free_unref|page_frag|folio|sgl_|alloc_frozen)"),
    ("block layer", r"^_*(blk|bio|blkdev|submit_bio|sbitmap|elv|dd_|plug)"),
    ("io_uring", r"^_*(do_sys_)?io_"),
    ("scheduler", r"^_*(schedule|queue_work|worker_thread|kthread|try_to_wake"
     r"|wake_up|process_one_work|finish_task|pick_next|swake|autoremove)"),
    ("interrupts", r"irq|softirq|timer|apic"),
]
MATCHERS = [(name, re.compile(pattern)) for name, pattern in LAYERS]


def read(paths):
    """Returns {(kernel, pair, job): (cost, {stack: samples})}."""
    profiles = {}
    for path in paths:
        costs, names = {}, {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line[0] == "{":
                    figure = json.loads(line)
                    names[figure["job"]] = figure["kernel"], figure["pair"]
                    costs[figure["job"]] = 1e9 / figure["iops"]
                elif line[0] == "@":
                    _, job, rest = line.rstrip("\n").split(" ", 2)
                    stack, count = rest.rsplit(" ", 1)
                    where = (*names[job], job)
                    profile = profiles.setdefault(where, (costs[job], {}))
                    profile[1][stack] = int(count)
    return profiles


def side_of(frames):
    for frame in reversed(frames):
        module = frame[frame.rfind("[") + 1 : -1]
        if frame[-1] == "]" and module in SIDES:
            return SIDES[module]
    return "fio and kernel"


def layer_of(frames):
    """The layer of the innermost frame that tells, so that a copy belongs to
    who asked for it."""
    for frame in reversed(frames):
        for name, matcher in MATCHERS:
            if matcher.search(frame):
                return name
    return "other"


class Tally:
    """Instructions per I/O of a job, by what they are spent in."""

    def __init__(self, cost, stacks):
        self.own = collections.Counter()
        self.whole = collections.Counter()
        self.parts = collections.Counter()
        price = cost / sum(stacks.values())
        for stack, count in stacks.items():
            self.add(stack.split(";"), count * price)

    def add(self, frames, cost):
        side = side_of(frames[1:])
        self.own[side, frames[-1]] += cost
        for frame in set(frames[1:]):
            self.whole[frame] += cost
        self.parts[side, layer_of(frames[1:])] += cost


def print_parts(tally):
    sides = collections.Counter()
    for (side, _), cost in tally.parts.items():
        sides[side] += cost
    for side, cost in sides.most_common():
        print(f"{cost:8.0f}  {side}")
        for (owner, layer), part in tally.parts.most_common():
            if owner == side and part >= 50:
                print(f"{'':10}{part:8.0f}  {layer}")


def print_functions(tally, number):
    print("\n     own     with  side            function")
    for (side, name), cost in tally.own.most_common(number):
        whole = tally.whole[name]
        print(f"{cost:8.0f} {whole:8.0f}  {side:14}  {name}")
    print("\n     with what they call: functions of the drivers")
    ours = [
        (cost, name)
        for name, cost in tally.whole.most_common()
        if re.search(r"\[nvmet?_tcp\]$", name)
    ]
    for cost, name in ours[:number]:
        print(f"{cost:8.0f}  {name}")


def save(folder, where, stacks):
    name = "_".join(where).replace("/", "-") + ".folded"
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        for stack, count in sorted(stacks.items()):
            file.write(f"{stack} {count}\n")


def main(arguments):
    if len(arguments) < 3:
        sys.exit(__doc__)
    folder, number, *paths = arguments
    os.makedirs(folder, exist_ok=True)
    for where, (cost, stacks) in read(paths).items():
        save(folder, where, stacks)
        tally = Tally(cost, stacks)
        samples = sum(stacks.values())
        print(f"\n{' '.join(where)}: {cost:.0f} instructions, {samples} samples")
        print_parts(tally)
        print_functions(tally, int(number))


main(sys.argv[1:])
