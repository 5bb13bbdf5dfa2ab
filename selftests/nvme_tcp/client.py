# SPDX-License-Identifier: Apache-2.0
"""The initiator of this kernel, driven by its own files, without nvme-cli."""

import concurrent.futures
import errno
import glob
import mmap
import os
import subprocess
import time

from fake import BLOCK, SLOW

DEBUGFS = "/sys/kernel/debug/nvme_tcp"
HOSTID = "11111111-2222-3333-4444-555555555555"
HOSTNQN = f"nqn.2014-08.org.nvmexpress:uuid:{HOSTID}"


def read_file(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def until(condition, seconds, what):
    """Wait for a state."""
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class KernelLog:
    """What the kernel says from now on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.lines = []

    def has(self, text):
        while True:
            try:
                record = os.read(self.fd, 8192)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.EPIPE:
                    continue
                raise
            self.lines.append(record.decode(errors="replace")
                              .partition(";")[2].splitlines()[0])
        return any(text in line for line in self.lines)

    def close(self):
        os.close(self.fd)


class Controller:
    """A connection of this host to a target."""

    def __init__(self, target, **options):
        options = {"reconnect_delay": 1, "ctrl_loss_tmo": 60,
                   "keep_alive_tmo": 30, "nr_io_queues": 1, **options}
        words = [f"nqn={target.nqn}", "transport=tcp", "traddr=127.0.0.1",
                 f"trsvcid={target.port}", f"hostnqn={HOSTNQN}",
                 f"hostid={HOSTID}"]
        words += [key if value is True else f"{key}={value}"
                  for key, value in options.items() if value is not False]
        # Without a buffer: each write is an attempt to connect.
        with open("/dev/nvme-fabrics", "r+b", buffering=0) as file:
            file.write(",".join(words).encode())
            answer = file.read(4096).decode()
        self.instance = int(answer.split(",")[0].split("=")[1])
        self.name = f"nvme{self.instance}"
        self.sysfs = f"/sys/class/nvme/{self.name}"
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        self.unmerged = set()

    def state(self):
        return read_file(f"{self.sysfs}/state").strip()

    def wait_state(self, state, seconds=30):
        until(lambda: self.state() == state, seconds, f"state {state}")

    def device(self):
        """Its block device, once it is there and can be opened: the kernel
        makes the node first, and the disk live only when all of sysfs is
        there."""
        until(self._opens, 20, "block device")
        path = self._path()
        if path not in self.unmerged:
            self._no_merges(path)
            self.unmerged.add(path)
        return path

    @staticmethod
    def _no_merges(path):
        """What is read ahead may fail, and takes along what it is merged with.
        To say so waits for all that is under way, so it is said once."""
        with open(f"/sys/block/{os.path.basename(path)}/queue/nomerges", "w",
                  encoding="ascii") as file:
            file.write("2")

    def _path(self):
        found = glob.glob(f"{self.sysfs}/{self.name}n*")
        return "/dev/" + os.path.basename(found[0]) if found else None

    def _opens(self):
        path = self._path()
        try:
            if path:
                os.close(os.open(path, os.O_RDONLY))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENXIO):
                return False
            raise
        return path is not None

    def stats(self, qid=1):
        text = read_file(f"{DEBUGFS}/{self.name}/queue{qid}/stats")
        return {key: int(value) for key, value in
                (line.split() for line in text.splitlines())}

    def queue(self, qid=1):
        text = read_file(f"{DEBUGFS}/{self.name}/queue{qid}/state")
        return dict(line.split(None, 1) for line in text.splitlines())

    def resets(self):
        text = read_file(f"{DEBUGFS}/{self.name}/state")
        return int(dict(line.split(None, 1)
                        for line in text.splitlines())["resets"])

    def start(self, function, *args):
        return self.pool.submit(function, *args)

    def start_read(self, offset, length):
        return self.start(direct_read, self.device(), offset, length)

    def start_write(self, offset, data):
        return self.start(direct_write, self.device(), offset, data)

    def read(self, offset, length, seconds=40):
        return self.start_read(offset, length).result(seconds * SLOW)

    def write(self, offset, data, seconds=40):
        return self.start_write(offset, data).result(seconds * SLOW)

    def delete(self):
        """Disconnect; how long that took, as if at full speed."""
        begin = time.monotonic()
        try:
            with open(f"{self.sysfs}/delete_controller", "w",
                      encoding="ascii") as file:
                file.write("1")
        except (FileNotFoundError, OSError):
            pass
        until(lambda: not os.path.exists(self.sysfs), 40, "deletion")
        self.pool.shutdown(wait=True)
        return (time.monotonic() - begin) / SLOW


def buffer_of(data):
    """Memory that direct I/O can use."""
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


def open_disk(path, flags):
    """Opens it; an error says what else is known of it."""
    try:
        return os.open(path, flags | os.O_DIRECT)
    except OSError as error:
        error.add_note("\n".join(around(path)))
        raise


def around(path):
    """What there is of a disk and its controllers."""
    sysfs = "/sys/block/" + os.path.basename(path)
    yield "nodes: " + " ".join(glob.glob("/dev/nvme*"))
    for name in ("dev", "size"):
        try:
            yield f"{name}: {read_file(f'{sysfs}/{name}').strip()}"
        except OSError as error:
            yield str(error)
    for name in glob.glob("/sys/class/nvme/*/state"):
        yield f"{name}: {read_file(name).strip()}"
    yield subprocess.run("dmesg | tail -n 20", shell=True, text=True,
                         check=False, stdout=subprocess.PIPE).stdout


def direct_read(path, offset, length):
    memory = mmap.mmap(-1, max(length, BLOCK))
    memory[:] = b"\xEE" * len(memory)
    fd = open_disk(path, os.O_RDONLY)
    try:
        if os.preadv(fd, [memory], offset) != length:
            raise OSError(errno.EIO, "short read")
    finally:
        os.close(fd)
    return bytes(memory[:length])


def direct_write(path, offset, data):
    memory = buffer_of(data)
    fd = open_disk(path, os.O_WRONLY)
    try:
        if os.pwritev(fd, [memory], offset) != len(data):
            raise OSError(errno.EIO, "short write")
    finally:
        os.close(fd)
