# SPDX-License-Identifier: Apache-2.0
"""Requests as files of other tools (doc/inspector-api.md, "Export and import"): each is run for real, with contents made to break its quoting."""
import base64
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

import pytest
from origin import Origin, echo
from process import WAIT_S
from test_inspector import ask, get, listed

HOSTILE = ["' ; touch pwned ; '", "$(touch pwned)", "`touch pwned`", "\\", "\"\"\"", "'''", "%s%n", "@/etc/passwd", "END", "!x", "a'b\"c\\d$e`f", "#", "-X DELETE"]
BODIES = [b"", b"@/etc/passwd", b"END\n", b"'\n$(touch pwned)\n'\n", b"\\x41\\101%s", b"\0\xff\r\n", b"\xe2\x80\xae\xc3\xa4", b"\"\"\"\\", b"x" * 70000, bytes(range(256)) * 30]


def lab_of(lab):
    origin = lab.keep(Origin(echo))
    edge = lab.edge()
    agent = lab.agent(edge, "http", origin.address, "--name", "web", "--web", "127.0.0.1:0")
    edge.wait_up("web")
    rnd = random.Random(7)
    with edge.visitor() as v:
        for i, body in enumerate(BODIES):
            odd = "".join(chr(rnd.choice(list(range(0x21, 0x7f)))) for _ in range(40))
            v.ask("POST" if i else "PUT", f"/{i}?a='$(touch%20pwned)'&b=`x`&c[1]={{2,3}}", body,
                  ["X-Empty:", f"X-Odd: {odd}", f"X-Hostile: {HOSTILE[i % len(HOSTILE)]}", f"X-More: {HOSTILE[-1 - i % len(HOSTILE)]}"] + (["Content-Type: text/x"] if i % 2 else []))
        v.ask("GET", "/../a/./b//c")
    rows = listed(agent, len(BODIES) + 1)
    return origin, agent, rows[::-1]


def export(agent, **wish):
    m, data = ask(agent, "POST", "/v1/export", wish)
    assert m.status == 200, data
    return m, data


def shape(request):
    """What a request is, without what a tool has to say of its own connection."""
    own = ("content-length", "connection", "transfer-encoding")
    return (request.raw_head.split(b"\r\n")[0], sorted((n.lower(), v) for n, v in request.fields if n.lower() not in own), request.body)


def same_again(origin, n):
    was, now = origin.requests[:n], origin.requests[n:]
    assert len(now) == n
    for a, b in zip(was, now):
        assert shape(a) == shape(b)


def test_curl_script(lab, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    origin, agent, rows = lab_of(lab)
    m, script = export(agent, ids=[r["id"] for r in rows], **{"as": "curl", "raw": True})
    assert 'filename="requests.sh"' in m.headers["Content-Disposition"]
    path = tmp_path / "requests.sh"
    path.write_bytes(script)
    done = subprocess.run(["sh", str(path), f"http://{origin.address}"], cwd=tmp_path, capture_output=True, timeout=4 * WAIT_S, env={**os.environ, "no_proxy": "*"})
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["requests.sh"]
    same_again(origin, len(rows))


def test_pytest_file(lab, tmp_path):
    origin, agent, rows = lab_of(lab)
    path = tmp_path / "test_requests.py"
    path.write_bytes(export(agent, q="", **{"as": "pytest", "raw": True})[1])
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(path)], cwd=tmp_path, capture_output=True, timeout=6 * WAIT_S,
                          env={**os.environ, "ORIGIN": f"http://{origin.address}", "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0 and b"%d passed" % len(rows) in done.stdout, done.stdout
    assert os.listdir(tmp_path) == ["test_requests.py"]
    same_again(origin, len(rows))


def test_tar_of_http_files(lab):
    origin, agent, rows = lab_of(lab)
    tar = tarfile.open(fileobj=io.BytesIO(export(agent, ids=[r["id"] for r in rows], **{"as": "http", "raw": True})[1]))
    names = tar.getnames()
    assert names == [f"{i + 1:03}-request.http" for i in range(len(rows))]
    for name, was in zip(names, origin.requests):
        remark, rest = tar.extractfile(name).read().split(b"\n", 1)
        head, body = rest.split(b"\n\n", 1)
        lines = head.split(b"\n")
        assert remark.startswith(b"# ") and lines[0] == was.raw_head.split(b"\r\n")[0] and body == was.body


def test_har_and_what_is_hidden(lab):
    origin, agent, rows = lab_of(lab)
    log = json.loads(export(agent, q="-method:GET", **{"as": "har", "raw": True})[1])["log"]
    assert log["version"] == "1.2" and log["creator"]["name"] == "adit" and len(log["entries"]) == len(BODIES)
    for entry, was, row in zip(log["entries"], origin.requests, rows):
        assert entry["startedDateTime"].endswith("Z") and entry["time"] > 0 and set(entry["timings"]) == {"send", "wait", "receive"} and entry["cache"] == {}
        request, answer = entry["request"], entry["response"]
        for key in ("method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"):
            assert key in request
        for key in ("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"):
            assert key in answer
        assert request["method"] == was.method and request["url"].endswith(was.target) and answer["status"] == 200 and entry["_id"] == row["id"]
        post = request.get("postData", {"text": ""})
        assert (base64.b64decode(post["text"]) if post.get("encoding") else post["text"].encode()) == was.body
    for form in ("har", "curl", "pytest", "http"):
        data = export(agent, q="", **{"as": form})[1]
        assert b"***" in data and b"=`x`" not in data, form


def test_what_is_refused(lab):
    _, agent, rows = lab_of(lab)
    for wish, status in (({}, 400), ({"as": "pdf", "q": ""}, 400), ({"as": "har"}, 400), ({"as": "har", "ids": [], "q": ""}, 400), ({"as": "har", "ids": [1]}, 400),
                         ({"as": "har", "ids": ["x"]}, 400), ({"as": "har", "ids": ["1"] * 1001}, 413), ({"as": "har", "q": "", "raw": "yes"}, 400)):
        m, data = ask(agent, "POST", "/v1/export", wish)
        assert m.status == status and json.loads(data)["code"], wish
    assert json.loads(export(agent, ids=["1"], **{"as": "har"})[1])["log"]["entries"] == []
    assert get(agent, "/v1/state")["counts"]["all"] == len(rows)
