# SPDX-License-Identifier: Apache-2.0
"""`adit config import`: what comes out is an adit.yml that runs; what would be open is left out."""
import base64
import json
import os
import stat
import subprocess

import pytest

from lab import ADIT
from process import WAIT_S

NGROK = """version: "2"
authtoken: CANARY
tunnels:
  web:
    proto: http
    addr: "{origin}"
    subdomain: web
    basic_auth: ["ann:correct horse"]
    request_header: {{ add: ["X-From: ngrok"] }}
  open:
    proto: http
    addr: 9000
    oauth: {{ provider: google }}
"""
CLOUDFLARED = """tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef
ingress:
  - hostname: web.example.com
    service: http://{origin}
    path: ^/api
  - service: http_status:404
"""
FRP = """serverAddr = "frp.example.com"
[[proxies]]
name = "web"
type = "http"
localIP = "{host}"
localPort = {port}
subdomain = "web"
responseHeaders.set.x-from = "frp"
"""


def adit(*args, env=None):
    return subprocess.run([ADIT, *map(str, args)], capture_output=True, text=True, timeout=2 * WAIT_S,
                          env={"PATH": "/usr/bin:/bin", **(env or {})})


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("program, text, left_out", [
    ("ngrok", NGROK, 1), ("cloudflared", CLOUDFLARED, 0), ("frp", FRP, 0)])
def test_runs(lab, tmp_path, program, text, left_out):
    edge, origin = lab.edge(), lab.origin()
    host, port = origin.address.rsplit(":", 1)
    theirs = write(tmp_path / "theirs", text.format(origin=origin.address, host=host, port=port))
    ours = tmp_path / "new" / "adit.yml"
    done = adit("config", "import", theirs, "-o", ours)
    assert done.returncode == (1 if left_out else 0) and done.stdout == "", done
    assert "CANARY" not in ours.read_text() + done.stderr
    assert stat.S_IMODE(os.stat(ours.parent / "policy-web.json").st_mode) == 0o600
    done = adit("config", "check", ours)
    assert (done.returncode, done.stdout) == (0, "no mistakes; tunnels: 1\n"), done
    lab.agent(edge, "start", "--all", "-f", str(ours))
    if program == "ngrok":
        assert edge.get().status == 401
        word = base64.b64encode(b"ann:correct horse").decode()
        assert edge.get(headers=f"Authorization: Basic {word}\r\n").status == 200
        assert origin.requests[-1].get("x-from") == "ngrok"
    elif program == "cloudflared":
        assert edge.get("/other").status == 403 and edge.get("/api/x").status == 200
    else:
        assert edge.get().get("x-from") == "frp"


def test_to_standard_output(tmp_path):
    theirs = write(tmp_path / "ngrok.yml", "tunnels:\n  ci: { proto: http, addr: 8080, subdomain: ci, metadata: x }\n")
    done = adit("config", "import", theirs)
    assert done.returncode == 0 and 'name: "ci"' in done.stdout
    assert f"{theirs}:2:49: metadata: left out" in done.stderr and "# line 2: metadata" in done.stdout
    assert adit("config", "check", write(tmp_path / "adit.yml", done.stdout)).returncode == 0
    said = json.loads(adit("config", "import", "--json", theirs).stderr)
    assert said["event"] == "note" and ":2:49:" in said["text"]
    # A password belongs in no file that goes by standard output.
    theirs.write_text("tunnels:\n  ci:\n    proto: http\n    addr: 8080\n    basic_auth: ['a:CANARY']\n")
    done = adit("config", "import", theirs)
    assert done.returncode == 1 and ":2:3:" in done.stderr and "-o FILE" in done.stderr
    assert "origin:" not in done.stdout and "CANARY" not in done.stdout + done.stderr


def test_refused_with_place(tmp_path):
    theirs = write(tmp_path / "config.yml", CLOUDFLARED.format(origin="localhost:1") + "originRequest:\n  access: { required: true }\n")
    done = adit("config", "import", "--json", theirs)
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1 and "origin:" not in done.stdout
    assert any(e.get("code") == "refused" and ":8:3: access: not imported" in e["text"] for e in said), said


def test_nothing_is_written_over(tmp_path):
    theirs = write(tmp_path / "ngrok.yml", "tunnels:\n  ci: { proto: http, addr: 8080, request_header: { remove: [x] } }\n")
    ours = write(tmp_path / "adit.yml", "edge: https://kept\n")
    done = adit("config", "import", theirs, "--output", ours)
    assert done.returncode == 2 and "--force" in done.stderr and ours.read_text() == "edge: https://kept\n"
    assert not (tmp_path / "policy-ci.json").exists()
    ours.unlink()
    write(tmp_path / "policy-ci.json", "mine")
    done = adit("config", "import", theirs, "--output", ours)
    assert done.returncode == 2 and not ours.exists() and (tmp_path / "policy-ci.json").read_text() == "mine"
    assert adit("config", "import", theirs, "--output", ours, "--force").returncode == 0 and ours.exists()
    assert adit("config", "import", theirs, "--output", "/proc/nowhere/adit.yml").returncode == 1


def test_mistakes(tmp_path):
    for text, code, said in (
            ("[common]\nserver_addr = 1\n[ssh]\ntype = tcp\n", 2, "frpc.toml first"), ("a: [\n", 2, ":2:1:"), ("", 2, "no configuration"),
            ("serverAddr = x\n", 2, ":1:15:"), ("x: 1\n", 2, "--from"), ("edge: x\n", 2, "adit.yml already")):
        done = adit("config", "import", write(tmp_path / "f", text))
        assert done.returncode == code and said in done.stderr, (text, done)
    assert adit("config", "import", tmp_path / "none").returncode == 1
    done = adit("config", "import", "--from", "caddy", tmp_path / "f")
    assert done.returncode == 2 and "cloudflared" in done.stderr
    assert adit("config", "import").returncode == 2
    # The word decides where the content does not.
    assert adit("config", "import", "--from", "ngrok", write(tmp_path / "f", "version: 3\n")).returncode == 0
