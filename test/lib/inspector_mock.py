#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the agent's inspector: serves src/web/ui and the API of doc/inspector-api.md with invented data.

    test/lib/inspector_mock.py [--port 4040] [--rows 1284] [--live 1.5] [--token T] [--empty]

Tests use Mock() in their own process. It answers as the document says and no better: no redaction of its own, no disk.
"""
import argparse
import base64
import json
import os
import random
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import inspector_data as data  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UI = os.path.join(ROOT, "src", "web", "ui")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'; trusted-types 'none'; require-trusted-types-for 'script'; report-uri /csp-report")
WAITING = ("queued", "sending", "retrying")
NEEDS = ("parked", "dead", "failed")


class Refusal(Exception):
    def __init__(self, status, code, text, todo=""):
        super().__init__(text)
        self.status, self.body = status, {"code": code, "text": text, "todo": todo}


def words_of(text):
    fields, words = [], []
    for m in re.finditer(r'(-?)((?:[a-z]+:)?)"([^"]*)"?|(\S+)', text):
        raw = m[4] if m[4] is not None else m[1] + m[2] + m[3]
        no = len(raw) > 1 and raw[0] == "-"
        f = re.match(r"^([a-z]+):(.+)$", raw[no:])
        if f:
            fields.append((f[1], f[2].lower(), no))
        elif not re.match(r"^[a-z]+:$", raw[no:]):
            words.append((raw[no:].lower(), no))
    return fields, words


def row_has(row, name, value):
    if name == "status":
        return str(row["status"])[0] == value[0] and row["status"] is not None if value.endswith("xx") else str(row["status"]) == value
    if name in ("path", "host"):
        return value in row[name].lower()
    if name == "repo":
        return row["repository"].lower() == value or ("/" not in value and value in row["repository"].lower())
    if name == "is":
        return {"replay": bool(row["parent"]), "needs-you": row["state"] in NEEDS, "waiting": row["state"] in WAITING, "open": row["took_us"] < 0,
                "cut": any(f.startswith("cut") for f in row["flags"])}.get(value, value in row["flags"])
    if name == "since":
        ms = int(value[:-1]) * {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[value[-1]]
        return row["at_ms"] >= time.time() * 1000 - ms
    return str(row.get(name) or "").lower() == value


class World:
    """All that the pages can see and change."""

    def __init__(self, count, empty=False):
        self.lock = threading.Condition()
        self.now = int(time.time() * 1000)
        self.rows = [] if empty else data.make_rows(count, self.now)
        self.by_id = {r["id"]: r for r in self.rows}
        self.changed = len(self.rows)
        self.log = []
        self.sent = []
        self.rules = [{"method": "POST", "path": "/hooks/slow", "status": 200, "delay_ms": 3000, "headers": [], "body": "late", "hits": 2},
                      {"method": "*", "path": "/*", "status": 204, "delay_ms": 0, "headers": [], "body": "", "hits": 41}]
        self.sink = False
        self.state = "online"
        self.reports = []

    def tell(self, row):
        with self.lock:
            self.changed += 1
            row["changed"] = str(self.changed)
            if row["id"] not in self.by_id:
                self.rows.append(row)
                self.by_id[row["id"]] = row
            self.log.append(row["id"])
            self.lock.notify_all()

    def next_id(self):
        return int(self.rows[-1]["id"]) + 1 if self.rows else 1

    def add(self, **changes):
        number = self.next_id()
        row = data.make_row(number, int(time.time() * 1000), random.Random(number), changes.pop("special", None))
        row.update(changes)
        self.tell(row)
        return row

    def match(self, text, search=True):
        fields, words = words_of(text)
        for row in reversed(self.rows):
            if all(row_has(row, n, v) != no for n, v, no in fields):
                if not search or not words or all((w in self.haystack(row)) != no for w, no in words):
                    yield row

    def haystack(self, row):
        kind = self.bodies(row)
        return (kind[2] + kind[5]).decode("utf-8", "replace").lower() + row["path"]

    def bodies(self, row):
        if row["state"] == "refused":
            return ("", "", b"", "", "", b"")
        if row.get("edited") is not None:
            return ("application/json", "", row["edited"], "application/json", "", b'{"status":"ok"}')
        root = row
        while root["parent"] and root["parent"] in self.by_id:
            root = self.by_id[root["parent"]]
        if len(self.rows) > 20000 and not row.get("special"):
            return data.bodies("form", random.Random(1), row)
        return data.bodies(root.get("special"), random.Random(int(root["id"])), root)

    @staticmethod
    def told(row):
        """A row without what only the mock needs."""
        return {k: v for k, v in row.items() if not k.startswith(("edited", "special"))}

    def counts(self):
        out = dict(all=len(self.rows), needs_you=0, waiting=0, delivered=0, refused=0, replays=0)
        for r in self.rows:
            out["needs_you"] += r["state"] in NEEDS
            out["waiting"] += r["state"] in WAITING
            out["delivered"] += r["state"] == "delivered"
            out["refused"] += r["state"] == "refused"
            out["replays"] += bool(r["parent"])
        return out

    def status(self):
        now = int(time.time() * 1000)
        counts = self.counts()
        figures = dict(requests=len(self.rows), open=min(1, len(self.rows)), p50_us=12000 * bool(self.rows), p90_us=85000, p99_us=420000, wait=counts["waiting"], parked=min(1, len(self.rows)), oldest_ms=240000)
        jenkins = dict(name="jenkins", kind="http", url="https://jenkins.tunnel.example.org", origin="127.0.0.1:8080", state="online", why="", status=200,
                       us=12000, store=True, scheme="bitbucket", inspect="on", hook="/bitbucket-hook/", provider="bitbucket", figures=figures)
        preview = dict(jenkins, name="preview", url="https://preview.tunnel.example.org", origin="127.0.0.1:3000", state="failing", status=None, store=False,
                       why="refused: nothing listens on port 3000", scheme="", hook="", provider="", figures=dict(figures, requests=12, wait=0, parked=0))
        away = self.state != "online"
        return dict(version="0.2.0", state=self.state, why="connection refused" if away else "", attempt=4 if away else 0, again_ms=3000 if away else 0,
                    edge="tunnel.example.org", account="alice", link_us=18000, since_ms=now - 11520000, now_ms=now,
                    probe=dict(us=14000, at_ms=now - 3000, status=200), tunnels=[jenkins] if not self.rows else [jenkins, preview], counts=counts,
                    capture=dict(on=True, bytes=7340032, max_bytes=536870912, days=7, cut=dict(size=2, disk=0, rate=0), why=""), sink=self.sink,
                    targets=[dict(name="staging", origin="127.0.0.1:8081")])

    def head(self, row, side):
        if side == "request" and row["state"] == "refused":
            return None
        kind, coding, body = self.bodies(row)[:3] if side == "request" else self.bodies(row)[3:]
        heads = [["Content-Type", kind]] if kind else []
        heads += [["Content-Encoding", coding]] if coding else []
        if side == "request":
            query = "?" + row["query"] if row["query"] else ""
            line = f"{row['method']} {row['path']}{query} HTTP/1.1"
            heads = [["Host", row["host"]], ["User-Agent", "Bitbucket-Webhooks/2.0"]] + heads
            if row["event"]:
                heads += [["X-Event-Key", row["event"]], ["X-Hub-Signature", "%04x" % (int(row["id"]) * 7919 % 65536), True],
                          ["X-Request-UUID", row["request_id"]], ["X-Attempt-Number", str(row["attempt"])]]
            if row["kind"] == "websocket":
                heads += [["Upgrade", "websocket"], ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"]]
            heads = row.get("edited_headers") or heads
        else:
            if row["status"] is None or row["state"] in ("refused", "sending", "queued"):
                return None
            names = {101: "Switching Protocols", 200: "OK", 204: "No Content", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
            line = f"HTTP/1.1 {row['status']} {names.get(row['status'], '')}"
            heads = [["Server", "Jetty(12.0.22)"], ["X-Content-Type-Options", "nosniff"]] + heads
            if row["kind"] == "websocket":
                heads += [["Upgrade", "websocket"], ["Sec-WebSocket-Extensions", "permessage-deflate"]]
        heads += [["Content-Length", str(len(body))]]
        out = dict(line=line, received=heads, trailers=[["grpc-status", "0"]] if row["kind"] == "grpc" and side == "response" else [],
                   body=dict(bytes=len(body), total=len(body), cut=None, type=kind, coding=coding))
        if side == "request" and row["delivery"]:
            out["sent"] = heads + [["adit-delivery", row["delivery"]], ["adit-attempt", str(row["attempt"])]]
        if "cut_size" in row["flags"]:
            out["body"].update(cut="size", total=row["tx_bytes"])
        return out

    def detail(self, row):
        at, took = row["at_ms"], max(row["took_us"], 2000)
        attempts = []
        if row["delivery"] and not row["parent"]:
            attempts = [dict(n=0, at_ms=at, state="queued", text="stored")]
            if row["state"] == "parked":
                attempts += [dict(n=1, at_ms=at + 900, state="retrying", took_us=900, code="origin-refused", text="connection refused"),
                             dict(n=0, at_ms=at + 6100, state="sending", status=503, took_us=4000, text="Jenkins is starting, not counted"),
                             dict(n=2, at_ms=at + 26000, state="parked", status=404, took_us=18000, text="no job takes it", row=row["id"])]
            elif row["state"] not in ("queued", "sending"):
                attempts += [dict(n=row["attempt"], at_ms=at + 5, state=row["state"], status=row["status"], took_us=row["took_us"], row=row["id"])]
        previous = next((r["id"] for r in reversed(self.rows) if int(r["id"]) < int(row["id"]) and r["event"] == row["event"] and
                         r["repository"] == row["repository"] and not r["parent"]), None)
        return dict(self.told(row), request=self.head(row, "request"), response=self.head(row, "response"), attempts=attempts, previous=previous,
                    children=[r["id"] for r in self.rows if r["parent"] == row["id"]], pinned="pinned" in row["flags"], exact=not row["flags"] or row["flags"] == ["pinned"],
                    times=dict(begun=0, head_in=400, origin=900, head_out=int(took * .9), end=took) if row["took_us"] > 0 else dict(begun=0, head_in=400, origin=900))

    def replay(self, row, ask):
        base = [row]
        if ask.get("onward"):
            base = [r for r in self.rows if int(r["id"]) >= int(row["id"]) and r["tunnel"] == row["tunnel"]][:100]
        ids = []
        for one in base:
            for _ in range(ask.get("times", 1)):
                new = self.add(parent=one["id"], repository=one["repository"], branch=one["branch"], event=one["event"], path=one["path"], query=one["query"],
                               method=one["method"], state="answered", status=200, delivery=None, tunnel=ask.get("to") or one["tunnel"], verdict="ok")
                ids.append(new["id"])
        self.sent.append(dict(ask, of=row["id"]))
        return {"ids": ids}

    def send(self, ask):
        parent = self.by_id.get(ask.get("parent") or "")
        path, _, query = ask["target"].partition("?")
        body = base64.b64decode(ask["body64"]) if ask.get("body64") else (ask.get("body") or "").encode()
        new = self.add(parent=parent and parent["id"], method=ask["method"], path=path, query=query, state="answered", status=200, delivery=None, tunnel=ask["tunnel"],
                       tx_bytes=len(body), verdict="ok" if ask.get("sign") else "none", repository=parent["repository"] if parent else "",
                       branch=parent["branch"] if parent else "", event=parent["event"] if parent else "")
        new["edited"] = body
        new["edited_headers"] = [[n, v] if v is not None else [n, "4c1f", True] for n, v in ask["headers"]]
        self.sent.append(ask)
        return {"ids": [new["id"]]}

    def inbox(self, query):
        rows = [r for r in reversed(self.rows) if r["delivery"] and not r["parent"]]
        if query.get("state"):
            rows = [r for r in rows if r["state"] == query["state"]]
        if query.get("before"):
            rows = [r for r in rows if int(r["delivery"]) < int(query["before"])]
        limit = int(query.get("limit", 100))
        counts = {s: 0 for s in ("queued", "sending", "retrying", "parked", "delivered", "dropped", "dead")}
        for r in self.rows:
            if r["delivery"] and r["state"] in counts:
                counts[r["state"]] += 1
        return {"rows": [self.delivery(r) for r in rows[:limit]], "more": len(rows) > limit, "counts": counts, "keeps_days": 30, "keeps_failed_days": 90}

    @staticmethod
    def delivery(r):
        text = {"parked": "origin said 404: no job takes it", "dead": "origin said 500 for 24 hours", "retrying": "origin said 503", "dropped": "a newer push of the branch came"}
        return dict(number=r["delivery"], tunnel=r["tunnel"], state=r["state"], event=r["event"], repository=r["repository"], branch=r["branch"], at_ms=r["at_ms"],
                    due_ms=r["at_ms"] + 90000 if r["state"] in WAITING else None, attempts=r["attempt"], status=r["status"], text=text.get(r["state"], ""),
                    bytes=r["tx_bytes"], verdict=r["verdict"], row=r["id"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None
    token = None

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", kind="application/json", headers=()):
        body = json.dumps(body, separators=(",", ":")).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def file(self, path):
        path = "/inspector.html" if path == "/" else path
        full = os.path.realpath(os.path.join(UI, path.lstrip("/")))
        if not full.startswith(UI + os.sep) or not os.path.isfile(full) or os.path.splitext(full)[1] not in TYPES:
            raise Refusal(404, "no-page", "There is no such page.")
        with open(full, "rb") as f:
            self.reply(200, f.read(), TYPES[os.path.splitext(full)[1]], (("Content-Security-Policy", CSP), ("Referrer-Policy", "no-referrer")))

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        parts = [urllib.parse.unquote(p) for p in url.path.split("/")[2:]]
        try:
            if url.path == "/csp-report":
                self.world.reports.append(self.body().decode())
                return self.reply(204)
            if not url.path.startswith("/v1/"):
                return self.file(url.path)
            body = self.body()
            if self.token and self.headers.get("Authorization") != "Bearer " + self.token:
                raise Refusal(401, "token", "This page has no token, or an old one.", "Open the link that adit printed when it started.")
            if body and self.command != "GET" and parts != ["import"] and self.headers.get_content_type() != "application/json":
                raise Refusal(400, "json", "The body is no JSON.")
            handler = getattr(self, f"{self.command.lower()}_{parts[0]}", None)
            if not handler:
                raise Refusal(404, "no-call", "There is no such call.")
            return handler(parts[1:], query, body)
        except Refusal as r:
            return self.reply(r.status, r.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def row(self, name):
        try:
            return self.world.by_id[name]
        except KeyError:
            raise Refusal(404, "no-exchange", f"There is no request {name}.", "It may be older than what is kept.") from None

    def get_state(self, *_):
        self.reply(200, self.world.status())

    def get_exchanges(self, parts, query, _):
        if not parts:
            return self.list(query)
        row = self.row(parts[0])
        if parts[1:] == ["why"]:
            return self.reply(200, data.why(row))
        if parts[2:] == ["body"]:
            kind = self.world.bodies(row)
            coding, body = (kind[1], kind[2]) if parts[1] == "request" else (kind[4], kind[5])
            heads = [("Content-Disposition", "attachment"), ("Content-Security-Policy", "sandbox; default-src 'none'")]
            if coding and "raw" not in query:
                heads.append(("Content-Encoding", coding))
            return self.reply(200, body, "application/octet-stream", heads)
        if parts[2:] == ["pieces"]:
            n = len(self.world.bodies(row)[2 if parts[1] == "request" else 5])
            return self.reply(200, [[900 + i * 140000, at, min(40, n - at), int(parts[1] != "request")] for i, at in enumerate(range(0, n, 40))])
        return self.reply(200, self.world.detail(row))

    def list(self, query):
        limit, skip = min(int(query.get("limit", 200)), 500), int(query.get("skip", 0))
        before, after = int(query.get("before", 1 << 62)), int(query.get("after", 0))
        hits = [r for r in self.world.match(query.get("q", "")) if after < int(r["id"]) < before]
        rows = [self.world.told(r) for r in hits[skip:skip + limit]]
        self.reply(200, {"rows": rows, "more": len(hits) > skip + limit, "total": len(hits)})

    def stream(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def get_search(self, _, query, __):
        self.stream("application/x-ndjson")
        words = [w for w, no in words_of(query.get("q", ""))[1] if not no]
        scanned, hits = 0, 0
        for row in self.world.match(query.get("q", "")):
            kind = self.world.bodies(row)
            for where, body in (("request", kind[2]), ("response", kind[5])):
                text = body.decode("utf-8", "replace")
                at = text.lower().find(words[0]) if words else -1
                scanned += len(body)
                if at >= 0:
                    self.wfile.write(json.dumps({"id": row["id"], "where": where, "at": at, "excerpt": text[max(0, at - 30):at + 60], "row": self.world.told(row)}).encode() + b"\n")
                    self.wfile.flush()
                    hits += 1
                    break
            if hits >= 500:
                break
        self.wfile.write(json.dumps({"done": True, "scanned": scanned, "more": hits >= 500}).encode() + b"\n")

    def get_events(self, _, query, __):
        self.stream("text/event-stream")
        world = self.world
        at = len(world.log)
        if query.get("after"):
            at = max(0, len(world.log) - max(0, world.changed - int(query["after"])))
        self.event("state", world.status())
        while True:
            with world.lock:
                world.lock.wait_for(lambda: len(world.log) > at, 5)
                ids, at = world.log[at:at + 200], min(len(world.log), at + 200)
                changed = world.changed
            rows = [world.told(world.by_id[i]) for i in dict.fromkeys(ids) if i in world.by_id]
            if rows:
                self.event("rows", {"rows": rows, "changed": str(changed)})
                self.event("state", world.status())
            else:
                self.wfile.write(b": nothing new\n\n")
                self.event("state", world.status())
            time.sleep(.1)

    def event(self, kind, what):
        self.wfile.write(f"event: {kind}\ndata: {json.dumps(what)}\n\n".encode())
        self.wfile.flush()

    def post_exchanges(self, parts, _, body):
        row, ask = self.row(parts[0]), json.loads(body)
        if parts[1] == "reveal":
            return self.reply(200, {"value": "sha256=" + "ab54" * 16 if ask["where"] != "query" else "s3cr3t"})
        return self.reply(202, self.world.replay(row, ask))

    def put_exchanges(self, parts, *_):
        row = self.row(parts[0])
        row["flags"] = [f for f in row["flags"] if f != "pinned"] + ["pinned"]
        self.world.tell(row)
        self.reply(204)

    def delete_exchanges(self, parts, *_):
        if parts:
            row = self.row(parts[0])
            row["flags"] = [f for f in row["flags"] if f != "pinned"]
            self.world.tell(row)
        else:
            with self.world.lock:
                self.world.rows[:] = [r for r in self.world.rows if "pinned" in r["flags"]]
                self.world.by_id = {r["id"]: r for r in self.world.rows}
        self.reply(204)

    def post_send(self, _, __, body):
        self.reply(202, self.world.send(json.loads(body)))

    def post_export(self, _, __, body):
        ask = json.loads(body)
        self.reply(200, f"# {ask['as']} of {len(ask.get('ids', []))}\n".encode(), "application/octet-stream")

    def post_import(self, _, __, body):
        row = self.world.add(flags=["imported"])
        self.reply(200, {"ids": [row["id"]], "notes": [f"{len(body)} bytes read"]})

    def get_inbox(self, parts, query, _):
        if not parts:
            return self.reply(200, self.world.inbox(query))
        row = next((r for r in self.world.rows if r["delivery"] == parts[0]), None)
        if not row:
            raise Refusal(404, "no-delivery", f"The edge has no delivery {parts[0]}.")
        detail = self.world.detail(row)
        return self.reply(200, dict(self.world.delivery(row), attempts_list=detail["attempts"], headers=detail["request"]["received"],
                                    body=self.world.bodies(row)[2].decode("utf-8", "replace")[:65536], advice=(data.why(row) or {}).get("advice", "")))

    def post_inbox(self, parts, *_):
        row = next(r for r in self.world.rows if r["delivery"] == parts[0])
        row["state"] = "dropped" if parts[1] == "drop" else "delivered"
        self.world.tell(row)
        self.reply(202, {})

    def post_doctor(self, *_):
        steps = [dict(name=n, state=s, text=t, took_us=1200, advice=a, command=c) for n, s, t, a, c in data.DOCTOR]
        self.reply(200, {"at_ms": int(time.time() * 1000), "took_us": 340000, "title": "Everything works up to the job: no job takes this webhook.", "state": "bad", "steps": steps})

    def get_sink(self, *_):
        self.reply(200, {"on": self.world.sink, "rules": self.world.rules})

    def put_sink(self, _, __, body):
        self.world.rules = json.loads(body)["rules"]
        self.get_sink()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


class Mock:
    """with Mock(rows=100) as m: m.url, m.world"""

    def __init__(self, rows=200, port=0, token=None, empty=False):
        self.world = World(rows, empty)
        handler = type("H", (Handler,), {"world": self.world, "token": token})
        self.server = Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=4040)
    p.add_argument("--rows", type=int, default=1284)
    p.add_argument("--live", type=float, default=0, help="a new request each so many seconds")
    p.add_argument("--token")
    p.add_argument("--empty", action="store_true")
    p.add_argument("--control", action="store_true", help="lines on stdin: add {json} | sent | reports | state NAME; answers are lines of JSON")
    a = p.parse_args()
    with Mock(a.rows, a.port, a.token, a.empty) as m:
        print(json.dumps({"url": m.url}), flush=True)
        if a.control:
            for line in sys.stdin:
                verb, _, rest = line.strip().partition(" ")
                if verb == "add":
                    print(json.dumps({"id": m.world.add(**json.loads(rest or "{}"))["id"]}), flush=True)
                elif verb == "sent":
                    print(json.dumps(m.world.sent), flush=True)
                elif verb == "reports":
                    print(json.dumps(m.world.reports), flush=True)
                elif verb == "change":
                    ask = json.loads(rest)
                    m.world.by_id[ask["id"]].update(ask)
                    m.world.tell(m.world.by_id[ask["id"]])
                    print("{}", flush=True)
                elif verb == "state":
                    m.world.state = rest
                    print("{}", flush=True)
            return
        while True:
            time.sleep(a.live or 3600)
            if a.live:
                m.world.add()


if __name__ == "__main__":
    main()
