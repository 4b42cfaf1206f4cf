# SPDX-License-Identifier: Apache-2.0
"""The agent's command line: what it takes, what it says to mistakes, how a login is stored."""
import json
import os
import stat
import subprocess

import pytest

from agent_lab import Played
from hostile import CONTROL, frame
from lab import ADIT, refusing_address
from origin import Origin, ok
from process import WAIT_S


def adit(*args, env=None, stdin=None):
    """Runs to its end; (exit code, standard output, standard error)."""
    done = subprocess.run([ADIT, *args], capture_output=True, text=True, input=stdin or "", timeout=2 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(env or {})})
    return done.returncode, done.stdout, done.stderr


def test_help_and_version():
    code, out, _ = adit("help")
    assert code == 0 and all(f"\n  {c} " in out for c in ("http", "tcp", "start", "login", "version", "help"))
    code, out, _ = adit("help", "http")
    assert code == 0 and "--origin-host" in out and "--port" not in out
    assert adit("tcp", "--help")[0] == 0
    assert adit("--help")[0] == 0
    code, out, _ = adit("version")
    assert code == 0 and out.startswith("adit ")
    assert adit()[0] == 2


@pytest.mark.parametrize("args, said", [
    (["htpt", "8080"], 'did you mean "http"?'),
    (["http"], "an argument is missing"),
    (["http", "1", "2"], "too many arguments"),
    (["http", "8080", "--nmae", "x"], "did you mean --name?"),
    (["http", "8080", "--port", "1"], "no option of this command"),
    (["http", "8080", "--name", "a.b"], "--name a.b"),
    (["tcp", "22", "--port", "0"], "1 to 65535"),
    (["http", "8080", "--token", "adit_secret"], "--token-file"),
    (["http", "8080"], "no edge"),
    (["http", "8080", "--edge", "https://localhost:1"], "no token"),
    (["http", "8080", "--edge", "http://localhost:1"], "https:// only"),
    (["http", "host:99999", "--edge", "https://localhost:1"], "host:99999"),
    (["http", "8080/path", "--edge", "https://localhost:1"], "8080/path"),
    (["tcp", "https://x", "--edge", "https://localhost:1"], "HOST:PORT"),
    (["http", "8080", "--origin-insecure", "--edge", "https://localhost:1"], "https://"),
    (["http", "8080", "--edge", "https://localhost:1", "--ca", "/nonexistent.pem"], "/nonexistent.pem"),
    (["http", "8080", "--edge", "https://localhost:1", "--token-file", "/nonexistent"], "/nonexistent"),
    (["http", "8080", "--log-level", "loud"], "--log-level"),
    (["start"], "--all"),
    (["login", "https://localhost:1"], "--token-file"),
])
def test_mistakes(args, said):
    token = {} if "no token" in said or args[0] == "login" or "--token-file" in args else {"ADIT_TOKEN": "adit_x"}
    code, out, err = adit(*args, env=token)
    assert code == 2 and said in err and out == "", (code, err)
    assert "adit_secret" not in err


def test_mistakes_in_the_file(tmp_path):
    path = tmp_path / "adit.yml"
    path.write_text("edge: https://localhost:1\ntunnels:\n  ci:\n    origni: 8080\n")
    code, _, err = adit("start", "--all", "-f", str(path))
    assert code == 2 and f'{path}:4:5: tunnels.ci.origni: no such key; did you mean "origin"?' in err
    path.write_text("edge: https://localhost:1\ntunnels:\n  ci:\n    origin: 8080\n")
    code, _, err = adit("start", "cj", "-f", str(path), env={"ADIT_TOKEN": "adit_x"})
    assert code == 2 and 'did you mean "ci"?' in err
    path.write_text("token: adit_secret\n")
    path.chmod(0o644)
    code, _, err = adit("start", "--all", "-f", str(path))
    assert code == 2 and "chmod 600" in err and "adit_secret" not in err


def test_login(lab):
    """Tried, then stored with 0600; tunnels that were there stay; later commands need no options."""
    played = Played(lab)
    home = os.path.join(played.real.folder, "home")
    folder = os.path.join(home, ".config", "adit")
    os.makedirs(folder)
    path = os.path.join(folder, "adit.yml")
    with open(path, "w") as f:
        f.write("# mine\ntunnels:\n  ci: {origin: 8080, name: ci}\n")
    env = {"HOME": home}
    agent = login(played, env)
    link = played.accept(up=False)
    assert link.hello.get("tunnels", []) == []
    link.welcome([])
    agent.exits(0)
    with open(played.real.token) as f:
        token = f.read().strip()
    with open(path) as f:
        assert f.read() == (f'edge: "{played.url}"\nca: "{os.path.realpath(played.real.ca)}"\ntoken: "{token}"\n'
                            "# mine\ntunnels:\n  ci: {origin: 8080, name: ci}\n")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(folder) == ["adit.yml"]
    run = bare(played, ["start", "ci", "--json"], env)
    played.accept()
    run.wait_event("up", name="ci")


def bare(played, args, env):
    """An agent without the options of Played.start()."""
    from agent_lab import Ended
    played.n_agents += 1
    log = os.path.join(played.real.folder, f"bare-{played.n_agents}.log")
    return played.lab.keep(Ended([ADIT, *args], log, env, "adit"))


def login(played, env):
    return bare(played, ["login", played.url, "--ca", played.real.ca, "--token-file", played.real.token], env)


def test_login_that_fails(lab):
    """Nothing is stored when the edge refuses the token, or cannot be reached."""
    played = Played(lab)
    home = os.path.join(played.real.folder, "home")
    agent = login(played, {"HOME": home})
    link = played.accept(up=False)
    link.control(type="refused", code="bad-token", text="this edge does not know this token", retry_ms=0)
    agent.exits(3)
    address, keeper = refusing_address()
    played.url = "https://localhost:" + address.rsplit(":", 1)[1]
    agent = login(played, {"HOME": home})
    agent.exits(1)
    assert f"the edge {played.url} does not take connections" in agent.logged()
    keeper.close()
    assert not os.path.exists(os.path.join(home, ".config", "adit", "adit.yml"))


def test_token_by_every_way(lab):
    """A file, standard input, the environment; the environment of the running agent holds it no more (S-23)."""
    played = Played(lab)
    origin = lab.keep(Origin(ok))
    agent = bare(played, ["http", origin.address, "--name", "web", "--edge", played.url, "--ca", played.real.ca,
                          "--json"], {"HOME": "/nonexistent", "ADIT_TOKEN": "adit_from-environment"})
    played.accept()
    agent.wait_event("up")
    assert played.link.hello["token"] == "adit_from-environment"
    with open(f"/proc/{agent.pid}/environ", "rb") as f:
        assert b"adit_from-environment" not in f.read()
    with open(f"/proc/{agent.pid}/cmdline", "rb") as f:
        assert b"adit_from" not in f.read()
    with open(f"/proc/{agent.pid}/limits") as f:
        assert next(line for line in f if line.startswith("Max core")).split()[4:6] == ["0", "0"]
    child = subprocess.Popen([ADIT, "http", origin.address, "--name", "web", "--edge", played.url, "--ca",
                              played.real.ca, "--token-file", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(b"adit_from-stdin\n")
    child.stdin.close()
    played.accept()
    assert played.link.hello["token"] == "adit_from-stdin"
    assert child.stdout.readline().decode() == f"https://t1.localhost -> http://{origin.address}\n"
    child.terminate()
    assert child.wait(WAIT_S) == 0
    child.stdout.close()


def test_doctor_asks_behind_the_welcome_and_once(lab):
    """An edge that answers before it is asked, welcomes twice, and says its last answer twice."""
    played = Played(lab)
    doctor = played.start("doctor", "web")
    link = played.accept(up=False)
    link.control(type="probe", name="web", state="other")
    link.welcome([])
    link.welcome([])
    assert link.wait_control("probe")["name"] == "web"
    link.control(type="probe", name="web", state="unknown", inbox={"parked": 1})
    asked = link.wait_control("inbox")
    assert asked["states"] == ["parked", "dead"]
    for _ in range(2):
        link.control(type="inbox", seq=asked["seq"], rows=[{"id": 7, "state": "parked", "received_ms": 1}])
    link.end()
    said = json.loads(doctor.wait_line(lambda line: line.startswith("{"), 4 * WAIT_S)[0])
    doctor.exits(1)  # such a tunnel fails
    stages = {s["stage"]: s["text"] for s in said["stages"]}
    assert stages["link"] == "no agent: unknown", stages
    assert "1 parked" in stages["inbox"], stages
    frames = [json.loads(payload)["type"] for kind, _, _, payload in link.seen if kind == CONTROL]
    assert frames == ["hello", "probe", "inbox"], frames


def twice(link, **message):
    """Two frames in one piece, so that the second is read in the turn of the first."""
    link.send(2 * frame(CONTROL, 0, 0, json.dumps(message).encode()))


def test_a_second_welcome_right_behind_the_first_means_nothing(lab):
    played = Played(lab)
    agent = login(played, {"HOME": os.path.join(played.real.folder, "home")})
    link = played.fake.accept()
    twice(link, type="welcome", protocol=1, edge="fake/1", account="ann", generation=1, tunnels=[])
    agent.exits(0)


@pytest.mark.parametrize("command", ["drop", "replay"])
def test_an_answer_right_behind_the_last_means_nothing(lab, command):
    played = Played(lab)
    agent = bare(played, ["inbox", command, "7", "--edge", played.url, "--ca", played.real.ca, "--token-file", played.real.token], {"HOME": played.real.folder})
    link = played.accept()
    asked = link.wait_control("inbox")
    twice(link, type="inbox", seq=asked["seq"], ok=True, changed=1)
    agent.exits(0)
