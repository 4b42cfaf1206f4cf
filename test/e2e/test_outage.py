# SPDX-License-Identifier: Apache-2.0
"""After an outage of the origin: the agent looks at it while the edge has something for it, and says when it is back."""
import threading

import pytest

from agent_lab import BROKE, GET, REFUSED, SILENT, Played
from lab import refusing_address
from origin import Origin


def wait_for_look(played, waits=True):
    played.link.control(type="waiting", id=1, waits=waits)


def down(lab):
    """An agent whose origin's port is bound, but does not listen."""
    address, keeper = refusing_address()
    lab.keep(keeper)
    played = Played(lab)
    played.serve("http", address, "--name", "web")
    return played, keeper


def test_agent_says_when_the_origin_is_back(lab):
    played, keeper = down(lab)
    assert played.ask(GET) == REFUSED
    wait_for_look(played)
    wait_for_look(played)  # twice is once
    keeper.listen(8)
    assert played.link.wait_control("origin") == {"type": "origin", "id": 1}
    sock, _ = keeper.accept()
    with sock:
        sock.settimeout(20)
        assert sock.recv(1) == b"", "a look sends no request"


def test_connection_that_does_not_stay_is_no_origin(lab):
    """A port that something else answers, or a server that falls over at once."""
    played, keeper = down(lab)
    assert played.ask(GET) == REFUSED
    keeper.listen(8)
    wait_for_look(played)
    for _ in range(2):
        sock, _ = keeper.accept()
        sock.close()
    sock, _ = keeper.accept()
    with sock:
        played.link.wait_control("origin")


def test_origin_that_ends_before_its_answer_is_looked_at(lab):
    def fall_over(c, request):
        c.keep = False
    origin = lab.keep(Origin(fall_over))
    played = Played(lab)
    played.serve("http", origin.address, "--name", "web")
    assert played.ask(GET) == BROKE
    wait_for_look(played)
    played.link.wait_control("origin")


def test_silent_or_healthy_origin_is_not_looked_at(lab):
    """It would look well, and be no better; and the edge alone cannot make the agent connect."""
    origin = lab.keep(Origin({"/silent": lambda c, request: c.rest(), "": lambda c, request: c.answer()}))
    played = Played(lab)
    played.serve("http", origin.address, "--name", "web", "--origin-silent", "1")
    wait_for_look(played)
    assert played.ask(GET).endswith(b"ok")
    wait_for_look(played)
    assert played.ask(GET.replace(b" / ", b" /silent ")) == SILENT
    n = origin.n_connections
    wait_for_look(played)
    threading.Event().wait(5)
    assert origin.n_connections == n


def test_nothing_waits_any_more(lab):
    """The looks end; so they do with the link."""
    played, keeper = down(lab)
    assert played.ask(GET) == REFUSED
    wait_for_look(played)
    wait_for_look(played, waits=False)
    keeper.listen(8)
    keeper.settimeout(6)
    with pytest.raises(TimeoutError):
        keeper.accept()


def test_messages_of_another_version_are_ignored(lab):
    """An edge that says "waiting" in another way, or a number that no tunnel has."""
    played, _ = down(lab)
    played.link.control(type="waiting", id=7, waits=True)
    played.link.control(type="to-come", id=1)
    assert played.ask(GET) == REFUSED


