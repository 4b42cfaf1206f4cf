# SPDX-License-Identifier: Apache-2.0
"""Programs that were written for ngrok, unchanged, with an edge of adit behind them; their API, words and log lines."""
import base64
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from conftest import ROOT
from lab import ADIT
from process import WAIT_S, Process, until

MODULES = f"{ROOT}/build/npm/node_modules"
KEYS = {"name", "ID", "uri", "public_url", "proto", "config", "metrics"}


class Named:
    """A link by the name ngrok, a home with a login, and an edge."""

    def __init__(self, lab):
        self.lab, self.edge, self.origin = lab, lab.edge(), lab.origin()
        self.port = int(self.origin.address.rsplit(":", 1)[1])
        self.home = os.path.join(lab.folder, "home")
        os.makedirs(f"{self.home}/.config/adit")
        with open(self.edge.token) as f:
            self.token = f.read().strip()
        self.login = f"edge: https://{self.edge.ready['https']}\nca: {self.edge.ca}\n"
        self.config(self.login + f"token: {self.token}\n")
        subprocess.run([ADIT, "ngrok-link", self.home], check=True, capture_output=True, timeout=WAIT_S)
        self.path = f"{self.home}/ngrok"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "NGROK_"))}
        self.env.update(HOME=self.home, no_proxy="*", TOKEN=self.token, PORT=str(self.port), BIN=self.home, NODE_PATH=MODULES,
                        PYNGROK_NGROK_PATH=self.path)

    def config(self, text):
        with open(os.open(f"{self.home}/.config/adit/adit.yml", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)

    def say(self, *args, env=None):
        return subprocess.run([self.path, *args], env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=2 * WAIT_S)

    def start(self, *args, env=None):
        """Runs until the lab ends; .web is where it listens."""
        agent = Running([self.path, *args], os.path.join(self.home, "ngrok.log"), {**self.env, **(env or {})}, "ngrok")
        self.lab.keep(agent)
        line, _ = agent.wait_line(lambda text: "starting web service" in text, 2 * WAIT_S)
        agent.web = "http://" + re.search(r'addr"?[=:]"?(\d+\.\d+\.\d+\.\d+:\d+)', line).group(1)
        return agent

    def node(self, script, *args, require=()):
        return subprocess.run(["node", *(w for r in require for w in ("-r", r)), "-e", script, *args], env=self.env,
                              capture_output=True, text=True, timeout=6 * WAIT_S)


class Running(Process):
    web = None

    def close(self):
        self.stop()


def call(web, method, path, body=None, headers=None):
    """(status, parsed body or text)."""
    req = urllib.request.Request(web + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                 headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(req, timeout=2 * WAIT_S) as r:
            status, text = r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read().decode()
    return status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
def named(lab):
    return Named(lab)


@pytest.fixture
def idle(named):
    agent = named.start("start", "--none", "--log=stdout")
    agent.wait_line(lambda text: "tunnel session started" in text, 2 * WAIT_S)
    return agent


# --- the API ---

def test_tunnels(named, idle):
    assert call(idle.web, "GET", "/api/tunnels") == (200, {"tunnels": [], "uri": "/api/tunnels"})
    status, t = call(idle.web, "POST", "/api/tunnels", {"name": "x (http)", "addr": named.port, "proto": "http",
                                                        "subdomain": "jenkins", "configPath": "z", "port": 1, "authtoken": "t"})
    assert status == 201 and set(t) == KEYS
    assert t["public_url"].startswith("https://jenkins.localhost") and t["proto"] == "https"
    assert t["config"] == {"addr": f"http://localhost:{named.port}", "inspect": True} and len(t["ID"]) == 32
    assert t["uri"] == "/api/tunnels/x%20%28http%29"
    assert named.edge.get(host="jenkins.localhost").body == b"ok"
    assert call(idle.web, "GET", t["uri"])[1]["public_url"] == t["public_url"]
    assert [x["name"] for x in call(idle.web, "GET", "/api/tunnels")[1]["tunnels"]] == ["x (http)"]
    # Scripts grep the text.
    with urllib.request.urlopen(idle.web + "/api/tunnels", timeout=WAIT_S) as r:
        assert b'"public_url":"https://jenkins' in r.read()
    assert call(idle.web, "DELETE", t["uri"], {}) == (204, "")
    assert call(idle.web, "DELETE", t["uri"], {})[0] == 404
    until(lambda: named.edge.get(host="jenkins.localhost").status == 503)


def test_endpoints(named, idle):
    status, e = call(idle.web, "POST", "/api/endpoints", {"name": "e", "upstream": {"url": f"http://localhost:{named.port}"}})
    assert status == 201 and e["url"].startswith("https://") and e["upstream"]["url"] == f"http://localhost:{named.port}"
    status, again = call(idle.web, "PUT", "/api/endpoints/e", {"upstream": {"url": str(named.port)}, "url": "https://put.localhost"})
    assert status == 201 and again["url"].startswith("https://put.localhost")
    status, tcp = call(idle.web, "POST", "/api/endpoints", {"name": "t", "upstream": {"url": "localhost:22"}, "url": "tcp://"})
    assert status == 201 and tcp["url"].startswith("tcp://")
    assert len(call(idle.web, "GET", "/api/endpoints")[1]["endpoints"]) == 2
    assert call(idle.web, "GET", "/api/status")[1]["status"] == "online"
    for name in ("e", "t"):
        assert call(idle.web, "DELETE", f"/api/endpoints/{name}")[0] == 204


def test_requests(named, idle):
    assert call(idle.web, "POST", "/api/tunnels", {"name": "a", "addr": named.port, "subdomain": "web"})[0] == 201
    assert named.edge.get("/one?x=1", headers="X-A: 1\r\nX-A: 2\r\n").body == b"ok"
    assert named.edge.get("/two").body == b"ok"
    said = until(lambda: [q for q in call(idle.web, "GET", "/api/requests/http?limit=5")[1]["requests"] if q["response"]][1:] and
                 call(idle.web, "GET", "/api/requests/http?limit=5")[1])
    newest, oldest = said["requests"]
    assert said["uri"] == "/api/requests/http" and newest["request"]["uri"] == "/two"
    assert oldest["request"]["method"] == "GET" and oldest["request"]["headers"]["X-A"] == ["1", "2"]
    assert oldest["response"]["status_code"] == 200 and oldest["tunnel_name"] == "a" and oldest["duration"] > 0
    assert base64.b64decode(oldest["request"]["raw"]).startswith(b"GET /one?x=1 HTTP/1.1\r\n")
    assert base64.b64decode(oldest["response"]["raw"]).endswith(b"\r\n\r\nok")
    assert call(idle.web, "GET", oldest["uri"])[1]["id"] == oldest["id"]
    assert call(idle.web, "GET", "/api/requests/http?tunnel_name=b")[1]["requests"] == []
    # As pyngrok and npm's package ask for it.
    n = len(named.origin.requests)
    for more in ({"tunnel_name": None}, {"tunnel_name": "a"}, {"tunnelName": "a"}, {}):
        assert call(idle.web, "POST", "/api/requests/http", {"id": oldest["id"], **more})[0] == 204
    until(lambda: len(named.origin.requests) == n + 4, 20, "four replays")
    assert {r.raw_head for r in named.origin.requests[n:]} == {r.raw_head for r in named.origin.requests if r.target == "/one?x=1"}
    assert call(idle.web, "POST", "/api/requests/http", {"id": oldest["id"], "tunnel_name": "b"})[0] == 404
    assert call(idle.web, "POST", "/api/requests/http", {"id": "1"})[0] == 404 == call(idle.web, "POST", "/api/requests/http", {})[0]
    assert call(idle.web, "DELETE", "/api/requests/http", {})[0] == 204
    assert call(idle.web, "GET", "/api/requests/http")[1]["requests"] == []
    assert call(idle.web, "GET", oldest["uri"])[0] == 404 and call(idle.web, "GET", "/api/requests/http/x")[0] == 404


def test_errors(named, idle):
    stranger = named.lab.agent(named.edge, "http", named.origin.address, "--name", "taken", "--web", "off",
                               token=named.edge.new_token("stranger")[0])
    for body, status, code, text in (
            ({"name": "q", "addr": "80", "proto": "udp"}, 400, 102, "protocol name"),
            ({"name": "q", "addr": "no port:x"}, 400, 102, "invalid address"),
            ({"name": "q", "addr": 80, "basic_auth": ["u:secret"]}, 400, 102, "basic_auth"),
            ({"name": "q", "addr": 80, "oauth": {"provider": "x"}}, 400, 102, "oauth"),
            ({"name": "q", "addr": 80, "verify_webhook": {"provider": "x"}}, 400, 102, "verify_webhook"),
            ({"name": "q", "addr": 80, "traffic_policy": "{}"}, 400, 102, "traffic_policy"),
            ({"name": "q", "addr": 80, "subdomain": "taken"}, 502, 103, "another account"),
            ([], 400, 102, "object")):
        got, said = call(idle.web, "POST", "/api/tunnels", body)
        assert (got, said["error_code"], said["status_code"]) == (status, code, status), said
        assert text in said["details"]["err"] and "secret" not in said["details"]["err"]
    assert call(idle.web, "GET", "/api/tunnels")[1]["tunnels"] == []
    assert call(idle.web, "POST", "/api/tunnels", {"name": "a", "addr": named.port})[0] == 201
    status, said = call(idle.web, "POST", "/api/tunnels", {"name": "a", "addr": named.port})
    assert status == 400 and "already exists" in said["details"]["err"]
    stranger.stop()


def test_an_allow_list_is_kept(named, idle):
    assert call(idle.web, "POST", "/api/tunnels", {"name": "a", "addr": named.port, "subdomain": "closed",
                                                   "ip_restriction": {"allow_cidrs": ["192.0.2.0/24"]}})[0] == 201
    assert named.edge.get(host="closed.localhost").status == 403


def test_before_there_is_a_link(named):
    named.config(f"edge: 127.0.0.1:1\ntoken: {named.token}\n")
    agent = named.start("start", "--none", "--log=stdout")
    status, said = call(agent.web, "POST", "/api/tunnels", {"name": "a", "addr": 80})
    assert (status, said["error_code"]) == (503, 104)
    assert said["details"]["err"] == "a successful ngrok tunnel session has not yet been established"


@pytest.mark.slow  # sixty-four programs that start
def test_sixty_four_one_after_the_other(named, idle):
    """As fast as a script can; the link lives, and no glitch is counted too many."""
    for i in range(64):
        assert call(idle.web, "POST", "/api/tunnels", {"name": f"n{i}", "addr": named.port, "subdomain": f"n{i}"})[0] == 201
    status, said = call(idle.web, "POST", "/api/tunnels", {"name": "more", "addr": named.port})
    assert status == 502 and "as many tunnels" in said["details"]["err"]
    for i in range(64):
        assert call(idle.web, "DELETE", f"/api/tunnels/n{i}")[0] == 204
    assert call(idle.web, "POST", "/api/tunnels", {"name": "more", "addr": named.port, "subdomain": "n7"})[0] == 201
    assert not any("session closed" in line for line in idle.lines if line)


def test_tunnels_of_the_api_outlive_the_link(named, idle):
    """The edge ends; the agent comes back with what was added, and without what was removed."""
    for name in ("one", "two"):
        assert call(idle.web, "POST", "/api/tunnels", {"name": name, "addr": named.port, "subdomain": name})[0] == 201
    listen = ["--https", named.edge.ready["https"], "--http", named.edge.ready["http"]]
    folder = named.edge.folder
    named.edge.kill()
    until(lambda: call(idle.web, "GET", "/api/status")[1]["status"] != "online")
    assert call(idle.web, "DELETE", "/api/tunnels/two")[0] == 204
    edge = named.lab.edge(*listen, folder=folder)
    edge.wait_up("one")
    assert edge.get(host="one.localhost").body == b"ok"
    assert edge.get(host="two.localhost").status == 503


def test_whoever_is_not_asked(named, idle):
    assert call(idle.web, "GET", "/api/tunnels", headers={"Host": "evil.example"})[0] == 421
    assert call(idle.web, "POST", "/api/tunnels", {"addr": 80}, {"Origin": "http://evil.example"})[0] == 403
    # By the name adit a token is asked for; it is in a file that only its owner may read.
    agent = named.lab.agent(named.edge, "http", named.origin.address, "--name", "web", env={"HOME": named.home})
    web = "http://" + agent.up["web"]
    assert call(web, "GET", "/api/tunnels")[0] == 401
    path = f"{named.home}/.local/state/adit/web-token"
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path) as f:
        token = f.read().strip()
    status, said = call(web, "GET", "/api/tunnels", headers={"Authorization": f"Bearer {token}"})
    assert status == 200 and said["tunnels"][0]["name"] == "command_line"
    assert call(web, "GET", "/api/tunnels", headers={"Authorization": "Bearer " + "a" * 32})[0] == 401


# --- words and lines ---

def test_lines_come_in_order_and_nothing_on_standard_error(named):
    agent = named.start("http", "-log=stdout", "-log-level=debug", "-subdomain=web", str(named.port))
    agent.wait_line(lambda text: "started tunnel" in text, 2 * WAIT_S)
    lines = [line for line in agent.lines if line]
    said = "\n".join(lines)
    at = [said.index(text) for text in ("starting web service", "client session established", "tunnel session started",
                                        "URL:https://web.localhost", "URL:http://web.localhost", "started tunnel")]
    assert at == sorted(at)
    assert re.search(r'lvl=info msg="started tunnel" obj=tunnels name=command_line addr=http://localhost:\d+ url=https://web', said)
    assert re.search(r"URL:https://\S+ Proto:https ", said) and re.search(r"URL:http://\S+ Proto:http ", said)
    assert all(line.startswith("t=") for line in lines) and not agent.logged()


def test_json_lines(named):
    agent = named.start("http", str(named.port), "--log", "stdout", "--log-format", "json")
    agent.wait_line(lambda text: "started tunnel" in text, 2 * WAIT_S)
    lines = [json.loads(line) for line in agent.lines if line]
    assert {"t", "lvl", "msg", "addr"} <= set(lines[0]) and lines[-1]["url"].startswith("https://")


def test_words(named):
    assert re.fullmatch(r"ngrok version \S+\n", named.say("--version").stdout)
    assert named.say("version").stdout == named.say("-v").stdout == named.say("--version").stdout
    for words, text in ((("api", "x"), "no cloud"), (("http", "80", "--oauth", "google"), "guard"), (("nonsense",), "unknown"),
                        (("http", "80", "--what"), "unknown flag"), (("start", "x"), "no tunnel"),
                        (("http", "80", "--config", "/"), "/")):
        done = named.say(*words)
        assert done.returncode == 1 and text in done.stderr and not done.stdout, done
    assert named.say("update").returncode == 0 and named.say("config", "upgrade", "--relocate").returncode == 0


def test_tokens(named):
    """Kept in the file that is named, or in adit's own, of which the edge stays; a wrong one is told as an error."""
    path = f"{named.home}/n.yml"
    with open(path, "w") as f:
        f.write("version: '2'\nauthtoken: old\ntunnels:\n  a: { proto: http, addr: %d, subdomain: fromfile }\n" % named.port)
    done = named.say("config", "add-authtoken", named.token, "--log", "stdout", "--config", path)
    assert done.returncode == 0 and "Authtoken saved" in done.stdout and not done.stderr
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert named.say("config", "check", "--config", path).returncode == 0
    named.config(named.login)
    agent = named.start("start", "a", "--log=stdout", f"--config={path}")
    agent.wait_line(lambda text: "started tunnel" in text and "fromfile" in text, 2 * WAIT_S)
    assert [t["name"] for t in call(agent.web, "GET", "/api/tunnels")[1]["tunnels"]] == ["a"]
    agent.stop()
    assert named.say("authtoken", named.token).returncode == 0
    with open(f"{named.home}/.config/adit/adit.yml") as f:
        assert named.edge.ready["https"] in f.read()
    done = named.say("http", "80", "--log=stdout", env={"NGROK_AUTHTOKEN": "adit_" + "a" * 40})
    assert done.returncode == 1 and 'lvl=eror msg="command failed" err=' in done.stdout


# --- wrappers ---

NODE = """
const ngrok = require(process.argv[1]);
(async () => {
  const o = {binPath: () => process.env.BIN, addr: +process.env.PORT, proto: 'http', subdomain: 'jenkins',
             authtoken: process.env.TOKEN, configPath: process.env.BIN + '/expo.yml', onStatusChange: s => console.log('status ' + s)};
  const url = await ngrok.connect(o);
  console.log('url ' + url);
  if (ngrok.getApi && ngrok.getApi().listTunnels)
    console.log('list ' + (await ngrok.getApi().listTunnels()).tunnels.map(t => t.public_url));
  console.log('go'); await new Promise(done => process.stdin.once('data', done));
  if (ngrok.getApi && ngrok.getApi().listRequests)
    console.log('requests ' + (await ngrok.getApi().listRequests({limit: 5})).requests.map(r => r.request.uri));
  await ngrok.disconnect(url); await ngrok.kill(); console.log('done'); process.exit(0);
})().catch(e => { console.log('failed', JSON.stringify(e.body || String(e))); process.exit(1); });
"""
SHIM = """
const M = require('module'), old = M._resolveFilename;
M._resolveFilename = function (name, ...rest) {
  return /ngrok-bin-/.test(name) ? process.env.BIN + '/ngrok' : old.call(this, name, ...rest);
};
"""
WRAPPERS = ["ngrok", "ngrok5", "@expo/ngrok"]


def needs(module):
    if not os.path.isdir(f"{MODULES}/{module}"):
        pytest.skip(f"no {module} in {MODULES}: tools/deps ws installs it")


def shim(named, module):
    path = f"{named.home}/shim.js"
    with open(path, "w") as f:
        f.write(SHIM)
    return (path,) if module.startswith("@") else ()


@pytest.mark.parametrize("module", WRAPPERS)
def test_node_wrapper(named, module):
    """Opens, carries, lists, ends: its own code, unchanged."""
    needs(module)
    require = [w for r in shim(named, module) for w in ("-r", r)]
    child = subprocess.Popen(["node", *require, "-e", NODE, module], env=named.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in child.stdout:
            said.append(line.strip())
            if said[-1] == "go" or said[-1].startswith("failed"):
                break
        assert said[-1] == "go", (said, child.stderr.read())
        assert named.edge.get(host="jenkins.localhost").body == b"ok"
        out, err = child.communicate("on\n", timeout=4 * WAIT_S)
        assert "done" in out and child.returncode == 0, (said, out, err)
        assert module.startswith("@") or "requests /\n" in out
        assert any(line.startswith("url https://jenkins.localhost") for line in said)
        assert "status connected" in said
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()
    named.edge.nothing_left(0)


@pytest.mark.parametrize("module", WRAPPERS)
def test_node_wrapper_is_told_of_a_taken_name(named, module):
    needs(module)
    named.lab.agent(named.edge, "http", named.origin.address, "--name", "jenkins", "--web", "off",
                    token=named.edge.new_token("stranger")[0])
    done = named.node(NODE, module, require=shim(named, module))
    assert done.returncode == 1 and "belongs to another account" in done.stdout and '"error_code":103' in done.stdout, done


PYTHON = """
import os, sys
from pyngrok import conf, ngrok
conf.set_default(conf.PyngrokConfig(config_version=sys.argv[1], auth_token=os.environ["TOKEN"], startup_timeout=10,
                                    config_path=os.environ["BIN"] + "/py.yml"))
http = ngrok.connect(os.environ["PORT"])
tcp = ngrok.connect("22", "tcp")
print(http.public_url, tcp.public_url, sorted(t.public_url for t in ngrok.get_tunnels()) == sorted([http.public_url, tcp.public_url]))
sys.stdout.flush()
sys.stdin.readline()
ngrok.disconnect(http.public_url)
ngrok.disconnect(tcp.public_url)
print(ngrok.get_tunnels())
ngrok.kill()
"""


def python_with_pyngrok():
    for python in (os.environ.get("PYNGROK_PYTHON"), f"{ROOT}/build/pyngrok/bin/python", sys.executable):
        if python and os.path.exists(python) and subprocess.run([python, "-c", "import pyngrok"], capture_output=True).returncode == 0:
            return python
    pytest.skip("no pyngrok: python3 -m venv build/pyngrok && build/pyngrok/bin/pip install pyngrok==9.1.0")


@pytest.mark.parametrize("version", ["2", "3"])
def test_pyngrok(named, version):
    """Both versions of its API."""
    child = subprocess.Popen([python_with_pyngrok(), "-c", PYTHON, version], env=named.env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = child.stdout.readline().split()
        assert len(said) == 3 and said[2] == "True" and said[1].startswith("tcp://"), (said, child.communicate("\n")[1][-2000:])
        assert named.edge.get(host=said[0].split("://")[1].rsplit(":", 1)[0]).body == b"ok"
        out, err = child.communicate("\n", timeout=4 * WAIT_S)
        assert out.strip() == "[]" and child.returncode == 0, (out, err)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()
    named.edge.nothing_left(0)


def test_pyngrok_is_told_of_a_wrong_token(named):
    named.config(named.login)
    named.env["TOKEN"] = "adit_" + "a" * 40
    done = subprocess.run([python_with_pyngrok(), "-c", PYTHON, "3"], env=named.env, input="\n", capture_output=True, text=True,
                          timeout=6 * WAIT_S)
    assert done.returncode != 0 and "bad-token" in done.stderr + done.stdout, done
