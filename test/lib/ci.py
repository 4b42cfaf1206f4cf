# SPDX-License-Identifier: Apache-2.0
"""A real CI server as an origin: Buildbot of Debian, or, where it is not installed, a small receiver."""
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from process import WAIT_S, Process, free_port, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETUP = os.path.join(ROOT, "tools", "ci")
SECRET = "correct-horse-battery"
HOOK = "/change_hook/bitbucket"


def why_no_buildbot():
    """None, or a sentence."""
    if not shutil.which("buildbot"):
        return "Buildbot is not installed (packages buildbot, buildbot-worker)"
    done = subprocess.run(["/usr/bin/python3", "-c", "import buildbot, buildbot_worker"], capture_output=True)
    return None if done.returncode == 0 else "Buildbot is not whole (packages buildbot, buildbot-worker)"


class Buildbot(Process):
    name_of = "Buildbot"

    def __init__(self, folder):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        env = {"CI_PORT": str(self.port), "CI_SECRET": SECRET, "PYTHONPATH": os.path.join(SETUP, "www"),
               "PYTHONDONTWRITEBYTECODE": "1"}
        os.makedirs(folder, exist_ok=True)
        shutil.copy(os.path.join(SETUP, "master.cfg"), os.path.join(folder, "master.cfg"))
        made = subprocess.run(["buildbot", "create-master", "-r", folder], env={**os.environ, **env},
                              capture_output=True, text=True, timeout=120)
        if made.returncode != 0:
            raise AssertionError(made.stdout + made.stderr)
        super().__init__(["buildbot", "start", "--nodaemon", folder], os.path.join(folder, "ci.log"), env, "buildbot")
        until(lambda: self.builds() is not None or not self.alive(), 12 * WAIT_S, "Buildbot answers")
        if not self.alive():
            raise AssertionError(self.everything())

    def builds(self):
        """All builds, as the REST API has them; None while it does not answer."""
        try:
            url = f"http://{self.address}/api/v2/builds?property=*"
            with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
                return json.load(answer)["builds"]
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def wait_build(self, number, deadline_s=60):
        def done():
            return [b for b in self.builds() or [] if b["number"] == number and b["complete"]]
        return until(done, deadline_s, f"build {number} ends")[0]

    @staticmethod
    def describe(build):
        properties = {k: v[0] for k, v in build["properties"].items()}
        return (f"build {build['number']} of {properties.get('branch')} at {properties.get('revision', '')[:12]}: "
                f"{build['state_string']}")


class Receiver:
    """Checks the signature and counts: where there is no Buildbot."""
    name_of = "a small receiver"

    def __init__(self):
        receiver = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                want = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                good = self.path == HOOK and hmac.compare_digest(want, self.headers.get("X-Hub-Signature", ""))
                if good:
                    receiver.seen.append(json.loads(body)["push"]["changes"][0]["new"])
                answer = b"Change(s) taken\n" if good else b"no\n"
                self.send_response(200 if good else 400)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_build(self, number, deadline_s=10):
        return until(lambda: self.seen[number - 1:number], deadline_s)[0]

    @staticmethod
    def describe(new):
        return f"push of {new['name']} at {new['target']['hash'][:12]} received, signature right"

    def alive(self):
        return True

    def stop(self):
        self.server.shutdown()


def start(folder, say=print):
    why = why_no_buildbot()
    if why is None:
        return Buildbot(folder)
    say(f"{why}: a small receiver takes its place.", file=sys.stderr)
    return Receiver()
