# SPDX-License-Identifier: Apache-2.0
"""Invented traffic for test/lib/inspector_mock.py: rows, details, bodies of every kind, hostile ones among them."""
import gzip
import json
import random
import struct
import zlib

REPOS = ["acme/web", "acme/billing", "acme/infra", "acme/docs", "acme/legacy", "acme/assets", "north-quarry/pump", "acme/mobile"]
BRANCHES = ["main", "main", "main", "feat/cart-vat", "release/2.4", "hotfix/login-loop", "fix/rounding"]
EVENTS = ["repo:push", "repo:push", "repo:push", "pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled"]
AUTHORS = [("Mara Lindqvist", "mara"), ("Tomas Okafor", "tomas"), ("Ines Duarte", "ines"), ("Yusuf Hale", "yusuf")]
MESSAGES = ["Round VAT per line, not per invoice", "Retry the pump after a dry run", "Name the cart's owner", "Drop the old login page",
            "Ask the store once, not per row", "Spell Łódź and 東京 right", "Bump the chart to 1.18"]
BIDI = "admin\u202egpj.exe"
HOSTILE = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>\x1b[31mred\x1b]0;title\x07 \u202eevil\u202c \u200bzero {{constructor}} ${1+1}"


def push(rnd, repo, branch):
    author = rnd.choice(AUTHORS)
    sha = "%040x" % rnd.getrandbits(160)
    return {
        "push": {"changes": [{
            "new": {"type": "branch", "name": branch, "target": {
                "hash": sha, "message": rnd.choice(MESSAGES), "date": "2026-11-29T11:46:58+00:00",
                "author": {"raw": f"{author[0]} <{author[1]}@acme.example>"}}},
            "old": {"type": "branch", "name": branch, "target": {"hash": "%040x" % rnd.getrandbits(160)}},
            "created": False, "forced": rnd.random() < .1, "closed": False, "truncated": False}]},
        "repository": {"full_name": repo, "is_private": True, "uuid": "{%032x}" % rnd.getrandbits(128), "size": 9007199254740993},
        "actor": {"display_name": author[0], "nickname": author[1], "uuid": "{%032x}" % rnd.getrandbits(128)},
    }


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def grpc(*messages):
    return b"".join(b"\0" + struct.pack(">I", len(m)) + m for m in messages)


def ws_frame(opcode, payload, masked, rsv1=False, fin=True):
    head = bytes([(128 if fin else 0) | (64 if rsv1 else 0) | opcode])
    n = len(payload)
    bit = 128 if masked else 0
    head += bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n)
    if not masked:
        return head + payload
    key = b"\x1f\x2e\x3d\x4c"
    return head + key + bytes(b ^ key[i & 3] for i, b in enumerate(payload))


class Deflater:
    """permessage-deflate with the window carried over."""

    def __init__(self):
        self.z = zlib.compressobj(9, zlib.DEFLATED, -15)

    def __call__(self, text):
        return (self.z.compress(text.encode()) + self.z.flush(zlib.Z_SYNC_FLUSH))[:-4]


def websocket():
    up, down = Deflater(), Deflater()
    client = [ws_frame(1, up(json.dumps({"op": "subscribe", "topic": f"build/{n}"})), True, True) for n in range(3)] + [ws_frame(9, b"ping-1", True)]
    server = [ws_frame(1, down(json.dumps({"topic": f"build/{n % 3}", "line": f"[{n}] compiling cart.c", "n": n})), False, True) for n in range(24)]
    server += [ws_frame(10, b"ping-1", False), ws_frame(2, bytes(range(40)), False), ws_frame(8, struct.pack(">H", 1000) + b"done", False)]
    return b"".join(client), b"".join(server)


def multipart():
    b = "----quarry7MA4YWxk"
    parts = [("name", None, "text/plain", b"release notes"), ("chart", "chart.png", "image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(200))),
             ("note", "../../etc/<b>passwd</b>.txt", "text/plain; charset=utf-8", "żółw".encode())]
    out = b""
    for name, filename, kind, data in parts:
        out += f'--{b}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        out += f'; filename="{filename}"'.encode() if filename else b""
        out += f"\r\nContent-Type: {kind}\r\n\r\n".encode() + data + b"\r\n"
    return out + f"--{b}--\r\n".encode(), f"multipart/form-data; boundary={b}"


XML = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><build id="412"><name>web</name>\
<steps><step n="1" ok="true">checkout</step><step n="2" ok="false">test &b;</step><empty/></steps><!-- by hand --><![CDATA[x < y]]></build>"""

SSE = "".join(f"id: {n}\nevent: progress\ndata: {{\"step\":{n},\"of\":6}}\n\n" for n in range(1, 7)) + ": heartbeat\n\nevent: done\ndata: two\ndata: lines\n\n"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000080000000808020000004b6d29dc000000154944415478da63fc"
                    "cfc0c0f09f0109308da4f2ff000b670f01f2c1a0e10000000049454e44ae426082")


def bodies(special, rnd, row):
    """(request type, coding, bytes, response type, coding, bytes) of a row."""
    plain = json.dumps(push(rnd, row["repository"] or "acme/web", row["branch"] or "main"), ensure_ascii=False, indent=None).encode()
    ok = ("application/json", "", b'{"status":"ok","jobs":{"web":{"triggered":true,"id":412}}}')
    none = ("", "", b"")
    if special == "hostile":
        data = {"message": HOSTILE, "file": BIDI, HOSTILE: [HOSTILE], "__proto__": {"polluted": True}, "url": "javascript:alert(1)"}
        return ("application/json", "", json.dumps(data).encode(), "text/html", "", f"<!doctype html><title>{HOSTILE}</title>{HOSTILE}".encode())
    if special == "form":
        return ("application/x-www-form-urlencoded", "", b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D&token=abc&name=%C5%BC+w&bad=%zz", *ok)
    if special == "multipart":
        data, kind = multipart()
        return (kind, "", data, *none)
    if special == "grpc":
        ask = field(1, "acme/web") + field(2, 42) + field(3, field(1, "main") + field(2, 1.5)) + field(4, bytes([3, 1, 200]))
        return ("application/grpc", "", grpc(ask), "application/grpc", "", grpc(field(1, "queued"), field(1, "running") + field(2, 7), field(1, "done")))
    if special == "protobuf":
        return ("application/x-protobuf", "", field(1, "pump") + field(2, 150) + field(2, 18446744073709551615) + field(7, b"\xff\x00"), *none)
    if special == "websocket":
        return ("", "", websocket()[0], "", "", websocket()[1])
    if special == "sse":
        return ("", "", b"", "text/event-stream", "", SSE.encode())
    if special == "ndjson":
        return ("application/x-ndjson", "", b"".join(b'{"n":%d,"ok":true}\n' % n for n in range(40)), *none)
    if special == "xml":
        return ("application/xml", "", XML.encode(), "text/xml", "", XML.encode())
    if special == "gzip":
        return ("application/json", "gzip", gzip.compress(plain, 9, mtime=0), *ok)
    if special == "bomb":
        return ("application/json", "gzip", gzip.compress(b"[" + b"0," * (12 << 20) + b"0]", 9, mtime=0), *ok)
    if special == "big":
        rows = [{"id": n, "name": f"row {n}", "price": "12.50", "tags": ["a", "b"]} for n in range(90000)]
        return ("application/json", "", json.dumps(rows).encode(), *ok)
    if special == "broken":
        return ("application/json", "", b'{"ref": "refs/heads/main",\n "commits": [1, 2,]\n}', *ok)
    if special == "image":
        return ("", "", b"", "image/png", "", PNG)
    if special == "get":
        page = json.dumps({"number": 412, "result": "SUCCESS", "building": False, "url": "http://127.0.0.1:8080/job/web/412/"})
        return ("", "", b"", "application/json;charset=utf-8", "", page.encode())
    if row["state"] == "parked":
        text = "Did not find any jobs with GenericWebhookTrigger configured! If you are using a token, you need to pass it like /generic-webhook-trigger/invoke?token=TOKEN"
        return ("application/json", "", plain, "application/json;charset=utf-8", "", json.dumps({"jobs": None, "message": text}).encode())
    if row["state"] in ("refused", "queued", "sending"):
        return ("application/json", "", plain, *none)
    return ("application/json", "", plain, *ok)


WHY = {
    "parked": ("Jenkins has no job for this webhook.", "wait", ["ok", "ok", "ok", "failed", "none"],
               ["right: HMAC-SHA256, secret 1 of 2", "row 2 of 2 lets it in", "on disk after 4 ms, sender got 202",
                "404 \"Did not find any jobs with GenericWebhookTrigger configured!\"", "not started"],
               "Parked: the set-up must change first. In the job, tick \"Generic Webhook Trigger\" and give it the token, then replay.", ["replay", "doctor"]),
    "refused": ("The secret at Bitbucket is not the secret here.", "bad", ["failed", "none", "none", "none", "none"],
                ["wrong secret: the bytes are whole, no secret of jenkins fits", "not asked", "not kept", "not asked", "not started"],
                "Give the hook at Bitbucket the secret of this tunnel, then press Resend there.", ["doctor"]),
    "dead": ("Jenkins answered 500 for 24 hours.", "bad", ["ok", "ok", "ok", "failed", "none"],
             ["right: HMAC-SHA256, secret 1 of 2", "row 2 of 2 lets it in", "on disk after 4 ms, sender got 202", "500 at each of 24 attempts", "not started"],
             "Look at Jenkins' own log. Replay it when Jenkins is well again.", ["replay", "doctor"]),
    "retrying": ("Jenkins is starting; it is asked again in 5 s.", "wait", ["ok", "ok", "ok", "open", "none"],
                 ["right: HMAC-SHA256, secret 1 of 2", "row 2 of 2 lets it in", "on disk after 3 ms, sender got 202", "503, asked every 5 s", "not started"],
                 "Nothing to do: it goes out as soon as Jenkins is up.", []),
    "delivered": ("It was built: job web, number 412.", "ok", ["ok", "ok", "ok", "ok", "ok"],
                  ["right: HMAC-SHA256, secret 1 of 2", "row 2 of 2 lets it in", "on disk after 4 ms, sender got 202", "200 in 26 ms", "web #412 started"], "", []),
}
STEPS = ["Signature", "Policy", "Stored", "Origin", "Build"]

DOCTOR = [("Hook", "ok", "acme/web has a hook to jenkins.tunnel.example.org", "", ""), ("DNS", "ok", "jenkins.tunnel.example.org is 192.0.2.4", "", ""),
          ("TCP", "ok", "port 443 opens in 11 ms", "", ""), ("TLS", "ok", "certificate of Let's Encrypt, ends in 61 days", "", ""),
          ("Edge", "ok", "aditd 0.2.0 knows the name", "", ""), ("Link", "ok", "this agent, 18 ms", "", ""), ("Origin", "ok", "Jenkins 2.528 answers 200 in 12 ms", "", ""),
          ("Job", "failed", "no job has Generic Webhook Trigger with this token", "In the job, tick \"Generic Webhook Trigger\" and give it the token.",
           "adit hook test jenkins"), ("Build", "none", "not asked", "", "")]


def why(row):
    state = row["state"] if row["state"] in WHY else "delivered" if row["state"] == "answered" else None
    if not row["event"] or state is None:
        return None
    title, colour, states, texts, advice, actions = WHY[state]
    return {"title": title, "state": colour, "advice": advice, "actions": actions,
            "steps": [{"name": n, "state": s, "text": t} for n, s, t in zip(STEPS, states, texts)]}


def make_row(number, at_ms, rnd, special=None):
    kind = rnd.random()
    state, status, verdict = "delivered", 200, "ok"
    if kind < .03:
        state, status, verdict = "refused", 401, rnd.choice(["wrong", "missing", "altered", "clock"])
    elif kind < .045:
        state, status = "parked", 404
    elif kind < .05:
        state, status = "dead", 500
    elif kind < .06:
        state, status = "dropped", None
    elif kind < .10:
        state, status, verdict = "answered", rnd.choice([200, 200, 304, 404]), None
    repo, branch, event = rnd.choice(REPOS), rnd.choice(BRANCHES), rnd.choice(EVENTS)
    if repo == "acme/billing" and state == "delivered" and rnd.random() < .1:
        state, status = "parked", 404
    row = {"id": str(number), "changed": str(number), "at_ms": at_ms, "state": state, "status": status, "took_us": int(rnd.lognormvariate(10.2, .6)),
           "tunnel": "jenkins", "method": "POST", "path": "/generic-webhook-trigger/invoke" if repo == "acme/billing" else "/bitbucket-hook/",
           "query": "token=(hidden)" if repo == "acme/billing" else "", "host": "jenkins.tunnel.example.org", "event": event, "repository": repo,
           "branch": branch, "from": "bitbucket", "verdict": verdict, "tx_bytes": rnd.randint(1800, 15000), "rx_bytes": rnd.choice([58, 214, 0]),
           "delivery": str(4000 + number) if state not in ("refused", "answered") else None, "attempt": 1, "parent": None, "code": "", "kind": "http",
           "flags": [], "request_id": "%016x" % rnd.getrandbits(64), "peer": "192.0.2.%d" % rnd.randint(2, 40)}
    if state == "answered":
        row.update(method="GET", path="/job/web/lastBuild/api/json", query="", event="", repository="", branch="", tx_bytes=0, **{"from": ""})
        special = special or "get"
    if state == "refused":
        row["code"] = "edge-signature"
    if special:
        row["special"] = special
    return row


# The newest rows, as a day at a desk has them: (seconds ago, changes to a row of make_row).
DESK = [
    (4, dict(state="delivered", status=200, took_us=31000, tx_bytes=2114, repository="acme/web", branch="main", event="repo:push")),
    (5, dict(state="refused", status=401, verdict="wrong", took_us=1200, delivery=None, repository="acme/web", branch="", code="edge-signature")),
    (33, dict(state="sending", status=None, took_us=-1, repository="acme/web", branch="feat/cart-vat", event="pullrequest:updated", tx_bytes=6800)),
    (50, dict(state="queued", status=None, took_us=3000, repository="acme/web", branch="feat/cart-vat")),
    (102, dict(state="retrying", status=503, took_us=75000000, repository="acme/infra", branch="main", attempt=4)),
    (145, dict(state="parked", status=404, took_us=16000, parent="PARKED", repository="acme/billing", branch="release/2.4", path="/generic-webhook-trigger/invoke", query="token=(hidden)")),
    (760, dict(state="parked", status=404, took_us=18000, repository="acme/billing", branch="release/2.4", path="/generic-webhook-trigger/invoke", query="token=(hidden)", attempt=2, flags=["pinned"])),
    (915, dict(special="hostile", repository="<b>acme</b>/" + BIDI, branch="\x1b[31mmain", event="repo:push", path="/bitbucket-hook/<script>", state="answered", delivery=None)),
    (916, dict(special="gzip", state="delivered", status=200, repository="acme/web", branch="hotfix/login-loop")),
    (1100, dict(state="dropped", status=None, took_us=3000, repository="acme/web", branch="main")),
    (1180, dict(state="refused", status=413, verdict="unchecked", delivery=None, repository="acme/assets", branch="main", tx_bytes=11400000, took_us=2000, code="edge-body-size", flags=["cut_size"])),
    (1250, dict(state="refused", status=404, verdict=None, delivery=None, repository="", branch="", event="", method="GET", path="/wp-login.php", tx_bytes=0, took_us=900, code="edge-policy", **{"from": ""})),
    (1300, dict(special="websocket", state="open", status=101, took_us=-1, kind="websocket", method="GET", path="/ws/builds", event="", repository="", branch="", verdict=None, delivery=None, tunnel="preview")),
    (1320, dict(special="grpc", state="answered", status=200, kind="grpc", path="/acme.Builds/Watch", event="", repository="", branch="", verdict=None, delivery=None, tunnel="preview")),
    (1340, dict(special="sse", state="answered", status=200, kind="sse", method="GET", path="/events", event="", repository="", branch="", verdict=None, delivery=None, tunnel="preview", tx_bytes=0)),
    (1350, dict(special="form", state="delivered", status=200, repository="acme/docs", branch="main")),
    (1360, dict(special="multipart", state="answered", status=204, event="", repository="", branch="", verdict=None, delivery=None, path="/upload", tunnel="preview")),
    (1370, dict(special="xml", state="answered", status=200, event="", repository="", branch="", verdict=None, delivery=None, path="/soap", tunnel="preview")),
    (1380, dict(special="protobuf", state="answered", status=200, event="", repository="", branch="", verdict=None, delivery=None, path="/pump", tunnel="preview")),
    (1390, dict(special="ndjson", state="answered", status=200, event="", repository="", branch="", verdict=None, delivery=None, path="/bulk", tunnel="preview")),
    (1400, dict(special="broken", state="failed", status=502, repository="acme/legacy", branch="main", code="origin-refused", delivery=None)),
    (1410, dict(special="bomb", state="answered", status=200, event="", repository="", branch="", verdict=None, delivery=None, path="/bomb", tunnel="preview")),
    (1420, dict(special="big", state="answered", status=200, event="", repository="", branch="", verdict=None, delivery=None, path="/big", tunnel="preview")),
    (1430, dict(special="image", state="answered", status=200, method="GET", event="", repository="", branch="", verdict=None, delivery=None, path="/logo.png", tunnel="preview", tx_bytes=0)),
    (1690, dict(state="dead", status=500, took_us=2100000, repository="acme/legacy", branch="main", attempt=24)),
]


def make_rows(count, now_ms):
    """Oldest first; the desk's rows are the newest ones."""
    rows = []
    older = max(0, count - len(DESK))
    start = now_ms - 1800000 - older * 8000
    for n in range(older):
        rows.append(make_row(n + 1, start + n * 8000, random.Random(n)))
    first = older + 1
    parked = first + len(DESK) - 1 - next(i for i, d in enumerate(DESK) if d[1].get("flags") == ["pinned"])
    for i, (ago, changes) in enumerate(reversed(DESK[:count])):
        number = first + i
        row = make_row(number, now_ms - ago * 1000, random.Random(number * 7))
        row.update({"delivery": str(4000 + number), "attempt": 1, "state": "delivered", "flags": [], "path": "/bitbucket-hook/", "query": "", "method": "POST",
                    "code": "", "event": "repo:push", "verdict": "ok", "from": "bitbucket"})
        row.pop("special", None)
        row.update(changes)
        if row["parent"] == "PARKED":
            row["parent"] = str(parked)
        rows.append(row)
    return rows
