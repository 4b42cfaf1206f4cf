# SPDX-License-Identifier: Apache-2.0
"""Passwords at the edge: whoever writes a hash or guesses at it must not be able to stop the others."""
import base64
import concurrent.futures
import ctypes
import json
import os
import subprocess

from hostile import FakeAgent
from lab import ADIT
from process import WAIT_S, until

# A quarter of a second for each guess; and the most that a policy may cost.
COST, DEAREST = "$6$rounds=400000$adittest$", "$6$rounds=1000000$adittest$"
_libcrypt = ctypes.CDLL("libcrypt.so.1")
_libcrypt.crypt.restype = ctypes.c_char_p


def hashed(password, setting=COST):
    made = _libcrypt.crypt(password.encode(), setting.encode())
    assert made and not made.startswith(b"*")
    return made.decode()


def users(edge, name, line):
    path = os.path.join(edge.folder, f"users-{name}")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(line + "\n")
    return path


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(edge, name, credentials, source="127.0.0.1", patience=6):
    """The status; the hashes of all who are before us take their time."""
    with edge.visitor(f"{name}.localhost", tls=False, source=source, deadline_s=patience * WAIT_S) as v:
        return v.ask("GET", "/", headers=[credentials]).status


def guess_on(edge, name, source="127.0.0.2"):
    """Guesses until there were too many; one comes back in 6 s. Returns how many were looked at."""
    for n in range(100):
        got = ask(edge, name, basic(name, f"wrong{n}"), source)
        if got == 429:
            return n
        assert got == 401
    raise AssertionError("a hundred guesses were looked at")


def two_accounts(lab, config="", cost=COST):
    """ann's hash is dear, bob's is cheap."""
    edge, origin = lab.edge(config=config), lab.origin()
    other, _ = edge.new_token("bob")
    lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file", users(edge, "ann", "ann:" + hashed("open", cost)))
    lab.agent(edge, "http", origin.address, "--name", "bob", "--user-file", users(edge, "bob", "bob:" + hashed("sesame", "$2b$04$" + "a" * 22)),
              token=other)
    edge.wait_up("ann")
    edge.wait_up("bob")
    return edge


def test_a_flood_of_guesses_stops_no_other_account(lab):
    """Forty at once gave 503 to everybody else's right password."""
    edge = two_accounts(lab)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        flood = [pool.submit(ask, edge, "ann", basic("ann", f"wrong{i}"), f"127.0.0.{2 + i % 16}") for i in range(64)]
        others = [pool.submit(ask, edge, "bob", basic("bob", "sesame")) for _ in range(5)]
        assert [o.result() for o in others] == [200] * 5
        got = [f.result() for f in flood]
    assert set(got) <= {401, 503} and got.count(401) >= 16, got
    assert ask(edge, "ann", basic("ann", "open")) == 200


def test_guesses_from_one_address_are_limited(lab):
    edge = two_accounts(lab)
    assert guess_on(edge, "bob") >= 10
    assert "event=too-many-guesses" in edge.logged()
    # neither another address nor the same address at another tunnel is touched
    assert ask(edge, "bob", basic("bob", "sesame"), "127.0.0.3") == 200
    assert ask(edge, "ann", basic("ann", "open"), "127.0.0.2") == 200


def test_a_page_of_fifty_parts_is_hashed_once(lab):
    """All fifty ask before the first hash is there; then they are known, on every worker and after the agent comes back."""
    edge = two_accounts(lab)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert list(pool.map(lambda _: ask(edge, "ann", basic("ann", "open")), range(50))) == [200] * 50


def test_a_request_that_waited_for_its_password_is_one_request(lab):
    """It goes on where it waited: counted once, with one id."""
    edge, origin = lab.edge(), lab.origin()
    lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file",
              users(edge, "ann", "ann:" + hashed("open", "$2b$04$" + "a" * 22)))
    edge.wait_up("ann")
    before = sum(w["requests"] for w in edge.status()["all"]["workers"])
    assert ask(edge, "ann", basic("ann", "open")) == 200
    assert ask(edge, "ann", basic("ann", "wrong")) == 401
    assert sum(w["requests"] for w in edge.status()["all"]["workers"]) == before + 2


def test_a_password_that_is_looked_at_while_the_agent_logs_in_anew(lab):
    """The answer is of users that are no more, so the new ones are asked, too: the same request waits twice."""
    edge, origin = lab.edge(config="workers: 1\n"), lab.origin()
    old = lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file", users(edge, "ann", "ann:" + hashed("open", DEAREST)))
    edge.wait_up("ann")
    decoys = [edge.visitor("ann.localhost", tls=False, source="127.0.0.2") for _ in range(4)]
    with edge.visitor("ann.localhost", tls=False, deadline_s=6 * WAIT_S) as v:
        for i, d in enumerate(decoys):  # what is before it in the queue takes longer than a login
            d.send(f"GET / HTTP/1.1\r\nHost: ann.localhost\r\n{basic('ann', f'wrong{i}')}\r\n\r\n")
        until(lambda: edge.status()["streams"] == len(decoys))
        v.send(f"GET / HTTP/1.1\r\nHost: ann.localhost\r\n{basic('ann', 'open')}\r\n\r\n")
        until(lambda: edge.status()["streams"] == len(decoys) + 1)
        old.kill()
        both = "eve:" + hashed("evening", "$2b$04$" + "a" * 22) + "\nann:" + hashed("open", DEAREST)
        lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file", users(edge, "both", both))
        assert v.response().status == 200
    assert edge.alive() and len(origin.requests) == 1
    for d in decoys:
        d.close()


def test_right_passwords_are_no_guesses_and_outlive_the_link(lab):
    edge, origin = lab.edge(), lab.origin()
    file = users(edge, "ann", "ann:" + hashed("open", "$2b$04$" + "a" * 22))
    agent = lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file", file)
    edge.wait_up("ann")
    for _ in range(12):
        assert ask(edge, "ann", basic("ann", "open")) == 200
    assert guess_on(edge, "ann", "127.0.0.1") >= 10
    agent.kill()
    lab.agent(edge, "http", origin.address, "--name", "ann", "--user-file", file)
    edge.wait_up("ann")
    assert ask(edge, "ann", basic("ann", "open")) == 200  # known still: there is no guess left


def test_rates_outlive_the_link(lab):
    edge, origin = lab.edge(), lab.origin()
    policy = os.path.join(edge.folder, "policy.json")
    with open(policy, "w") as f:
        f.write('{"visitor_rate":0.0001,"visitor_burst":3}')
    args = ("http", origin.address, "--name", "slow", "--policy", policy)
    agent = lab.agent(edge, *args)
    edge.wait_up("slow")
    assert [edge.get(host="slow.localhost").status for _ in range(4)] == [200, 200, 200, 429]
    with edge.visitor("slow.localhost", tls=False, source="127.0.0.2") as v:
        assert v.ask("GET", "/").status == 200
    agent.kill()
    lab.agent(edge, *args)
    edge.wait_up("slow")
    assert edge.get(host="slow.localhost").status == 429


def test_costs_and_rates_are_refused_when_the_policy_comes(lab):
    edge = lab.edge()
    file = users(edge, "dear", "ann:$6$rounds=999999999$salt$hash")
    argv = [ADIT, "http", "127.0.0.1:1", "--user-file", file, "--edge", edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=4 * WAIT_S, env={**os.environ, "HOME": edge.folder})
    assert done.returncode == 2 and "up to rounds=1000000" in done.stderr, done
    # an agent that does not look
    rows = {'{"users":["ann:$6$rounds=999999999$salt$hash"]}': "up to rounds=1000000",
            '{"users":["ann:$2b$31$abcdefghijklmnopqrstuu"]}': "a cost of 04 to 13",
            '{"users":["ann:$argon2id$v=19$m=1048576,t=1,p=1$c2FsdA$aGFzaA"]}': "up to m=65536, t=5 and p=4",
            '{"users":["ann:$y$jFT$salt$hash"]}': "up to 64 MiB",
            '{"rate":1.08e-13}': "from 0.00001", '{"visitor_rate":1e300}': "from 0.00001"}
    for i, (policy, why) in enumerate(rows.items()):
        agent = FakeAgent(edge, [{"id": 1, "kind": "http", "name": f"t{i}", "policy": json.loads(policy)}])
        said = agent.wait_control("welcome")["tunnels"][0]
        assert said["error"] == "bad-policy" and why in said["text"], said
        agent.close()
    edge.nothing_left(links=0)


def test_a_stop_waits_for_no_hash(lab):
    """Thirty dear hashes wait, and the connections are cut after half a second: nobody waits for the rest."""
    edge = two_accounts(lab, "limits:\n  drain_ms: 500\n", DEAREST)
    visitors = [edge.visitor("ann.localhost", tls=False, source=f"127.0.0.{2 + i // 8}") for i in range(30)]
    for i, v in enumerate(visitors):
        v.request("GET", "/", headers=[basic("ann", f"wrong{i}")])
    until(lambda: "event=bad-password" in edge.logged(), 4 * WAIT_S)  # they are under way
    edge.stop(deadline_s=WAIT_S)
    for v in visitors:
        v.close()
    for part in lab.parts:
        if part is not edge and hasattr(part, "expected_code"):
            part.kill()
