# SPDX-License-Identifier: Apache-2.0
"""A disk that fails under a running edge: bad_disk.c, which is preloaded into it, and what tells it when."""
import mmap
import os
import shutil
import struct
import subprocess

from process import WAIT_S, until

WRITES, SYNCS, ENDS = 1, 2, 4
_HERE = os.path.dirname(os.path.abspath(__file__))


def why_not():
    return None if shutil.which("cc") else "no cc, which compiles test/lib/bad_disk.c"


class BadDisk:
    """`env` is for the edge; `fail(SYNCS)` makes all its syncs of the database fail until `fail(0)`."""

    def __init__(self, folder):
        library, path = os.path.join(folder, "bad_disk.so"), os.path.join(folder, "bad_disk")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, f"{_HERE}/bad_disk.c", "-ldl"],
                       check=True, capture_output=True)
        with open(path, "w+b") as f:
            f.write(bytes(12))
            f.flush()
            self.map = mmap.mmap(f.fileno(), 12)
        self.env = {"LD_PRELOAD": library, "ADIT_BAD_DISK": path}

    def fail(self, kinds):
        self.map[0:4] = struct.pack("=I", kinds)

    def fail_all(self):
        """After this no call that changes the database is in the kernel any more, and none comes there."""
        self.fail(WRITES | SYNCS | ENDS)
        until(lambda: self.number(1) == 0, 4 * WAIT_S, "calls that were under way have ended")

    def reset(self):
        """Before the next edge: one that was killed amid a call has left it counted."""
        self.map[0:8] = bytes(8)

    def n_failed(self):
        return self.number(2)

    def number(self, i):
        return struct.unpack_from("=I", self.map, 4 * i)[0]
