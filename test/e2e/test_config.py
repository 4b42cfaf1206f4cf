# SPDX-License-Identifier: Apache-2.0
"""`adit config check`: a mistake is told with its place, and nothing is dialled."""
import json
import os
import subprocess

from lab import ADIT
from process import WAIT_S


def check(*args, home="/nonexistent"):
    return subprocess.run([ADIT, "config", "check", *args], capture_output=True, text=True, timeout=WAIT_S,
                          env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": ""})


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    return str(path)


def test_check(tmp_path):
    good = write(tmp_path / "good.yml", "edge: https://edge.example.org\ntunnels:\n  web: { origin: 8080 }\n")
    done = check(good)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no mistakes; tunnels: 1\n", "")
    assert json.loads(check("--json", good).stdout) == {"event": "config", "ok": True, "tunnels": 1}
    bad = write(tmp_path / "bad.yml", "tunnels:\n  web: { orign: 8080 }\n")
    done = check(bad)
    assert done.returncode == 2 and "bad.yml:2:10" in done.stderr and "origin" in done.stderr, done
    for text, place in (("web: { listen: 'x:y:z' }\n", ":1:16"), ("web: { hosts: [ 'a b' ] }\n", ":1:17"), ("web: { api: all }\n", ":1:13")):
        done = check(write(tmp_path / "web.yml", text))
        assert done.returncode == 2 and place in done.stderr, done
    assert check(str(tmp_path / "none.yml")).returncode == 1
    assert check(home=tmp_path).returncode == 1
    os.makedirs(tmp_path / ".config/adit")
    write(tmp_path / ".config/adit/adit.yml", "tunnels: {}\n")
    assert check(home=tmp_path).returncode == 0
    assert check("--file", good).returncode == 0 and check(good, "x").returncode == 2
