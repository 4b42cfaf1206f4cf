# SPDX-License-Identifier: Apache-2.0
"""What the inbox makes of answers that look like success and are none, or that cannot be read."""
import json

import pytest

from hooks import stored
from process import until
from test_errors import raw_then_close
from test_inbox_commands import Operator
from test_inbox_delivery import Inbox, status

MANY = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"Content-Length: 0\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000 + b"\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n"


def attempt_of(edge, number):
    said = json.loads(Operator(edge).run("show", str(number), "--json"))
    return said, said.get("attempts") or []


@pytest.mark.parametrize("said, code", [(b"Matched 0", "matched-0"), (b'"message":"Did not find any jobs with it"', "no-job")])
def test_a_200_that_built_nothing_is_noticed_beyond_the_first_kib(lab, said, code):
    inbox = Inbox(lab, lab.origin(status(200, "X-Jenkins: 2.528.3", body=b"<p>" * 4000 + said + b"</p>" * 4000)))
    number = stored(inbox.edge, 1)
    until(lambda: attempt_of(inbox.edge, number)[0]["state"] == "parked")
    row, attempts = attempt_of(inbox.edge, number)
    assert attempts[0]["reason"] == code and "built nothing" in row["note"]
    assert len(attempts[0]["answer"]) <= 1024  # no more is kept


@pytest.mark.parametrize("raw", [MANY, LONG], ids=["fields", "bytes"])
def test_a_head_that_is_too_large_is_told_as_that(lab, raw):
    """The server has the webhook and would answer so again: parked, after one attempt."""
    inbox = Inbox(lab, lab.origin(raw_then_close(raw)))
    number = stored(inbox.edge, 1)
    until(lambda: attempt_of(inbox.edge, number)[0]["state"] == "parked")
    row, attempts = attempt_of(inbox.edge, number)
    assert [a["reason"] for a in attempts] == ["large-head"] and "100 header fields" in row["note"]


def test_a_head_that_is_no_http_is_told_as_that(lab):
    inbox = Inbox(lab, lab.origin(raw_then_close(BAD)))
    number = stored(inbox.edge, 1)
    until(lambda: attempt_of(inbox.edge, number)[1])
    row, attempts = attempt_of(inbox.edge, number)
    assert attempts[0]["reason"] == "bad-response" and "no valid HTTP" in row["note"], (row, attempts)


@pytest.mark.parametrize("raw, code", [(MANY, "origin-large-head"), (LONG, "origin-large-head"), (BAD, "origin-bad-response")],
                         ids=["fields", "bytes", "bad"])
def test_visitors_are_told_too(lab, raw, code):
    edge, _, _ = lab.web(lab.origin(raw_then_close(raw)))
    m = edge.get()
    assert (m.status, m.error) == (502, code), m
