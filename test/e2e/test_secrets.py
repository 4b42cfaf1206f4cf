# SPDX-License-Identifier: Apache-2.0
"""S-23: what is secret in a request or a configuration shows in no log, no file and no core."""
import os


CANARY = "c4n4ry-%s-4711"


def everything_written(lab, edge, agent):
    """All bytes that the programs left behind: logs, standard output, the store. Not what the inspector keeps: that is for its user."""
    out = {}
    for root, folders, files in os.walk(lab.folder):
        if os.path.basename(root) == "adit" and "capture" in folders:
            folders.remove("capture")
            assert os.stat(os.path.join(root, "capture")).st_mode & 0o777 == 0o700
        for name in files:
            path = os.path.join(root, name)
            try:
                with open(path, "rb") as f:
                    out[path] = f.read()
            except OSError:
                continue  # a socket
    out["stdout of the edge"] = "\n".join(x for x in edge.lines if x).encode()
    out["stdout of the agent"] = "\n".join(x for x in agent.lines if x).encode()
    return out


def test_s23_canaries_are_in_no_log(lab):
    edge = lab.edge(config="log:\n  level: debug\n  access: true\n")
    origin = lab.origin()
    agent = lab.agent(edge, "http", origin.address, "--name", "web")
    spots = ["authorization", "cookie", "query", "signature", "body", "gitlab", "proxyauth", "setcookie", "path-query"]
    canary = {s: CANARY % s for s in spots}

    def behave(c, request):
        c.answer(canary["setcookie"].encode(), headers=[f"Set-Cookie: s={canary['setcookie']}"])
    origin.behave = behave
    with edge.visitor() as v:
        m = v.ask("POST", f"/hook?token={canary['query']}&a=b", canary["body"].encode(), [
            f"Authorization: Bearer {canary['authorization']}", f"Cookie: s={canary['cookie']}",
            f"X-Hub-Signature: sha256={canary['signature']}", f"X-Gitlab-Token: {canary['gitlab']}",
            f"Proxy-Authorization: Basic {canary['proxyauth']}"])
        assert m.status == 200
    agent.stop()
    with edge.visitor() as v:  # errors are logged, too
        assert v.ask("GET", f"/?key={canary['path-query']}", headers=[f"Authorization: x {canary['authorization']}"]).status == 503
        v.send(f"GET /?k={canary['path-query']} HTTP/1.1\r\nHost: web.localhost\r\nAuthorization: {canary['authorization']}\r\n"
               "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert v.response().status == 400
    with open(edge.token) as f:
        token = f.read().strip()
    found = [(where, secret) for where, data in everything_written(lab, edge, agent).items()
             for secret in [*canary.values(), token] if secret.encode() in data and where != edge.token]
    assert not found, found


def test_s23_secret_half_of_a_token_is_not_stored(lab):
    """The store keeps a hash: neither the token nor its secret part can be found in it."""
    edge = lab.edge()
    path, _ = edge.new_token("someone")
    with open(path) as f:
        token = f.read().strip()
    secret = token.split("_", 2)[2][:43]
    edge.stop()
    for root, _, files in os.walk(edge.folder):
        for name in files:
            full = os.path.join(root, name)
            if full == path or not os.path.isfile(full):
                continue
            with open(full, "rb") as f:
                assert secret.encode() not in f.read(), full


def test_s23_no_core_dumps(lab):
    """A core would hold keys and bodies."""
    edge, agent, _ = lab.web()
    for pid in (edge.pid, agent.pid):
        with open(f"/proc/{pid}/limits") as f:
            line = next(x for x in f if x.startswith("Max core file size"))
        assert line.split()[4] == "0", line


def test_s10_a_log_line_per_event_whatever_visitors_send(lab):
    edge = lab.edge(config="log:\n  level: debug\n  access: true\n")
    origin = lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "web")
    with edge.visitor(tls=False) as v:
        v.send(b"GET /%0a%0dlevel=error HTTP/1.1\r\nHost: web.localhost\r\nUser-Agent: x\x80\xff\" event=fake y=\\\r\n\r\n")
        v.response()
        v.send(b"GET /\"a=b HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
        v.response()
    edge.nothing_left()
    for line in edge.logged().splitlines():
        assert line.startswith(("time=", '{"time":')) and line.isascii() and line.isprintable(), line
    assert "event=fake" not in edge.logged().replace('\\" event=fake', "")
