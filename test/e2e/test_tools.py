# SPDX-License-Identifier: Apache-2.0
"""The project's own tools find what they are there to find."""
import os
import shutil
import subprocess

import pytest

from conftest import ROOT

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
    done = subprocess.run([tmp_path / "tools/layers"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "room base must not use net/conn.h" in done.stdout


def test_a_struct_with_the_name_of_another_is_found(tmp_path):
    shutil.copytree(f"{ROOT}/src", tmp_path / "src")
    os.makedirs(tmp_path / "tools")
    shutil.copy(f"{ROOT}/tools/layers", tmp_path / "tools/layers")
    with open(tmp_path / "src/net/conn.c", "a") as f:
        f.write("struct exchange;\nstruct slice {\n\tint n;\n};\n")
    done = subprocess.run([tmp_path / "tools/layers"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "struct slice is defined in src/base/slice.h, too" in done.stdout, done.stdout
    assert "struct exchange" not in done.stdout and "1 faults" in done.stdout
