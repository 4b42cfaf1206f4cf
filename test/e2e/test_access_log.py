# SPDX-License-Identifier: Apache-2.0
"""The access log in a file of its own: its formats, what visitors put into it, and logrotate."""
import json
import os
import re
import signal

import pytest

from process import until

COMBINED = re.compile(r'(\S+) - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')


def served(lab, path, **more):
    extra = "".join(f", {k}: {v}" for k, v in more.items())
    edge = lab.edge(config=f"log: {{ access_file: {path}{extra} }}\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    edge.wait_up("web")
    return edge


def lines(path, n):
    def enough():
        got = open(path).read().splitlines() if os.path.exists(path) else []
        return got if len(got) >= n else None
    got = until(enough, what=f"{n} lines in {path}")
    assert len(got) == n, got
    return got


def test_combined(lab, tmp_path):
    path = tmp_path / "access.log"
    edge = served(lab, path, access_format="combined")
    assert edge.get("/a?token=CANARY", headers="User-Agent: curl/8\r\nReferer: https://hook.example.com/?key=CANARY\r\n").status == 200
    assert edge.get('/b"c').status == 400
    edge.get("/b", headers='User-Agent: x" 500 1 "y\\ \x9b31m' + "z" * 300 + "\r\n")
    found = [COMBINED.fullmatch(line) for line in lines(path, 3)]
    assert all(found), open(path).read()
    assert found[0][3] == "GET /a HTTP/1.1" and found[0][4] == "200" and found[0][6] == "https://hook.example.com/" and found[0][7] == "curl/8"
    assert found[1][3] == "-" and found[1][4] == "400" and found[1][7] == "-", "nothing of the request before"
    assert found[2][7].startswith('x\\" 500 1 \\"y\\\\ \\x9b31m') and "CANARY" not in open(path).read()
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert "event=request" not in edge.logged()


@pytest.mark.parametrize("form", ["json", "logfmt", None])
def test_as_the_log_has_it(lab, tmp_path, form):
    path = tmp_path / "access.log"
    edge = served(lab, path, **({"access_format": form} if form else {"format": "json"}))
    assert edge.get("/x").status == 200
    line = lines(path, 1)[0]
    if form == "logfmt":
        assert " event=request " in line and " path=/x " in line and " status=200 " in line
    else:
        made = json.loads(line)
        assert made["event"] == "request" and made["path"] == "/x" and made["status"] == 200 and made["host"] == "web.localhost"


def test_rotated(lab, tmp_path):
    path = tmp_path / "access.log"
    edge = served(lab, path, access_format="combined")
    assert edge.get("/1").status == 200
    lines(path, 1)
    os.rename(path, tmp_path / "access.log.1")
    assert edge.get("/2").status == 200
    lines(tmp_path / "access.log.1", 2)  # nothing is lost between the move and the signal
    edge.signal(signal.SIGHUP)
    until(path.exists)
    assert edge.get("/3").status == 200
    assert '"GET /3 ' in lines(path, 1)[0] and len(lines(tmp_path / "access.log.1", 2)) == 2


def test_what_cannot_be(lab, tmp_path):
    with pytest.raises(AssertionError, match="access_file"):
        lab.edge(config="log: { access_file: /proc/nowhere/access.log }\n")
    lab.parts.clear()
    with pytest.raises(AssertionError, match="access_format"):
        lab.edge(config="log: { access_format: combined }\n")
    lab.parts.clear()
