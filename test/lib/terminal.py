# SPDX-License-Identifier: Apache-2.0
"""A terminal of ours: a pty whose other side is a shell that runs one program, and the picture that it has painted.

The picture is read by a small reader of our own, which knows what adit's painter writes and complains of anything else, and
beside it by pyte, where that is installed: both must show the same."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
import unicodedata

from process import WAIT_S, until

try:
    import pyte
except ImportError:
    pyte = None

TOKEN = re.compile(rb"\x1b\[(\??[0-9;<]*)([A-Za-z])|\x1b\](.*?)(?:\x1b\\|\x07)|\x1b(?!\[|\])(.)|([\x00-\x1a\x1c-\x1f])|([^\x00-\x1f\x1b]+)", re.S)


class Picture:
    """What a terminal shows, as far as adit writes it."""

    def __init__(self, columns, lines):
        self.rest, self.links, self.copied, self.strange = b"", set(), [], []
        self.alternate, self.cursor, self.synchronized, self.mouse = False, True, False, False
        self.frames = 0
        self.resize(columns, lines)
        self.main = ""

    def resize(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.lines)]
        self.inverse, self.style = set(), b""
        self.x = self.y = 0

    def put(self, text):
        for c in text:
            if unicodedata.category(c) in ("Mn", "Me"):
                if self.x > 0 and self.y < self.lines:
                    self.cells[self.y][self.x - 1] += c
                continue
            if self.y < self.lines and self.x < self.columns:
                self.cells[self.y][self.x] = c
                (self.inverse.add if b"7" in self.style.split(b";") else self.inverse.discard)((self.y, self.x))
            self.x += 1
            if unicodedata.east_asian_width(c) in "WF":
                if self.y < self.lines and self.x < self.columns:
                    self.cells[self.y][self.x] = ""
                self.x += 1

    def mode(self, parameters, on):
        for m in parameters[1:].split(b";"):
            if m == b"1049":
                self.alternate = on
                if on:
                    self.clear()
            elif m == b"25":
                self.cursor = on
            elif m == b"2026":
                self.synchronized = on
                self.frames += on
            elif m == b"1000":
                self.mouse = on

    def feed(self, data):
        data, at = self.rest + data, 0
        for m in TOKEN.finditer(data):
            if m.start() != at or (m.end() == len(data) and m[6]):
                break
            at = m.end()
            parameters, final, osc, other, control, text = m.groups()
            if text:
                self.text(text)
            elif control:
                self.main += "" if self.alternate else control.decode()
                if self.alternate:
                    self.strange.append(control)
            elif osc is not None:
                self.osc(osc)
            elif other:
                self.strange.append(other)
            elif final == b"H":
                y, x = (parameters or b"1;1").split(b";")
                self.y, self.x = int(y) - 1, int(x) - 1
            elif final == b"J":
                self.clear()
            elif final == b"m":
                self.style = parameters
            elif final in b"hl" and parameters.startswith(b"?"):
                self.mode(parameters, final == b"h")
            else:
                self.strange.append(m[0])
        self.rest = data[at:]
        m = TOKEN.match(self.rest)
        if m and m[6]:
            with contextlib.suppress(UnicodeDecodeError):
                self.rest.decode()
                self.text(self.rest)
                self.rest = b""

    def text(self, text):
        text = text.decode()
        if self.alternate:
            self.put(text)
        else:
            self.main += text

    def osc(self, osc):
        if osc.startswith(b"8;;"):
            self.links.add(osc[3:].decode())
        elif osc.startswith(b"52;c;"):
            self.copied.append(osc[5:])
        else:
            self.strange.append(osc)

    def text_lines(self):
        return ["".join(line).rstrip() for line in self.cells]


class Terminal:
    """argv in a shell on a pty of this size. The shell outlives the program and keeps the terminal."""

    def __init__(self, argv, env, columns=80, lines=24, shell=None):
        self.picture = Picture(columns, lines)
        self.screen = pyte.Screen(columns, lines) if pyte else None
        self.stream = pyte.ByteStream(self.screen) if pyte else None
        self.raw, self.lock = bytearray(), threading.Lock()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                # A session that has been told nothing of ours.
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                for sig in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # what nohup and & of a shell leave ignored
                    signal.signal(sig, signal.SIG_DFL)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                os.execvpe("/bin/sh", ["sh", "-c", shell or 'read go; "$@"; echo "[rc=$?]"; read go', "sh", *argv], env)
            finally:
                os._exit(127)
        self.before = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        until(lambda: termios.tcgetattr(self.fd)[3] & termios.ECHO, WAIT_S)
        self.before = termios.tcgetattr(self.fd)
        self.send(b"\n")

    def read(self):
        while True:
            try:
                if not select.select([self.fd], [], [], 0.5)[0]:
                    continue
                data = os.read(self.fd, 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            with self.lock:
                self.raw += data
                self.picture.feed(data)
                if self.stream:
                    self.stream.feed(data)

    def send(self, data):
        os.write(self.fd, data)

    def __str__(self):
        return f"{self.text()}\n--- main screen:\n{self.picture.main}\n--- strange: {self.picture.strange[:5]}"

    def lines(self):
        with self.lock:
            return self.picture.text_lines()

    def text(self):
        return "\n".join(self.lines())

    def shows(self, *texts, seconds=4 * WAIT_S):
        until(lambda: all(t in self.text() for t in texts), seconds, self)

    def agree(self):
        """Our reader and pyte see the same; True without pyte."""
        with self.lock:
            if self.screen is None:
                return True
            return [line.rstrip() for line in self.screen.display] == self.picture.text_lines()

    def resize(self, columns, lines):
        with self.lock:
            self.picture.resize(columns, lines)
            if self.screen:
                self.screen.resize(lines, columns)
                self.screen.reset()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def program(self, name="adit"):
        """The pid of the shell's child of this name."""
        def find():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    stat = open(f"/proc/{pid}/stat").read()
                    comm, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
                    if comm == name and int(rest[1]) == self.pid:
                        return int(pid)
            return None
        until(find, 4 * WAIT_S)
        return find()

    def is_sane(self):
        """As it was found: settings, screen, cursor, nothing half open."""
        p = self.picture
        return (termios.tcgetattr(self.fd)[:6] == self.before[:6] and not p.alternate and p.cursor and not p.synchronized
                and not p.mouse and not p.strange)

    def ended(self, rc=None, killed=False):
        """The shell has said so. Of a program that was killed it may have done so before the screen was put right."""
        wanted = "[rc=" if rc is None else f"[rc={rc}]"

        def is_over():
            if killed:
                self.picture.strange = [c for c in self.picture.strange if c not in (b"\r", b"\n")]
                return wanted.encode() in self.raw and self.is_sane()
            return wanted in self.picture.main and self.is_sane()
        until(is_over, 6 * WAIT_S, self)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGHUP)
            os.kill(self.pid, signal.SIGCONT)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            time.sleep(0.01)
        os.close(self.fd)
        self.thread.join(2)
