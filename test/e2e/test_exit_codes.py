# SPDX-License-Identifier: Apache-2.0
"""Exit codes of every command, as the manuals say them: 0 it was done, 1 it could not be, 2 the command line is wrong."""
import os
import subprocess

import pytest

from lab import ADIT, ADITD, refusing_address
from process import WAIT_S
from test_command_line import commands, run

PROGRAMS = pytest.mark.parametrize("program", [ADIT, ADITD], ids=["adit", "aditd"])


@PROGRAMS
def test_a_wrong_command_line_is_2_everywhere(program):
    for words in commands(program):
        if words[0] in ("help", "version"):
            continue
        for wrong in (["--no-such-option"], ["--help=x"], ["x"] * 100):
            code, out, err = run(program, *words, *wrong)
            assert code == 2 and out == "" and err.count("\n") == 1, (words, wrong, out, err)
    for words in ([], ["no-such-command"]) if program == ADIT else (["no-such-command"],):
        assert run(program, *words)[0] == 2


@PROGRAMS
def test_a_missing_argument_is_2(program):
    _, listed, _ = run(program, "help")
    asked = 0
    for words in commands(program):
        _, told, _ = run(program, "help", *words)
        usage = told.splitlines()[0].split("]", 1)[1:]
        # What must be given stands without brackets; "ID ... | --state" may be either.
        if not usage or not usage[0].strip() or usage[0].strip().startswith("[") or "|" in usage[0] and "..." in usage[0]:
            continue
        code, out, err = run(program, *words)
        assert code == 2 and "argument is missing" in err, (words, out, err)
        asked += 1
    assert asked >= 5, listed


def test_an_edge_that_is_away_is_1(lab):
    address, keeper = refusing_address()
    token = os.path.join(lab.folder, "token")
    with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("adit_0123456789abcdef_0123456789abcdef0123456789abcdef\n")
    with keeper:
        for words in (["name", "list"], ["name", "release", "x"], ["domain", "list"], ["domain", "remove", "a.example.org"],
                      ["inbox", "list"], ["inbox", "show", "1"], ["inbox", "stat"], ["inbox", "drop", "1"], ["inbox", "replay", "1"],
                      ["inbox", "export"]):
            code, out, err = run(ADIT, *words, "--edge", f"https://{address}", "--token-file", token)
            assert code == 1 and err.strip(), (words, out, err)
    for words in (["status"], ["token", "list"], ["name", "list"], ["inbox", "stat"], ["stop"], ["reload"], ["wait", "up", "x"]):
        code, out, err = run(ADITD, "--control", os.path.join(lab.folder, "none"), *words)
        assert code == 1 and err.strip(), (words, out, err)


@pytest.mark.parametrize("argv", [[ADIT, "completions", "bash"], [ADITD, "completions", "fish"]])
def test_a_full_disk_behind_standard_output_is_1(argv):
    with open("/dev/full", "w") as full:
        assert subprocess.run(argv, stdout=full, stderr=subprocess.DEVNULL, timeout=2 * WAIT_S).returncode == 1
