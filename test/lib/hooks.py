# SPDX-License-Identifier: Apache-2.0
"""Senders of webhooks as Bitbucket Cloud is one, and inboxes as their operator sees them."""
import hashlib
import hmac
import json
import os
import uuid

SECRET = "correct-horse-battery"
HOOK = "/bitbucket-hook/"


def signed(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push_body(number, branch="main", repository="acme/web", pad=0):
    return json.dumps({
        "number": number, "pad": "x" * pad,
        "push": {"changes": [{"old": None, "new": {"type": "branch", "name": branch, "target": {"hash": "%040x" % number}}}]},
        "repository": {"full_name": repository, "name": repository.split("/")[1]},
        "actor": {"nickname": "rosa"},
    }).encode()


def push_headers(body, secret=SECRET, request_uuid=None, attempt=1, event="repo:push"):
    return ["User-Agent: Bitbucket-Webhooks/2.0", "Content-Type: application/json", f"X-Attempt-Number: {attempt}",
            f"X-Event-Key: {event}", "X-Hook-UUID: f099c779-4318-41cb-887f-db5f7432be3a",
            f"X-Request-UUID: {request_uuid or uuid.uuid4()}", f"X-Hub-Signature: {signed(body, secret)}"]


def send(edge, number, host="web.localhost", path=HOOK, branch="main", pad=0, repository="acme/web", **kw):
    """One signed push on a connection of its own; returns the answer."""
    body = push_body(number, branch, repository, pad)
    with edge.visitor(host, tls=False) as v:
        return v.ask("POST", path, body, push_headers(body, **kw))


def stored(edge, number, **kw):
    """As send(), and it must be stored; returns the delivery's id."""
    m = send(edge, number, **kw)
    assert m.status == 202, m
    said = json.loads(m.body)
    assert said["delivery"] == m.get("adit-delivery")
    return int(said["delivery"])


def number_of(request):
    return json.loads(request.body)["number"]


def numbers(origin):
    return [number_of(r) for r in origin.requests]


def secret_file(folder, *secrets):
    path = os.path.join(str(folder), "secret-%s" % hashlib.sha256("".join(secrets).encode()).hexdigest()[:8])
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write("".join(s + "\n" for s in secrets or (SECRET,)))
    return path
