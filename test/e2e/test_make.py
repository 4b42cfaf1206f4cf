# SPDX-License-Identifier: Apache-2.0
"""What a stranger types first: make, make build."""
import os
import shutil
import subprocess

import pytest

from conftest import ROOT
from process import WAIT_S


def folder_of(lab, programs, **scripts):
    """A PATH of these programs alone, and of scripts."""
    path = os.path.join(lab.folder, "bin")
    os.makedirs(path)
    for name in programs:
        os.symlink(shutil.which(name), os.path.join(path, name))
    for name, text in scripts.items():
        with open(os.open(os.path.join(path, name.replace("_", "-")), os.O_WRONLY | os.O_CREAT, 0o755), "w") as f:
            f.write("#!/bin/sh\n" + text + "\n")
    return path


def run(lab, *argv, path):
    return subprocess.run([shutil.which(argv[0]) or os.path.join(ROOT, argv[0]), *argv[1:]], capture_output=True, text=True, timeout=12 * WAIT_S, cwd=ROOT,
                          env={"PATH": path, "B": os.path.join(lab.folder, "build"), "LC_ALL": "C"})


def test_make_prints_its_list_without_column(lab):
    done = run(lab, "make", path=folder_of(lab, ("sh", "sed")))
    assert done.returncode == 0, done
    for name in ("run", "build", "deps", "check", "install"):
        assert f"  make {name} " in done.stdout, done.stdout


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this is no Debian")
def test_build_names_what_is_missing_and_installs_nothing(lab):
    path = folder_of(lab, ("sh", "grep", "env", "id"), dpkg_query="exit 1", apt_get="echo called >>$0.log", sudo="echo called >>$0.log")
    done = run(lab, "tools/deps", "--name", "build", path=path)
    assert done.returncode == 1 and "missing: gcc libc6-dev" in done.stderr and "make deps" in done.stderr, done
    done = run(lab, "make", "build", path=path)
    assert done.returncode != 0 and "make deps" in done.stderr, done
    assert not [name for name in os.listdir(path) if name.endswith(".log")]
