# SPDX-License-Identifier: Apache-2.0
"""Small disks that can be filled and that lose their power: what was not synced is gone then. They need root."""
import ctypes
import fcntl
import os
import struct
import subprocess

from process import WAIT_S, until

MNT_DETACH = 2
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
_libc = ctypes.CDLL(None, use_errno=True)


class NoDisk(Exception):
    """Why there can be none here."""


def _run(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    except FileNotFoundError as e:
        raise NoDisk(f"{argv[0]} is not there") from e
    if done.returncode != 0:
        raise NoDisk(f"{' '.join(argv)}: {done.stderr.strip()}")


class Disk:
    """Mounted at `path`. ext4 lies in an image behind a loop device; its journal is committed by syncs alone."""

    def __init__(self, folder, kind, mib):
        if os.getuid() != 0:
            raise NoDisk("only root may mount")
        self.kind, self.mib = kind, mib
        self.image = os.path.join(folder, "image")
        self.path = os.path.join(folder, "disk")
        os.mkdir(self.path)
        if kind == "ext4":
            with open(self.image, "wb") as f:
                f.truncate(mib << 20)
            _run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        self.mount()

    def mount(self):
        if self.kind == "ext4":
            _run("mount", "-o", "loop,commit=300,errors=remount-ro", self.image, self.path)
        elif _libc.mount(b"tmpfs", self.path.encode(), b"tmpfs", 0, b"size=%dm" % self.mib) != 0:
            raise NoDisk("mounting a tmpfs: " + os.strerror(ctypes.get_errno()))

    def unmount(self):
        return _libc.umount2(self.path.encode(), 0) == 0

    def cut(self):
        """
        From now on nothing reaches the disk, and whoever tries is told EIO.  A sync that is under way may be told that it
        went well although it did not (Linux 6.18): what was promised counts up to the call of this.
        """
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as e:
            raise NoDisk(f"no shutdown of ext4: {e}") from e
        finally:
            os.close(fd)

    def power_up(self):
        """After cut(), when those that have files open are about to end: the disk as it was kept."""
        self._take_out()
        self.mount()

    def _take_out(self):
        """
        What is on it goes to another one: a namespace of mounts that somebody made meanwhile may keep the old one mounted,
        and with the same image the kernel would take that for this one.
        """
        until(self.unmount, 6 * WAIT_S, "nobody uses the disk any more")
        _run("cp", "--sparse=always", self.image, self.image + ".new")
        os.rename(self.image + ".new", self.image)

    def read_only(self):
        """As the kernel makes a file system on which it has found an error; what was not synced yet is lost."""
        source = subprocess.run(["findmnt", "-no", "SOURCE", self.path], capture_output=True, text=True, check=True).stdout.strip()
        with open(f"/sys/fs/ext4/{os.path.basename(source)}/trigger_fs_error", "w") as f:
            f.write("a test")

    def mend(self):
        """After read_only(), when nobody has files open there any more."""
        self._take_out()
        done = subprocess.run(["e2fsck", "-fy", self.image], capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 1), done
        self.mount()

    def sync(self):
        fd = os.open(self.path, os.O_RDONLY)
        _libc.syncfs(fd)
        os.close(fd)

    def free_bytes(self):
        v = os.statvfs(self.path)
        return v.f_bavail * v.f_frsize

    def fill(self):
        """A file that takes all the space there is; returns its path."""
        path = os.path.join(self.path, "filler")
        with open(path, "wb", buffering=0) as f:
            piece = bytes(1 << 16)
            try:
                while True:
                    if f.write(piece) < len(piece):
                        piece = bytes(4096)
            except OSError:
                pass
        return path

    def close(self):
        _libc.umount2(self.path.encode(), MNT_DETACH)
