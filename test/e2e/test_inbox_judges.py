# SPDX-License-Identifier: Apache-2.0
"""Programs of others judge what comes out of the inbox: the signature that went in must still be good."""
import hashlib
import hmac
import json
import os
import shutil
import subprocess

import pytest

from conftest import ROOT
from hooks import push_body, push_headers, secret_file, send, stored
from process import Process, free_port, until
from test_inbox_delivery import Inbox

NODE = os.path.join(os.environ.get("ADIT_BUILD", os.path.join(ROOT, "build")), "npm", "node_modules")


@pytest.mark.skipif(not shutil.which("webhook"), reason="no Debian package webhook")
def test_s24_debian_webhook_accepts_the_signature_of_a_late_delivery(lab):
    port = free_port()
    rules = os.path.join(lab.folder, "hooks.json")
    with open(rules, "w") as f:
        json.dump([{"id": "push", "execute-command": "/bin/echo", "response-message": "taken",
                    "trigger-rule-mismatch-http-response-code": 403,
                    "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": "correct-horse-battery",
                                               "parameter": {"source": "header", "name": "X-Hub-Signature"}}}}], f)
    receiver = Process(["webhook", "-hooks", rules, "-ip", "127.0.0.1", "-port", str(port), "-verbose"],
                       os.path.join(lab.folder, "webhook.log"))
    lab.keep(type("Ended", (), {"close": lambda self: receiver.stop()})())
    until(lambda: "serving hooks" in receiver.logged())
    origin = type("At", (), {"address": f"127.0.0.1:{port}"})
    inbox = Inbox(lab, origin, preset=["--store", "--scheme", "bitbucket"])
    inbox.away()
    stored(inbox.edge, 1, path="/hooks/push")
    inbox.start()
    inbox.said("delivery", state="delivered", status=200)


def has(package):
    return shutil.which("node") and os.path.isdir(os.path.join(NODE, package))


def node(script, *args):
    return subprocess.run(["node", "-e", script, *args], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NODE_PATH": NODE})


@pytest.mark.skipif(not has("@octokit/webhooks"), reason="npm package @octokit/webhooks is not installed in build/npm")
def test_s24_octokit_verifies_what_was_delivered(lab):
    inbox = Inbox(lab, preset=["--store", "--scheme", "github"])
    body = push_body(1)
    mac = "sha256=" + hmac.new(b"correct-horse-battery", body, hashlib.sha256).hexdigest()
    with inbox.edge.visitor() as v:
        assert v.ask("POST", "/hook", body, ["Content-Type: application/json", "X-GitHub-Event: push", "X-GitHub-Delivery: a-1",
                                             f"X-Hub-Signature-256: {mac}"]).status == 202
    request = inbox.origin.wait_requests(1)[0]
    path = os.path.join(lab.folder, "body")
    with open(path, "wb") as f:
        f.write(request.body)
    done = node("""
const { Webhooks } = require("@octokit/webhooks");
new Webhooks({ secret: "correct-horse-battery" })
  .verify(require("fs").readFileSync(process.argv[1], "utf8"), process.argv[2]).then(ok => process.exit(ok ? 0 : 1));
""", path, request.get("X-Hub-Signature-256"))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not has("stripe"), reason="npm package stripe is not installed in build/npm")
def test_s24_stripe_verifies_what_was_delivered(lab):
    import time
    inbox = Inbox(lab, preset=["--store", "--scheme", "stripe"], secrets=("whsec_judge",))
    body, now = b'{"id":"evt_1","object":"event","type":"charge.succeeded"}', str(int(time.time()))
    mac = hmac.new(b"whsec_judge", now.encode() + b"." + body, hashlib.sha256).hexdigest()
    with inbox.edge.visitor() as v:
        assert v.ask("POST", "/stripe", body, [f"Stripe-Signature: t={now},v1={mac}"]).status == 202
    request = inbox.origin.wait_requests(1)[0]
    done = node("""require("stripe")("sk_test_x").webhooks.constructEvent(process.argv[1], process.argv[2], "whsec_judge");""",
                request.body.decode(), request.get("Stripe-Signature"))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not has("standardwebhooks"), reason="npm package standardwebhooks is not installed in build/npm")
def test_s24_standardwebhooks_verifies_what_was_delivered(lab):
    import base64
    import time
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    inbox = Inbox(lab, preset=["--store", "--scheme", "standard-webhooks"], secrets=(secret,))
    body, now = b'{"type":"a.b"}', str(int(time.time()))
    mac = base64.b64encode(hmac.new(bytes(range(32)), b"msg_1." + now.encode() + b"." + body, hashlib.sha256).digest()).decode()
    with inbox.edge.visitor() as v:
        assert v.ask("POST", "/w", body, ["webhook-id: msg_1", f"webhook-timestamp: {now}", f"webhook-signature: v1,{mac}"]).status == 202
    request = inbox.origin.wait_requests(1)[0]
    done = node("""
const { Webhook } = require("standardwebhooks");
new Webhook(process.argv[1]).verify(process.argv[2], JSON.parse(process.argv[3]));
""", secret, request.body.decode(), json.dumps({n.lower(): v for n, v in request.fields}))
    assert done.returncode == 0, done.stderr
