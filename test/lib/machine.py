# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd as its first process, for tests of units: namespaces of this one, and a root that is this one's
with a layer of memory on it. Nothing that happens in it stays. `why_not()` says why it cannot be had here."""
import os
import shutil
import subprocess
import time

from process import WAIT_S, die_with_us, until

SYSTEMD = "/lib/systemd/systemd"

# In the new namespaces: makes the root and becomes its systemd.
BOOT = r"""
set -e
top=$1
root=$top/root
mkdir -p "$root" "$top/layer"
mountpoint -q "$top/layer" || mount -t tmpfs -o mode=755 tmpfs "$top/layer"
mkdir -p "$top/layer/up" "$top/layer/work"
mount -t overlay overlay -o "lowerdir=${2:-/},upperdir=$top/layer/up,workdir=$top/layer/work" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
for d in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $d; done
chmod 1777 tmp
for d in null zero full random urandom tty; do touch dev/$d; mount --bind /dev/$d dev/$d; done
touch dev/console
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
if mount -t cgroup2 cgroup2 sys/fs/cgroup 2>/dev/null && [ -s sys/fs/cgroup/cgroup.controllers ]; then :
else
	umount sys/fs/cgroup 2>/dev/null || true
	mount -t tmpfs tmpfs sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
# Nothing of this machine's own services.
mkdir -p old
[ -e etc/booted ] || rm -rf etc/systemd/system/*.wants
touch etc/booted
ip link set lo up 2>/dev/null || true
pivot_root . old
umount -l old
mount --make-rshared /
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no
"""


def why_not():
    if os.geteuid() != 0:
        return "needs root, to make namespaces"
    if not os.path.exists(SYSTEMD):
        return "systemd is not installed"
    for program in ("unshare", "nsenter", "runuser", "ip"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


class Machine:
    """Its root stays from boot() to boot(), until close()."""

    def __init__(self, folder, lower="/"):
        self.folder = folder
        self.lower = lower
        self.child = None
        os.makedirs(f"{folder}/layer", exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{folder}/layer"], check=True)

    def boot(self):
        """None, or why systemd does not start here."""
        log = open(f"{self.folder}/boot.log", "ab")
        self.child = subprocess.Popen(["unshare", "-m", "-p", "-u", "-i", "-n", "-C", "--fork", "--kill-child", "--propagation",
                                       "private", "bash", "-c", BOOT, "boot", self.folder, self.lower],
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_us)
        log.close()
        state = ""
        end = time.monotonic() + 6 * WAIT_S
        while state not in ("running", "degraded"):
            if self.child.poll() is not None or time.monotonic() > end:
                with open(f"{self.folder}/boot.log", errors="replace") as f:
                    return f"systemd does not start here (it says \"{state}\"): " + f.read()[-600:]
            time.sleep(0.1)
            if self._first() is not None:
                state = self.run("systemctl is-system-running", ok=None).stdout.strip()
        return None

    def _first(self):
        """The process that is number 1 in there."""
        try:
            with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as f:
                return f.read().split()[0]
        except (OSError, IndexError):
            return None

    def run(self, script, user=None, ok=True, stdin=None):
        """A script of bash, typed in there by root or by a user with a session."""
        argv = ["nsenter", "-t", self._first() or "0", "-a", "env", "-i", "TERM=dumb", "LC_ALL=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        if user is None:
            argv += ["HOME=/root", "USER=root", "bash", "-c", "cd /root || exit\n" + script]
        else:
            argv += ["runuser", "-u", user, "--", "bash", "-c",
                     'export USER=$(id -un) HOME=$(getent passwd $(id -un) | cut -d: -f6) XDG_RUNTIME_DIR=/run/user/$(id -u) && '
                     'cd "$HOME" || exit\n' + script]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=12 * WAIT_S, input=stdin or "")
        assert ok is None or (done.returncode == 0) == ok, f"{script}\n-> {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def halt(self):
        """The power goes."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None

    def close(self):
        self.halt()
        until(lambda: subprocess.run(["umount", f"{self.folder}/layer"], capture_output=True).returncode == 0, 4 * WAIT_S)
