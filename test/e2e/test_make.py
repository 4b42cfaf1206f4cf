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


@pytest.mark.skipif(not shutil.which("ar"), reason="no ar")
def test_a_source_that_is_gone_leaves_its_library(tmp_path):
    shutil.copy(os.path.join(ROOT, "Makefile"), tmp_path)
    os.makedirs(tmp_path / "src/base")
    (tmp_path / "src/rooms").write_text("base:\n")
    for name in ("stays", "goes"):
        (tmp_path / f"src/base/{name}.c").write_text(f"int {name}(void);\nint {name}(void) {{ return 1; }}\n")

    def members():
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "B", "CFLAGS", "SAN")}
        subprocess.run(["make", "-s", "build/libbase.a"], cwd=tmp_path, env=env, check=True, capture_output=True, timeout=12 * WAIT_S)
        said = subprocess.run(["ar", "t", "build/libbase.a"], cwd=tmp_path, check=True, capture_output=True, text=True)
        return said.stdout.split()

    assert members() == ["goes.o", "stays.o"]
    made = os.stat(tmp_path / "build/libbase.a").st_mtime_ns
    assert members() == ["goes.o", "stays.o"] and os.stat(tmp_path / "build/libbase.a").st_mtime_ns == made
    os.unlink(tmp_path / "src/base/goes.c")
    assert members() == ["stays.o"]
