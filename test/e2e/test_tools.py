# SPDX-License-Identifier: Apache-2.0
"""The project's own tools find what they are there to find."""
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from process import WAIT_S

CC = os.environ.get("CC", "cc").split()


def rooms_of(folder, lower, upper):
    """Two rooms, each of one file, as libraries and a table in which the upper one may use the lower one."""
    for room, text in (("low", lower), ("high", upper)):
        os.makedirs(f"{folder}/src/{room}")
        with open(f"{folder}/src/{room}/{room}.c", "w") as f:
            f.write(text)
        subprocess.run([*CC, "-g", "-c", "-o", f"{room}.o", f"src/{room}/{room}.c"], cwd=folder, check=True)
        subprocess.run(["ar", "rcs", f"lib{room}.a", f"{room}.o"], cwd=folder, check=True)
    with open(f"{folder}/rooms", "w") as f:
        f.write("# a comment\nlow:\nhigh: low\n")
    return subprocess.run([f"{ROOT}/tools/walls", folder, f"{folder}/rooms"], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not shutil.which("ar"), reason="no ar")
def test_a_call_that_runs_up_is_found(tmp_path):
    done = rooms_of(str(tmp_path), "void high_b(void);\nvoid low_a(void) { high_b(); }\n",
                    "void low_a(void);\nvoid high_b(void);\nvoid high_b(void) { low_a(); }\n")
    assert done.returncode == 1
    assert "src/low: low.c calls" in done.stdout and "high_b" in done.stdout and "1 of 2 rooms" in done.stdout


@pytest.mark.skipif(not shutil.which("ar"), reason="no ar")
def test_calls_that_run_down_are_fine(tmp_path):
    done = rooms_of(str(tmp_path), "void low_a(void);\nvoid low_a(void) { }\n",
                    "void low_a(void);\nvoid high_b(void);\nvoid high_b(void) { low_a(); }\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rooms, the walls hold" in done.stdout


@pytest.mark.skipif(not shutil.which("ar"), reason="no ar")
def test_a_call_past_the_next_room_is_found(tmp_path):
    """high may use mid, which uses low: mid's calls are no fault, high's own of low are one."""
    files = {"low": "void low_a(void);\nvoid low_a(void) { }\n",
             "mid": "void low_a(void);\nvoid mid_b(void);\nvoid mid_b(void) { low_a(); }\n",
             "high": "void mid_b(void);\nvoid high_c(void);\nvoid high_c(void) { mid_b(); }\n"}

    def look(high):
        for room, text in {**files, "high": high}.items():
            os.makedirs(tmp_path / "src" / room, exist_ok=True)
            (tmp_path / "src" / room / f"{room}.c").write_text(text)
            subprocess.run([*CC, "-g", "-c", "-o", f"{room}.o", f"src/{room}/{room}.c"], cwd=tmp_path, check=True)
            subprocess.run(["ar", "rcs", f"lib{room}.a", f"{room}.o"], cwd=tmp_path, check=True)
        (tmp_path / "rooms").write_text("low:\nmid: low\nhigh: mid\n")
        return subprocess.run([f"{ROOT}/tools/walls", tmp_path, tmp_path / "rooms"], capture_output=True, text=True, timeout=60)

    fine = look(files["high"])
    assert fine.returncode == 0, fine.stdout + fine.stderr
    done = look("void low_a(void);\nvoid mid_b(void);\nvoid high_c(void);\nvoid high_c(void) { mid_b(); low_a(); }\n")
    assert done.returncode == 1 and "src/high: high.c calls" in done.stdout and "mid.c" not in done.stdout


def test_an_include_that_runs_up_is_found(tmp_path):
    """tools/layers reads the same table."""
    shutil.copytree(f"{ROOT}/src", tmp_path / "src")
    os.makedirs(tmp_path / "tools")
    shutil.copy(f"{ROOT}/tools/layers", tmp_path / "tools/layers")
    fine = subprocess.run([tmp_path / "tools/layers"], capture_output=True, text=True, timeout=60)
    assert fine.returncode == 0, fine.stdout
    with open(tmp_path / "src/base/slice.h", "a") as f:
        f.write('#include "net/conn.h"\n')
    with open(tmp_path / "src/store/job.h", "a") as f:
        f.write('#include <sqlite3.h>\n')
    done = subprocess.run([tmp_path / "tools/layers"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "room base must not use net/conn.h" in done.stdout
    assert "job.h" in done.stdout and "only store/sqlite knows SQLite" in done.stdout


def test_a_struct_with_the_name_of_another_is_found(tmp_path):
    shutil.copytree(f"{ROOT}/src", tmp_path / "src")
    os.makedirs(tmp_path / "tools")
    shutil.copy(f"{ROOT}/tools/layers", tmp_path / "tools/layers")
    with open(tmp_path / "src/net/conn.c", "a") as f:
        f.write("struct exchange;\nstruct slice {\n\tint n;\n};\n")
    done = subprocess.run([tmp_path / "tools/layers"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "struct slice is defined in src/base/slice.h, too" in done.stdout, done.stdout
    assert "struct exchange" not in done.stdout and "1 faults" in done.stdout


def check_of(folder, flaky=""):
    """tools/check over one end-to-end test that fails the first time and passes the second time."""
    for name in ("tools", "test/e2e", "build"):
        os.makedirs(folder / name, exist_ok=True)
    shutil.copy(f"{ROOT}/tools/check", folder / "tools/check")
    (folder / "build/aditd").write_text("")
    (folder / "test/flaky").write_text("# a comment\n" + flaky)
    (folder / "test/e2e/test_second.py").write_text(
        "import os\n\ndef test_first(tmp_path):\n    pass\n\n"
        f"def test_second():\n    seen = os.path.exists('{folder}/seen')\n    open('{folder}/seen', 'w').close()\n    assert seen\n")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_") and k != "ONLY"}
    return subprocess.run([sys.executable, folder / "tools/check", folder / "build"], capture_output=True, text=True, timeout=12 * WAIT_S, env=env)


def test_a_test_that_fails_once_fails_the_run(tmp_path):
    done = check_of(tmp_path)
    assert done.returncode == 1 and done.stdout.endswith("\n1 passed, 1 failed, 0 skipped\n"), done.stdout + done.stderr
    assert "assert seen" in done.stdout


def test_what_the_list_of_flaky_tests_names_is_told_and_fails_nothing(tmp_path):
    done = check_of(tmp_path, "2026-11-29 test/e2e/test_second.py::test_second it looks for a file\n")
    assert done.returncode == 0 and done.stdout.endswith("\n1 passed, 0 failed, 1 skipped\n"), done.stdout + done.stderr
    assert "FLAKY test/e2e/test_second.py::test_second: 2026-11-29: it looks for a file" in done.stdout
