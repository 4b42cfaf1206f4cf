# SPDX-License-Identifier: Apache-2.0
"""With a preset, Jenkins itself is not on the internet: a crawl of its paths, methods and odd spellings reaches it zero times."""
import itertools
import os

import pytest

from http1 import Closed
from jenkins import Jenkins, job
from process import until

HOST = "web.localhost"

# Places of Jenkins that nobody outside has to do with.
PLACES = """/ /login /logout /signup /script /scriptText /computer/ /computer/api/json /computer/(built-in)/script /manage
    /manage/ /configure /configureSecurity/ /pluginManager/ /pluginManager/uploadPlugin /pluginManager/installNecessaryPlugins
    /credentials/ /credentials/store/system/ /user/admin/configure /user/admin/api/json /asynchPeople/ /people/ /view/all/
    /view/all/newJob /newJob /createItem /createItem?name=x /job/web/ /job/web/build /job/web/buildWithParameters
    /job/web/config.xml /job/web/configure /job/web/1/console /job/web/1/consoleText /job/web/1/logText/progressiveText
    /job/web/ws/ /job/web/lastBuild/api/json /job/web/doDelete /job/web/disable /api/json /api/xml /api/python /cli /cli/
    /cli?remoting=false /exit /safeExit /restart /safeRestart /quietDown /cancelQuietDown /reload /log/all /log/rss /whoAmI/
    /me/my-views/ /systemInfo /threadDump /load-statistics /fingerprint/ /static/1234/scripts/hudson-behavior.js /adjuncts/x
    /images/ /favicon.ico /robots.txt /wsagents/ /tcpSlaveAgentListener/ /jnlpJars/agent.jar /jnlpJars/jenkins-cli.jar
    /securityRealm/ /securityRealm/user/admin/ /descriptorByName/x/checkScript /descriptorByName/x/fillItems /crumbIssuer/api/json
    /queue/api/json /queue/cancelItem?id=1 /updateCenter/ /instance-identity/ /git/notifyCommit?url=x /github-webhook/
    /bitbucket-scmsource-hook/notify /bitbucket-server-webhook/trigger /project/web /generic-webhook-trigger/invoke?token=t
    /buildByToken/build?job=web&token=t /bitbucket-hook /Bitbucket-Hook/ /BITBUCKET-HOOK/ /bitbucket-hook/x /bitbucket-hookx/
    /blue/rest/ /blue/organizations/jenkins/ /view/all/builds /oops /error /monitoring /metrics/currentUser/ping /prometheus/
    /heapDump /groovyhook /oauth/ /adjuncts/ /i18n/resourceBundle /static-files/ /userContent/ /plugin/x/""".split()

# Ways back from the one path that is allowed.
ODD = """/bitbucket-hook/../script /bitbucket-hook/..%2fscript /bitbucket-hook/%2e%2e/script /bitbucket-hook/%2E%2E/script
    /bitbucket-hook/.%2e/script /bitbucket-hook/%2e./script /bitbucket-hook/..;/script /bitbucket-hook/;/../script
    /bitbucket-hook;/../script /bitbucket-hook;x=y/ /bitbucket-hook/;x=y /bitbucket-hook//../script //script //bitbucket-hook/
    /bitbucket-hook// /./bitbucket-hook/ /./bitbucket-hook/../script /x/../bitbucket-hook/ /%62itbucket-hook/ /bitbucket%2dhook/
    /bitbucket-hook%2f /bitbucket-hook%2F..%2Fscript /bitbucket-hook/%00 /bitbucket-hook/%00/../script /bitbucket-hook/%5c..%5cscript
    /bitbucket-hook/%252e%252e/script /bitbucket-hook/%c0%ae%c0%ae/script /bitbucket-hook/%u002e%u002e/script
    /bitbucket-hook/..%5cscript /bitbucket-hook/.../script /bitbucket-hook/..%00/script /bitbucket-hook/..%0d/script
    /%2e/bitbucket-hook/ /%2f/bitbucket-hook/ /bitbucket-hook/. /bitbucket-hook/.. /bitbucket-hook/./ /bitbucket-hook/../
    /bitbucket-hook/../bitbucket-hook/ /bitbucket-hook/..//script /..;/script /;/script /%3b/script /script;/bitbucket-hook/
    /script;x=/bitbucket-hook/ /script%3f/bitbucket-hook/ /script%23/bitbucket-hook/ /bitbucket-hook/..%2f..%2f..%2fetc/passwd
    /bitbucket-hook%20/ /bitbucket-hook/%20 /bitbucket-hook%09/ /bitbucket-hook/%0a /bitbucket_hook/ /bitbucket-hook%ef%bc%8f
    /%EF%BC%8Fbitbucket-hook/ /bitbucket-hook/~ /bitbucket-hook/* /bitbucket-hook/:80/ /@/bitbucket-hook/""".split()

METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "post", "POSTX"]
FORWARD = ["X-Original-URL: /script", "X-Rewrite-URL: /script", "X-HTTP-Method-Override: GET", "X-Forwarded-Prefix: /script"]


def crawl():
    """(method, target, headers); more than 1,000 of them."""
    targets = PLACES + ODD
    absolute = [f"http://{HOST}{t}" for t in ("/script", "/login", "/bitbucket-hook/../script", "/", "/api/json")]
    yield from ((m, t, []) for m, t in itertools.product(METHODS, targets) if m in ("GET", "POST", "PUT", "HEAD", "OPTIONS"))
    yield from ((m, t, []) for m, t in itertools.product(METHODS[4:], targets[:20] + ODD[:20]))
    yield from ((m, t, []) for m, t in itertools.product(("GET", "POST", "DELETE"), absolute))
    yield from ((m, "/bitbucket-hook/", []) for m in METHODS if m != "POST")
    yield from (("POST", "/script", [h]) for h in FORWARD)
    yield "OPTIONS", "*", []
    yield "GET", "http://other.localhost/bitbucket-hook/", []
    yield "CONNECT", "127.0.0.1:8080", []


class Crawler:
    """Connections are kept as long as the edge keeps them."""

    def __init__(self, edge, tls):
        self.edge, self.tls, self.v = edge, tls, None

    def ask(self, method, target, headers):
        for attempt in (1, 2):
            fresh = self.v is None
            if fresh:
                self.v = self.edge.visitor(tls=self.tls)
            try:
                body = b"{}" if method not in ("GET", "HEAD", "OPTIONS") else b""
                self.v.request(method, target, body, headers)
                m = self.v.response("HEAD" if method == "HEAD" else "GET")
            except (Closed, OSError):
                self.v.close()
                self.v = None
                if fresh:
                    return None
                continue
            if (m.get("Connection") or "").lower() == "close":
                self.v.close()
                self.v = None
            return m
        return None


@pytest.mark.parametrize("mode", ["store", "pass"])
def test_crawl(lab, mode):
    jenkins = lab.keep(Jenkins({"web": job(secret=None)}))
    edge = lab.edge()
    options = ["--for", "jenkins-bitbucket"]
    if mode == "pass":
        policy = os.path.join(lab.folder, "policy.json")
        with open(os.open(policy, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write('{"preset":"jenkins-bitbucket","mode":"pass"}')
        options = ["--policy", policy]
    lab.agent(edge, "http", jenkins.address, "--name", "web", *options)
    crawler = Crawler(edge, tls=mode == "store")
    connections = jenkins.n_connections  # that of the edge's own probe
    seen, n = {}, 0
    for method, target, headers in crawl():
        m = crawler.ask(method, target, headers)
        n += 1
        status = m.status if m else 0
        seen[status] = seen.get(status, 0) + 1
        assert status in (0, 400, 403, 404, 405, 421, 501), (method, target, headers, m)
        if m:
            assert "X-Jenkins" not in dict(m.fields), (method, target)
    assert n >= 1000, n
    assert seen.get(403, 0) > 500, seen
    assert connections <= 1 and jenkins.n_connections == connections and jenkins.requests == [], jenkins.requests[:3]
    if crawler.v:
        crawler.v.close()


def test_the_one_path_does_pass(lab):
    """The crawl would prove nothing if nothing passed."""
    import hashlib
    import hmac
    jenkins = lab.keep(Jenkins({"web": job()}))
    edge = lab.edge()
    secret = os.path.join(lab.folder, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("correct-horse-battery\n")
    lab.agent(edge, "http", jenkins.address, "--name", "web", "--for", "jenkins-bitbucket", "--secret-file", secret)
    body = b'{"push":{"changes":[]},"repository":{"full_name":"a/b"}}'
    mac = hmac.new(b"correct-horse-battery", body, hashlib.sha256).hexdigest()
    with edge.visitor() as v:
        m = v.ask("POST", "/bitbucket-hook/?x=1", body, [f"X-Hub-Signature: sha256={mac}", "X-Event-Key: repo:push"])
    assert m.status == 202
    until(lambda: len(jenkins.requests) == 1)
    assert jenkins.requests[0].target == "/bitbucket-hook/?x=1"
