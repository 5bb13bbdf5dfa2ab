# SPDX-License-Identifier: Apache-2.0
"""
Runs a command on a terminal of its own, does something to it, and tells
whether the terminal is afterwards as it was.

usage: screen.py SHOWN ACTION COMMAND...
  SHOWN     text to wait for before the action
  ACTION    key:q, signal:INT, resize:40x10 (then the key q), run:SHELL-COMMAND,
            stop: (then continue, then the key q)
Prints all that was shown; exits as the command did, 128 + N by a signal, and
with 99 if the terminal is not as it was.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


def resize(fd, columns, rows):
    """As a terminal emulator does when its window changes."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Screen:
    """A command on a terminal."""

    def __init__(self, command):
        self.master, self.slave = pty.openpty()
        resize(self.slave, 100, 40)
        self.before = termios.tcgetattr(self.slave)
        self.shown = b""
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read(self):
        """What it has written since; False when nothing comes for a while."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True

    def wait(self, condition):
        """Until that is so; fails if it is not in time."""
        due = time.monotonic() + PATIENCE
        while not condition():
            self.read()
            if time.monotonic() > due:
                self.process.kill()
                sys.exit("not within %d s" % PATIENCE)

    def wait_for(self, text):
        """Until that was shown after what has been shown so far."""
        begin = len(self.shown)
        self.wait(lambda: text in self.shown[begin:])

    def is_stopped(self):
        """Whether it waits to be continued."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(") ")[2].startswith("T")

    def act(self, action):
        """Carries out one ACTION."""
        kind, argument = action.split(":", 1)
        if kind == "key":
            os.write(self.master, argument.encode())
        elif kind == "signal":
            self.process.send_signal(signal.Signals["SIG" + argument])
        elif kind == "resize":
            resize(self.master, *map(int, argument.split("x")))
            for _ in range(2):  # the first one may have been on its way
                self.wait_for(b"\x1b[J")
            os.write(self.master, b"q")
        elif kind == "stop":
            self.process.send_signal(signal.SIGTSTP)
            self.wait_for(LEAVE)
            self.wait(self.is_stopped)
            self.process.send_signal(signal.SIGCONT)
            self.wait_for(ENTER)
            os.write(self.master, b"q")
        elif kind == "run":
            subprocess.run(argument, shell=True, check=True)
        else:
            sys.exit("what is " + action + "?")

    def is_as_it_was(self):
        """No mode is left behind, and the old screen is back."""
        left = self.shown.rpartition(LEAVE)[2]
        return (termios.tcgetattr(self.slave) == self.before and
                self.shown.count(ENTER) == self.shown.count(LEAVE) and
                ENTER not in left and SHOW_CURSOR in self.shown)


def main():
    """See the head of this file."""
    text, action, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    screen = Screen(command)
    screen.wait_for(text.encode())
    screen.act(action)
    screen.wait(lambda: screen.process.poll() is not None)
    while screen.read():
        pass
    sys.stdout.buffer.write(screen.shown.replace(b"\x1b", b"^"))
    if not screen.is_as_it_was():
        print("\nthe terminal is not as it was")
        return 99
    code = screen.process.returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
