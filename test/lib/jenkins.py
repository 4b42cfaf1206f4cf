# SPDX-License-Identifier: Apache-2.0
"""A double of Jenkins: what its webhook plugins answer to what, exactly, mistakes included; no build is run.

Every path that no plugin has exempted wants a crumb for POST; a path without its slash is redirected whatever the
method; 200 is said when nothing was built. A job is a dict: repository "acme/web", secret, trigger, built, buildable.
"""
import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
import urllib.parse

import websocket
from origin import Origin

VERSION = "2.528.3"
CRUMB = ("<html><head><title>Error 403 No valid crumb was included in the request</title></head><body><h2>HTTP ERROR 403 "
         "No valid crumb was included in the request</h2></body></html>")
STARTING = "<html><body><h1>Please wait while Jenkins is getting ready to work ...</h1></body></html>"
GWT_NONE = ('{"jobs":null,"message":"Did not find any jobs with GenericTrigger configured! '
            'If you are using a token, you need to pass it like ...trigger/invoke?token=TOKENHERE."}')
BITBUCKET_AGENT = "Bitbucket-Webhooks/2.0"
ALL = ("bitbucket", "branch-source", "server", "github", "gitlab", "generic")


def job(repository="acme/web", secret=None, trigger=True, built=True, buildable=True, branch=None, token=None):
    return {"repository": repository, "secret": secret, "trigger": trigger, "built": built, "buildable": buildable,
            "branch": branch, "token": token, "builds": [], "console": b""}


class Jenkins(Origin):
    def __init__(self, jobs=None, plugins=ALL, prefix="", starting=False, root=None, user="admin", token="11apitoken",
                 whitelist=True, **kw):
        self.jobs = {"web": job()} if jobs is None else jobs
        self.plugins = set(plugins)
        self.prefix = prefix
        self.starting = starting
        self.root = root
        self.basic = "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()
        self.whitelist = whitelist
        self.session = hashlib.sha256(str(id(self)).encode()).hexdigest()[:8]
        self.n_pings = 0
        self.built = threading.Condition()
        super().__init__(self._serve_request, **kw)

    # --- answers ---

    def say(self, c, status, body="", headers=(), kind="text/html;charset=utf-8", jenkins=True):
        ours = ["X-Content-Type-Options: nosniff"]
        if jenkins:
            ours += [f"X-Jenkins: {VERSION}", "X-Hudson: 1.395", f"X-Jenkins-Session: {self.session}"]
        body = body if isinstance(body, bytes) else body.encode()
        c.answer(body, status, [*ours, "Server: Jetty(12.0.25)", f"Content-Type: {kind}", *headers], "Whatever")

    def root_url(self, request):
        """As Jenkins computes it: the first item of each field, the port field wins."""
        def first(name):
            return (request.get(name) or "").split(",")[0].strip()
        scheme = first("X-Forwarded-Proto") or "http"
        host = first("X-Forwarded-Host") or request.get("Host")
        port = first("X-Forwarded-Port")
        if port:
            host = host.rsplit(":", 1)[0] if re.search(r":\d+$", host) else host
            if port != {"http": "80", "https": "443"}[scheme]:
                host += ":" + port
        return f"{scheme}://{host}{self.prefix}/"

    # --- dispatch ---

    def _serve_request(self, c, request):
        target, _, query = request.target.partition("?")
        if self.starting:
            self.say(c, 503, STARTING, ["Retry-After: 5"])
            return
        if not (target + "/").startswith(self.prefix + "/"):
            self.say(c, 404, "<h1>Not Found</h1>", jenkins=False)
            return
        path = target[len(self.prefix):] or "/"
        for plugin, pattern, exempt, serve in self.table():
            if plugin in self.plugins and re.fullmatch(pattern, path):
                if path in ("/bitbucket-hook", "/github-webhook"):
                    self.redirect(c, request, path + "/", query)
                elif request.method == "POST" and not re.fullmatch(exempt, path):
                    self.say(c, 403, CRUMB)
                else:
                    serve(c, request, path, urllib.parse.parse_qs(query))
                return
        self._core(c, request, path)

    def table(self):
        """(plugin, paths, paths exempt from the crumb, what it does)"""
        return [
            ("bitbucket", "/bitbucket-hook/?", "/bitbucket-hook/?", self.bitbucket),
            ("ppr", "/bitbucket-hook/?", "/bitbucket-hook/", self.ppr),
            ("branch-source", "/bitbucket-scmsource-hook/notify.*", ".*", self.branch_source),
            ("server", "/bitbucket-server-webhook/trigger", ".*", self.server),
            ("github", "/github-webhook/?", ".*", self.github),
            ("gitlab", "/project/.*", ".*", self.gitlab),
            ("generic", "/generic-webhook-trigger/invoke/?", ".*", self.generic),
        ]

    def redirect(self, c, request, path, query):
        self.say(c, 302, "", [f"Location: {self.root_url(request)[:-1]}{path}{'?' + query if query else ''}"])

    def _core(self, c, request, path):
        if path.startswith("/wsagents/"):
            self.agent(c, request)
        elif path == "/tcpSlaveAgentListener/":
            self.say(c, 200, "Jenkins\n", ["X-Hudson-JNLP-Port: 50000", "X-Jenkins-JNLP-Port: 50000",
                                           "X-Jenkins-Agent-Protocols: JNLP4-connect, Ping", "X-Remoting-Minimum-Version: 3107"])
        elif path == "/login":
            self.say(c, 200, f'<html><head data-rooturl="{self.prefix}" data-resurl="{self.prefix}/static"></head>'
                             "<title>Sign in - Jenkins</title></html>")
        elif request.method == "POST":
            self.say(c, 403, CRUMB)
        elif path.startswith("/manage/administrativeMonitor/hudson.diagnosis.ReverseProxySetupMonitor/"):
            self.reverse_proxy_test(c, request, path)
        elif request.get("Authorization") == self.basic:
            self.api(c, request, path)
        else:
            self.say(c, 403, "<html><head><meta http-equiv='refresh' content='1;url=/login?from=%2F'/></head>"
                             "<body>Authentication required</body></html>")

    # --- plugins: 2.1 of the facts ---

    def build(self, name, cause):
        with self.built:
            self.jobs[name]["builds"].append({"number": len(self.jobs[name]["builds"]) + 1, "cause": cause,
                                              "timestamp": int(time.time() * 1000)})
            self.built.notify_all()

    def wait_builds(self, name, n, deadline_s=20):
        with self.built:
            assert self.built.wait_for(lambda: len(self.jobs[name]["builds"]) >= n, deadline_s), self.jobs[name]
        return self.jobs[name]["builds"]

    def would_build(self, j, repository):
        return j["repository"] == repository and j["trigger"] and j["built"] and j["buildable"]

    @staticmethod
    def good_signature(request, secret):
        want = "sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(want, request.get("X-Hub-Signature") or "")

    def bitbucket(self, c, request, path, query):
        event = request.get("X-Event-Key")
        if request.method != "POST" or not request.body or event == "diagnostics:ping":
            self.say(c, 200)
            return
        try:
            payload = json.loads(request.body)
        except ValueError:
            self.say(c, 500, "<h1>Oops!</h1>net.sf.json.JSONException")
            return
        if event == "repo:push" and "push" in payload and request.get("User-Agent") != BITBUCKET_AGENT:
            self.say(c, 500, "<h1>Oops!</h1>JSONObject[\"self\"] is not a JSONArray.")
            return
        if event not in ("repo:push", "repo:refs_changed"):
            self.say(c, 200)
            return
        repository = payload.get("repository", {}).get("full_name", "")
        for name, j in self.jobs.items():
            if j["repository"] != repository:
                continue
            signed = request.get("X-Hub-Signature") is not None
            if (j["secret"] and not self.good_signature(request, j["secret"])) or (signed and not j["secret"]):
                self.say(c, 403, "Invalid Bitbucket webhook signature")
                return
            if self.would_build(j, repository):
                self.build(name, event)
        self.say(c, 200)

    def ppr(self, c, request, path, query):
        try:
            payload = json.loads(request.body)
        except ValueError:
            self.say(c, 400, "Bitbucket PPR Plugin: request failed.", kind="text/plain")
            return
        repository = payload.get("repository", {}).get("full_name", "")
        for name, j in self.jobs.items():
            if j["secret"] and not self.good_signature(request, j["secret"]):
                self.say(c, 403, "Bitbucket PPR Plugin: missing or invalid signature.", kind="text/plain")
                return
            if self.would_build(j, repository):
                self.build(name, request.get("X-Event-Key"))
        self.say(c, 200, "Bitbucket PPR Plugin: request received successfully.", kind="text/plain")

    def branch_source(self, c, request, path, query):
        event, server = request.get("X-Event-Key"), query.get("server_url", [""])[0]
        cloud = request.get("X-Request-UUID") is not None
        if event is None or (not cloud and request.get("X-Request-Id") is None):
            self.say(c, 400, "No processor found for the incoming Bitbucket request.")
        elif not cloud and not server:
            self.say(c, 400, "server_url query parameter not found or empty. Refer to the documentation.")
        elif not request.body:
            self.say(c, 400, "Payload is empty.")
        elif server and not server.startswith("https://bitbucket.example.com"):
            self.say(c, 400, f"No bitbucket endpoint found for {server} to process hook message.")
        else:
            repository = json.loads(request.body).get("repository", {}).get("full_name", "")
            secrets = [j["secret"] for j in self.jobs.values() if j["secret"]]
            if secrets and not self.good_signature(request, secrets[0]):
                self.say(c, 403, "Signature verification failed")
                return
            found = [n for n, j in self.jobs.items() if self.would_build(j, repository)]
            for name in found:
                self.build(name, event)
            self.say(c, 200, f"Matched {len(found)} projects", kind="text/plain")

    def server(self, c, request, path, query):
        if request.method != "POST":
            self.say(c, 405, "Method Not Allowed")
        elif not (request.get("Content-Type") or "").startswith("application/json"):
            self.say(c, 415, "Unsupported Media Type")
        elif request.get("X-Event-Key") is None:
            self.say(c, 400, "X-Event-Key header not set")
        elif request.get("X-Event-Key") not in ("repo:refs_changed", "diagnostics:ping", "pr:opened", "mirror:repo_synchronized"):
            self.say(c, 400, "Event is not supported")
        else:
            self.say(c, 200)

    def github(self, c, request, path, query):
        if request.get("X-Jenkins-Validation") is not None:
            self.say(c, 200, "", ["X-Instance-Identity: MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"])
        elif request.method != "POST":
            self.say(c, 405, "Method POST required")
        elif request.get("X-GitHub-Event") is None:
            self.say(c, 400, "Hook should contain event type")
        elif not request.body:
            self.say(c, 400, "Hook should contain payload")
        else:
            for name, j in self.jobs.items():
                if self.would_build(j, json.loads(request.body).get("repository", {}).get("full_name")):
                    self.build(name, "github")
            self.say(c, 200)

    def gitlab(self, c, request, path, query):
        name = urllib.parse.unquote(path[len("/project/"):])
        if name not in self.jobs:
            self.say(c, 404, "<h1>Not Found</h1>")
        elif request.get("X-Gitlab-Event") is None:
            self.say(c, 200)
        elif self.jobs[name]["token"] and request.get("X-Gitlab-Token") != self.jobs[name]["token"]:
            self.say(c, 401, "Invalid token")
        else:
            self.build(name, "gitlab")
            self.say(c, 200)

    def generic(self, c, request, path, query):
        token = query.get("token", [request.get("token")])[0]
        found = [n for n, j in self.jobs.items() if j["token"] and j["token"] == token]
        if not self.whitelist:
            self.say(c, 403, '{"jobs":null,"message":"Sender, 127.0.0.1, did not pass whitelist."}', kind="application/json")
        elif not found:
            message = GWT_NONE if token is None else GWT_NONE[:-2] + ' A token was supplied."}'
            self.say(c, 404, message, kind="application/json")
        else:
            for name in found:
                self.build(name, "generic")
            jobs = {n: {"regexpFilterExpression": "", "triggered": True, "url": f"queue/item/{i}/"} for i, n in enumerate(found)}
            self.say(c, 200, json.dumps({"jobs": jobs, "message": "Triggered jobs."}, separators=(",", ":")),
                     kind="application/json")

    # --- the rest of Jenkins that matters ---

    def reverse_proxy_test(self, c, request, path):
        """2.2: a redirect to the root URL, whose target compares itself, percent-encoded, with what came."""
        base = "/manage/administrativeMonitor/hudson.diagnosis.ReverseProxySetupMonitor/"
        rest = path[len(base):]
        root = self.root_url(request)
        if rest == "test":
            inner = urllib.parse.quote(root + "manage/", safe="")
            self.say(c, 302, "", [f"Location: {root[:-1]}{base}testForReverseProxySetup/{inner}/"])
        elif rest.startswith("testForReverseProxySetup/"):
            got = rest[len("testForReverseProxySetup/"):].rstrip("/")
            inferred = urllib.parse.quote(root + "manage/", safe="")
            if got == inferred:
                self.say(c, 200)
            else:
                self.say(c, 404, f"{inferred} vs. {got}")
        else:
            self.say(c, 404, "<h1>Not Found</h1>")

    def api(self, c, request, path):
        m = re.fullmatch(r"/job/([^/]+)/(.*)", path)
        if path == "/api/json":
            jobs = [{"name": n, "buildable": j["buildable"], "lastBuild": j["builds"][-1] if j["builds"] else
                     {"number": 0, "timestamp": 1} if j["built"] else None} for n, j in self.jobs.items()]
            self.say(c, 200, json.dumps({"url": self.root or self.root_url(request), "jobs": jobs}), kind="application/json")
        elif m and m[1] in self.jobs and m[2] == "config.xml":
            j = self.jobs[m[1]]
            trigger = "<com.cloudbees.jenkins.plugins.BitBucketTrigger/>" if j["trigger"] else ""
            self.say(c, 200, f"<project><scm><url>git@bitbucket.org:{j['repository']}.git</url></scm><triggers>{trigger}"
                             "</triggers></project>".replace("Trigger", "Trigger" if j["trigger"] else ""), kind="application/xml")
        elif m and m[1] in self.jobs and re.fullmatch(r"\d+/logText/progressiveText", m[2]):
            start = int(urllib.parse.parse_qs(request.target.partition("?")[2]).get("start", ["0"])[0])
            log = self.jobs[m[1]]["console"]
            more = [] if log.endswith(b"Finished: SUCCESS\n") else ["X-More-Data: true"]
            self.say(c, 200, log[start:], [f"X-Text-Size: {len(log)}", *more], "text/plain;charset=utf-8")
        else:
            self.say(c, 404, "<h1>Not Found</h1>")

    def agent(self, c, request):
        """/wsagents/: an inbound agent by WebSocket; kept open, pinged by both sides."""
        if (request.get("Upgrade") or "").lower() != "websocket" or request.get("Node-Name") is None:
            self.say(c, 400, "This endpoint is only for use from agent.jar in WebSocket mode")
            return
        if request.get("Secret-Key") != "s3cret":
            self.say(c, 403, "Incorrect secret for agent")
            return
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {websocket.accept_key(request.get('sec-websocket-key'))}\r\n"
               f"X-Remoting-Capability: rO0ABXNyABpodWRzb24\r\nX-Jenkins: {VERSION}\r\n\r\n")
        websocket.send(c, websocket.BINARY, b"\0\0\0\0hello from the controller", mask=False)
        while True:
            websocket.send(c, websocket.PING, b"jenkins", mask=False)
            opcode, payload = websocket.receive(c)
            if opcode == websocket.PONG:
                self.n_pings += 1
                opcode, payload = websocket.receive(c)
            websocket.send(c, websocket.PONG if opcode == websocket.PING else opcode, payload, mask=False)
            if opcode == websocket.CLOSE:
                c.keep = False
                return
