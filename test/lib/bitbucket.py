# SPDX-License-Identifier: Apache-2.0
"""A strict double of the webhook APIs of Bitbucket Cloud and Data Center: what is not as documented is refused, with their bodies."""
import json
import re
import urllib.parse
import uuid

from origin import Origin

CLOUD_EVENTS = set("""repo:push repo:fork repo:updated repo:created repo:deleted repo:imported repo:transfer
    repo:commit_comment_created repo:commit_status_created repo:commit_status_updated issue:created issue:updated
    issue:comment_created project:updated pullrequest:created pullrequest:updated pullrequest:push pullrequest:approved
    pullrequest:unapproved pullrequest:changes_request_created pullrequest:changes_request_removed pullrequest:fulfilled
    pullrequest:rejected pullrequest:comment_created pullrequest:comment_updated pullrequest:comment_deleted
    pullrequest:comment_resolved pullrequest:comment_reopened""".split())
DC_EVENTS = set("""repo:refs_changed repo:modified repo:forked repo:comment:added repo:comment:edited repo:comment:deleted
    repo:secret_detected mirror:repo_synchronized pr:opened pr:from_ref_updated pr:modified pr:reviewer:updated
    pr:reviewer:approved pr:reviewer:unapproved pr:reviewer:needs_work pr:merged pr:declined pr:deleted pr:comment:added
    pr:comment:edited pr:comment:deleted""".split())
PRIVATE = re.compile(r"https?://(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[|[^./:]+([:/]|$))")


class Refusal(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


class Bitbucket(Origin):
    """hooks: as stored. tokens: token -> set of rights ("read", "write")."""

    def __init__(self, dc=False, repository="acme/web", tokens=None, page=10, **kw):
        self.dc = dc
        self.repository = repository
        self.tokens = {"good-token": {"read", "write"}, "read-token": {"read"}} if tokens is None else tokens
        self.page = page
        self.hooks = []
        self.tested = []
        super().__init__(self.serve, **kw)
        self.api = f"http://{self.address}" + ("" if dc else "/2.0")

    # --- errors as they write them ---

    def refuse(self, status, message, fields=None, detail=None):
        if self.dc:
            context = next(iter(fields)) if fields else None
            raise Refusal(status, {"errors": [{"context": context, "message": fields[context] if fields else message,
                                               "exceptionName": None}]})
        error = {"message": message}
        if fields:
            error["fields"] = {k: [v] for k, v in fields.items()}
        if detail:
            error["detail"] = detail
        raise Refusal(status, {"type": "error", "error": error})

    def check_token(self, request, right):
        auth = request.get("Authorization") or ""
        token = auth[len("Bearer "):] if auth.startswith("Bearer ") else None
        if token not in self.tokens:
            self.refuse(401, "Token is invalid, expired, or not supported for this endpoint.")
        if right not in self.tokens[token]:
            if self.dc:
                self.refuse(403, "You are not permitted to access this resource")
            self.refuse(403, "Your credentials lack one or more required privilege scopes.",
                        detail=f"required: webhook, granted: {sorted(self.tokens[token])}")

    # --- dispatch ---

    def serve(self, c, request):
        try:
            status, body = self.answer_to(request)
        except Refusal as r:
            status, body = r.status, r.body
        text = b"" if body is None else json.dumps(body).encode()
        c.answer(text, status, ["Content-Type: application/json; charset=utf-8"], "Whatever")

    def answer_to(self, request):
        target, _, query = request.target.partition("?")
        query = urllib.parse.parse_qs(query)
        owner, repo = self.repository.split("/")
        base = (f"/rest/api/latest/projects/{owner}/repos/{repo}/webhooks" if self.dc
                else f"/2.0/repositories/{owner}/{repo}/hooks")
        self.check_token(request, "read" if request.method == "GET" else "write")
        if not (target + "/").startswith(base + "/"):
            if self.dc:
                self.refuse(404, f"Repository {self.repository} does not exist.")
            self.refuse(404, "You may not have access to this repository or it no longer exists in this workspace.")
        rest = urllib.parse.unquote(target[len(base):].lstrip("/"))
        if request.method == "GET" and not rest:
            return self.listing(query, base)
        if request.method == "POST" and not rest:
            hook = self.validated(request)
            self.identify(hook)
            self.hooks.append(hook)
            return 201, self.shown(hook)
        if self.dc and request.method == "POST" and rest == "test":
            self.tested.append({k: v[0] for k, v in query.items()})
            return 200, {"url": query["url"][0], "credentials": None, "webhookId": query["webhookId"][0],
                         "result": {"description": "200", "outcome": "SUCCESS"}}
        found = [h for h in self.hooks if str(h["id"] if self.dc else h["uuid"]) == rest]
        if not found:
            self.refuse(404, f"Webhook {rest} not found")
        if request.method == "PUT":
            new = self.validated(request)
            if "secret" not in new and "configuration" not in new:
                for key in ("secret", "configuration"):
                    if key in found[0]:
                        new[key] = found[0][key]
            found[0].update(new)
            return 200, self.shown(found[0])
        if request.method == "DELETE":
            self.hooks.remove(found[0])
            return 204, None
        return 200, self.shown(found[0])

    # --- hooks ---

    def identify(self, hook):
        if self.dc:
            hook["id"] = len(self.hooks) + 10
        else:
            hook["uuid"] = "{%s}" % uuid.uuid4()

    def shown(self, hook):
        out = dict(hook)
        if not self.dc:
            out["secret_set"] = bool(out.pop("secret", None))
            out["type"] = "webhook_subscription"
        return out

    def listing(self, query, base):
        shown = [self.shown(h) for h in self.hooks]
        if self.dc:
            start = int(query.get("start", ["0"])[0])
            n = min(self.page, int(query.get("limit", ["25"])[0]))
            last = start + n >= len(shown)
            return 200, {"values": shown[start:start + n], "size": len(shown[start:start + n]), "limit": n, "start": start,
                         "isLastPage": last, **({} if last else {"nextPageStart": start + n})}
        page = int(query.get("page", ["1"])[0])
        n = min(self.page, int(query.get("pagelen", ["10"])[0]))
        body = {"values": shown[(page - 1) * n:page * n], "pagelen": n, "page": page, "size": len(shown)}
        if page * n < len(shown):
            body["next"] = f"http://{self.address}{base}?pagelen={n}&page={page + 1}"
        return 200, body

    def validated(self, request):
        assert request.get("Content-Type") == "application/json", request.fields
        hook = json.loads(request.body)
        known = ({"name", "url", "active", "events", "configuration", "sslVerificationRequired"} if self.dc else
                 {"description", "url", "active", "events", "secret", "skip_cert_verification"})
        if set(hook) - known:
            self.refuse(400, "Bad request", {sorted(set(hook) - known)[0]: "extra keys not allowed"})
        url = hook.get("url", "")
        if not re.match(r"https?://[^/\s]+", url) or (not self.dc and PRIVATE.match(url)):
            self.refuse(400, "Bad request", {"url": "Invalid URL" if not self.dc else "The URL is not valid"})
        wrong = [e for e in hook.get("events", []) if e not in (DC_EVENTS if self.dc else CLOUD_EVENTS)]
        if wrong or not hook.get("events"):
            self.refuse(400, "Bad request", {"events": f"Invalid event: {wrong[0] if wrong else 'none'}"})
        if self.dc and not hook.get("name"):
            self.refuse(400, "Bad request", {"name": "A name is required"})
        return hook
