# SPDX-License-Identifier: Apache-2.0
"""The static agent: in a root without any library it logs in, and it finds the certificates of other systems than Debian."""
import glob
import os
import platform
import re
import shutil
import subprocess

import pytest

from certs import Authority
from conftest import ROOT
from process import WAIT_S, Process, free_port, until

ADITD = os.environ.get("ADITD", os.path.join(ROOT, "build", "aditd"))
NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
           "/usr/local/share/certs/ca-root-nss.crt"]


@pytest.fixture(params=["amd64", "arm64"])
def agent(request):
    """How the agent of an architecture is started in a root, and its file."""
    path = f"{ROOT}/build/static/adit-linux-{request.param}"
    if not os.path.exists(path):
        pytest.skip(f"THE STATIC AGENT IS NOT TESTED: no {path}; `make static` builds it")
    if request.param == NATIVE:
        return [], path
    emulator = f"qemu-{dict(amd64='x86_64', arm64='aarch64')[request.param]}-static"
    if shutil.which(emulator) is None:
        pytest.skip(f"THE STATIC AGENT OF {request.param} IS NOT RUN: no {emulator} (package qemu-user-static)")
    return [shutil.which(emulator)], path


def empty_root(folder, emulator, path):
    """A folder with the agent, the emulator, and nothing else; and how both are started in it."""
    os.makedirs(f"{folder}/root/home")
    argv = []
    for program in (*emulator, path):
        shutil.copy(program, f"{folder}/root/")
        argv.append("/" + os.path.basename(program))
    return f"{folder}/root", [shutil.which("chroot"), f"{folder}/root", *argv]


def test_it_names_its_version_and_no_library(agent):
    emulator, path = agent
    said = subprocess.run([*emulator, path, "version"], capture_output=True, text=True, timeout=WAIT_S, check=True).stdout
    with open(f"{ROOT}/Makefile") as f:
        version, = re.findall(r"^VERSION *= *(\S+)$", f.read(), re.M)
    assert said.startswith(f"adit {version} ")
    headers = subprocess.run(["readelf", "-l", "-d", "-W", path], capture_output=True, text=True, check=True).stdout
    assert "NEEDED" not in headers and "INTERP" not in headers and "BIND_NOW" in headers
    assert os.path.getsize(path) < 10 << 20


@pytest.mark.skipif(os.geteuid() != 0, reason="THE STATIC AGENT IS NOT RUN IN AN EMPTY ROOT: chroot needs root")
def test_a_login_from_an_empty_root(agent, tmp_path):
    """Each system's bundle alone; and a sentence where there is none."""
    pki = Authority(str(tmp_path))
    cert, key = pki.leaf("*.edge.test", "edge.test", "localhost")
    port = free_port()
    (tmp_path / "aditd.yml").write_text(f"domain: edge.test\nuser: root\nstate_dir: {tmp_path}/state\n"
                                        f"certificates: [{{cert: {cert}, key: {key}}}]\n"
                                        f"listen: {{https: '127.0.0.1:{port}', control: 'unix:{tmp_path}/control'}}\n")
    edge = Process([ADITD, "-f", f"{tmp_path}/aditd.yml"], f"{tmp_path}/edge.log")
    try:
        asked = [ADITD, "--control", f"{tmp_path}/control"]
        token = until(lambda: subprocess.run([*asked, "token", "add", "alice"], capture_output=True, text=True).stdout)
        root, argv = empty_root(str(tmp_path), *agent)
        with open(os.open(f"{root}/token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(token)
        env = {"HOME": "/home", "PATH": "/"}

        def login():
            return subprocess.run([*argv, "login", f"https://localhost:{port}", "--token-file", "/token"], capture_output=True, text=True,
                                  timeout=6 * WAIT_S, env=env)

        done = login()
        assert done.returncode != 0 and "this system has no certificates to trust" in done.stderr, done
        for bundle in BUNDLES:
            os.makedirs(root + os.path.dirname(bundle), exist_ok=True)
            shutil.copy(pki.ca, root + bundle)
            done = login()
            assert done.returncode == 0, (bundle, done)
            os.unlink(root + bundle)
            for left in glob.glob(f"{root}/home/.config/adit/*"):
                os.unlink(left)
    finally:
        edge.child.terminate()
        edge.child.wait()
