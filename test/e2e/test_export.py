# SPDX-License-Identifier: Apache-2.0
"""Requests as files of other tools (doc/inspector-api.md, "Export and import"): each is run for real, with contents made to break its quoting."""
import base64
import http.client
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

import hooks
import pytest
from lab import ADIT
from origin import Origin, echo
from process import WAIT_S, until
from test_inspector import ask, get, listed
from test_replay import again, ended, hooked

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


def imported(agent, data):
    c = http.client.HTTPConnection(agent.up["web"], timeout=4 * WAIT_S)
    try:
        c.request("POST", "/v1/import", data, {"Content-Type": "application/octet-stream"})
        m = c.getresponse()
        return m.status, json.loads(m.read())
    finally:
        c.close()


@pytest.mark.parametrize("form", ["http", "har"])
def test_what_is_exported_is_imported_and_sent(lab, form):
    origin, agent, rows = lab_of(lab)
    n = len(rows)
    status, said = imported(agent, export(agent, q="", **{"as": form, "raw": True})[1])
    assert status == 200 and len(said["ids"]) == n and said["notes"] == [], said
    assert [r["id"] for r in get(agent, "/v1/exchanges?q=is:imported")["rows"]] == said["ids"][::-1]
    for i, new in enumerate(said["ids"]):
        one = get(agent, f"/v1/exchanges/{new}")
        assert one["state"] == "answered" and "imported" in one["flags"] and one["exact"] is True and one["delivery"] is None
        assert ask(agent, "GET", f"/v1/exchanges/{new}/request/body")[1] == origin.requests[i].body
        if form == "har":
            assert one["status"] == 200 and ask(agent, "GET", f"/v1/exchanges/{new}/response/body")[1] == origin.requests[i].body
        assert len(origin.requests) == n + i
        assert ended(agent, again(agent, new)[0])["status"] == 200
    same_again(origin, n)


def test_large_and_broken_files(lab):
    origin, agent, rows = lab_of(lab)
    big = os.urandom((16 << 20) - 4096)
    status, said = imported(agent, b"# remark\n\nPOST https://a.example/x?y=1 HTTP/1.1\nX-A: b\n\n" + big)
    assert status == 200 and len(said["ids"]) == 1, said
    one = get(agent, f"/v1/exchanges/{said['ids'][0]}")
    assert (one["path"], one["host"], one["exact"], one["flags"]) == ("/x", "a.example", True, ["imported"])
    assert ask(agent, "GET", f"/v1/exchanges/{one['id']}/request/body")[1] == big
    assert imported(agent, b"x" * ((16 << 20) + 1))[0] == 413
    for data in (b"", b"{", b"{}", b'{"log":{"entries":7}}', b"[" * 5000, b'{"a":' * 5000):
        status, said = imported(agent, data)
        assert status == (400 if data[:1] != b"[" else 200), (data[:9], said)
    har = {"log": {"entries": [7, {}, {"request": {"method": "G ET", "url": "http://a/"}}, {"request": {"method": "GET", "url": "http://a/b", "headers": [{"name": "a", "value": "b\r\nc: d"}]}},
                               {"request": {"method": "POST", "url": "/only-path", "bodySize": 5, "headers": [{"name": ":path", "value": "x"}, {"name": "Content-Length", "value": "9"}]}},
                               {"request": {"method": "POST", "url": "http://a", "postData": {"text": "%", "encoding": "base64"}}},
                               {"request": {"method": "POST", "url": "http://a", "postData": {"text": "AP8=", "encoding": "base64"}},
                                "response": {"status": 204, "headers": [{"name": "x", "value": "a\nb: c"}], "content": {"text": "t"}}}]}}
    status, said = imported(agent, json.dumps(har).encode())
    assert status == 200 and len(said["ids"]) == 2 and len(said["notes"]) == 6, said
    assert ask(agent, "GET", f"/v1/exchanges/{said['ids'][1]}/request/body")[1] == b"\0\xff"
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        t.addfile(tarfile.TarInfo("a.http"), io.BytesIO())
        t.addfile(tarfile.TarInfo("../../etc/passwd"), io.BytesIO())
    assert imported(agent, tar.getvalue())[1]["ids"] == []
    whole = tar.getvalue()
    for n in (100, 511, 513, 700):
        assert imported(agent, whole[:n])[0] == 200
    assert get(agent, "/v1/state")["counts"]["all"] == len(rows) + 3


def replay(edge, agent, *args):
    done = subprocess.run([ADIT, "replay", *args, "--web", agent.up["web"]], capture_output=True, text=True, timeout=4 * WAIT_S,
                          env={**os.environ, "HOME": edge.folder, "XDG_STATE_HOME": "", "no_proxy": "*"})
    return done.returncode, done.stdout, done.stderr


def test_the_command_sends_what_was_exported(lab, tmp_path):
    origin, edge, agent = hooked(lab)
    assert hooks.send(edge, 1).status in (200, 202)
    row = until(lambda: next(iter(get(agent, "/v1/exchanges?q=state:delivered")["rows"]), None), 20, "the delivered row")
    folder = tmp_path / "requests"
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(export(agent, ids=[row["id"]], **{"as": "http", "raw": True})[1])) as tar:
        for name in tar.getnames():
            (folder / name).write_bytes(tar.extractfile(name).read())
    (folder / "zzz.har").write_bytes(export(agent, ids=[row["id"]], **{"as": "har", "raw": True})[1])
    assert os.listdir(folder) != [] and (folder / "001-repo-push.http").exists()
    code, out, err = replay(edge, agent, str(folder), "-n")
    assert code == 0 and out.count("POST /bitbucket-hook/") == 2 and len(origin.requests) == 1, (out, err)
    code, out, err = replay(edge, agent, str(folder))
    assert code == 0 and out.count("sent as #") == 2, (out, err)
    until(lambda: len(origin.requests) == 3, 20, "both requests")
    assert shape(origin.requests[1]) == shape(origin.requests[0]) == shape(origin.requests[2])
    # Another body, signed anew.
    path = folder / "001-repo-push.http"
    path.write_bytes(path.read_bytes().replace(b'"main"', b'"other"'))
    code, out, err = replay(edge, agent, str(path), "--sign", "--to", "web")
    assert code == 0, err
    until(lambda: len(origin.requests) == 4, 20, "the signed request")
    last = origin.requests[-1]
    assert b'"other"' in last.body and last.get("x-hub-signature") == hooks.signed(last.body)
    assert replay(edge, agent, str(path), "--to", "nowhere")[0] == 1
    assert replay(edge, agent, str(tmp_path / "none"))[0] == 2
    (tmp_path / "bad.har").write_text("{")
    assert replay(edge, agent, str(tmp_path / "bad.har"))[0] == 2
    agent.stop()
    code, out, err = replay(edge, agent, str(path))
    assert code == 1 and "no agent answers" in err
