# SPDX-License-Identifier: Apache-2.0
"""The README's server and laptop, typed word for word on a machine whose systemd runs the units."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import pytest

import machine
from certs import Authority
from conftest import ROOT
from lab import ADIT, ADITD, SANITIZED
from process import WAIT_S, until

DOMAIN = "tunnel.example.org"
pytestmark = pytest.mark.skipif(SANITIZED, reason="the units forbid what sanitizers need (memory that is written and executed)")


class Readme:
    """Its blocks of ```sh, found by a line in them."""

    def __init__(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            self.text = f.read()
        self.blocks = re.findall(r"^```sh\n(.*?)^```$", self.text, re.S | re.M)

    def block(self, word):
        found, = [b for b in self.blocks if word in b]
        return found

    def commands(self, word):
        """One by one; a here-document belongs to its command."""
        return re.findall(r"^(?:[^\n]*<<'EOF'\n.*?^EOF|[^\n]+)$", self.block(word), re.S | re.M)


class Site:
    """Server and laptop are one machine here, on which people are root and walker."""

    def __init__(self, folder, lower="/"):
        self.folder = folder
        self.pki = Authority(folder)
        self.machine = machine.Machine(folder, lower)
        self.readme = Readme()

    def path(self, inside):
        """A file of the machine, seen from here."""
        return f"/proc/{self.machine._first()}/root{inside}"

    def type(self, command, user=None):
        """What people with sudo type; there may be no sudo in here."""
        if user is not None and command.startswith("sudo "):
            return self.machine.run(f"USER={user}; {command[5:]}")
        return self.machine.run(re.sub(r"^sudo ", "", command) if user is None else command, user)

    def certificate(self, *names):
        """As an ACME client writes it: for root alone, or at a renewal for those who could read the old one."""
        os.makedirs(self.path("/etc/ssl/tunnel"), exist_ok=True)
        for old, new in zip(self.pki.leaf(*(names or ("*." + DOMAIN, DOMAIN))), ("fullchain.pem", "privkey.pem")):
            at = self.path("/etc/ssl/tunnel/" + new)
            was = os.stat(at) if os.path.exists(at) else None
            shutil.copyfile(old, at)
            os.chmod(at, was.st_mode & 0o777 if was else 0o600)
            os.chown(at, 0, was.st_gid if was else 0)

    def drop_in(self):
        """Of aditd(8), with the path that it names."""
        with open(os.path.join(ROOT, "man", "aditd.8"), encoding="utf-8") as f:
            text = f.read().split(".Ss Keys that only root can read\n")[1]
        path, = re.findall(r"^\.Pa (/etc/systemd/system/aditd\.service\.d/\S+)", text.split(".Ed")[0], re.M)
        return path, re.search(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M).group(1)

    def prepare(self):
        """What the README takes for granted: DNS, the certificate, a Jenkins, somebody with a laptop."""
        run = self.machine.run
        with open(self.path("/etc/hosts"), "w") as f:
            f.write(f"127.0.0.1 localhost {DOMAIN} jenkins.{DOMAIN}\n")
        shutil.copyfile(self.pki.ca, self.path("/etc/ssl/test-ca.pem"))
        run("ln -sf /etc/ssl/test-ca.pem /etc/ssl/certs/$(openssl x509 -hash -noout -in /etc/ssl/test-ca.pem).0")
        self.certificate()
        run("id walker 2>/dev/null || useradd -m -s /bin/bash walker")
        self.users = run("systemctl is-active dbus systemd-logind && loginctl enable-linger walker", ok=None).returncode == 0
        with open(self.path("/etc/systemd/system/origin.service"), "w") as f:
            f.write("[Service]\nWorkingDirectory=/home/walker\nExecStart=/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1\n"
                    "[Install]\nWantedBy=multi-user.target\n")
        with open(self.path("/home/walker/hello"), "w") as f:
            f.write("hello\n")
        run("systemctl daemon-reload && systemctl enable --now origin")

    def why_not(self):
        """A systemd in a container may start and yet not be able to shut anything in."""
        with open(os.path.join(ROOT, "etc", "system", "aditd.service")) as f:
            walls = re.findall(r"^((?:Protect|Private|Restrict|Capability|Memory|NoNew|SystemCall|Lock)\w+=.*)$", f.read(), re.M)
        done = self.machine.run("systemd-run --wait --quiet " + " ".join(f"-p {shlex.quote(w)}" for w in walls) + " /bin/true", ok=None)
        return None if done.returncode == 0 else f"systemd cannot shut a service in here: {done.stderr}"

    def install(self):
        """`make install` of the programs under test: it builds nothing, and leaves nothing of this tree out."""
        self.machine.run("id aditd 2>/dev/null && userdel aditd", ok=None)
        tree = self.path("/root/adit")
        os.makedirs(os.path.join(tree, "build"))
        for what in ("etc", "man", "tools"):
            shutil.copytree(os.path.join(ROOT, what), os.path.join(tree, what))
        shutil.copy(os.path.join(ROOT, "Makefile"), tree)
        for program in (ADIT, ADITD):
            shutil.copy(program, os.path.join(tree, "build"))
        for command in self.readme.commands("make deps"):
            if "install" in command:
                self.type(command.replace("make", "make -C adit -o programs"))
            else:
                with open(os.path.join(ROOT, "Makefile")) as f:
                    assert f"\n{command.split()[1]}: ##" in f.read(), command

    def serial(self):
        return self.machine.run(f"openssl s_client -connect {DOMAIN}:443 -servername jenkins.{DOMAIN} </dev/null 2>/dev/null | "
                                "openssl x509 -noout -serial").stdout

    def visit(self):
        return self.machine.run(f"curl -sS --max-time 60 https://jenkins.{DOMAIN}/hello").stdout

    def said(self, unit):
        return self.machine.run(f"journalctl --no-pager -u {unit} | tail -40; systemctl status --no-pager {unit} | tail -20", ok=None).stdout


@pytest.fixture
def site():
    reason = machine.why_not()
    if reason:
        pytest.skip("UNITS ARE NOT TESTED HERE: " + reason)
    with tempfile.TemporaryDirectory(prefix="adit-") as folder:
        os.chmod(folder, 0o755)
        try:
            made = Site(folder)
        except (OSError, subprocess.CalledProcessError) as e:
            pytest.skip(f"UNITS ARE NOT TESTED HERE: no file system can be mounted: {e}")
        try:
            reason = made.machine.boot()
            reason = reason or made.why_not()
            if reason:
                pytest.skip("UNITS ARE NOT TESTED HERE: " + reason)
            made.prepare()
            made.install()
            yield made
        finally:
            made.machine.close()


def server_by_the_readme(site):
    for command in site.readme.commands("aditd.yml"):
        try:
            site.type(command)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{site.said('aditd')}") from None


def laptop_by_the_readme(server):
    shutil.copyfile(server.path("/root/token.txt"), server.path("/home/walker/token.txt"))
    server.machine.run("chown walker /home/walker/token.txt")
    *first, last = server.readme.commands("adit login")
    for command in first:
        server.type(command, "walker")
    the_laptop_gets_its_address(server, last)


def the_edge_runs_as_its_user(server):
    pid = server.machine.run("systemctl show -p MainPID --value aditd").stdout.strip()
    assert server.machine.run(f"stat -c %U /proc/{pid}").stdout.split() == ["aditd"]
    caps = server.machine.run(f"grep -hE '^Cap(Inh|Prm|Eff|Amb)' /proc/{pid}/task/*/status").stdout.split()[1::2]
    assert len(caps) > 8 and {int(c, 16) for c in caps} == {0}
    assert os.stat(server.path("/var/lib/aditd/adit.db")).st_mode & 0o777 == 0o600
    assert server.machine.run("stat -c '%U %a' /var/lib/aditd /run/aditd").stdout.split() == ["aditd", "700"] * 2


def a_reload_takes_a_renewed_key_or_fails(server):
    before = server.serial()
    server.certificate()
    server.type("sudo systemctl reload aditd")
    after = server.serial()
    assert after != before
    server.certificate("*.example.net")
    done = server.machine.run("systemctl reload aditd", ok=False)
    assert server.serial() == after, done
    assert "neither for *.tunnel.example.org" in server.said("aditd")
    assert "neither for *.tunnel.example.org" in server.machine.run("aditd status").stdout
    server.certificate()
    server.type("sudo systemctl reload aditd")
    assert "THE LAST RELOAD FAILED" not in server.machine.run("aditd status").stdout


def a_drop_in_lets_it_start_as_root(server):
    """For keys that only root can read: without it the edge says why; with it all is as it was, and so it is after it."""
    run, keys = server.machine.run, "/etc/ssl/tunnel/fullchain.pem /etc/ssl/tunnel/privkey.pem"
    run(f"chown root:root {keys} && chmod 600 {keys}")
    assert "only root can read it" in run("aditd -n").stderr
    run("systemctl restart aditd", ok=False)
    assert "sudo chgrp aditd /etc/ssl/tunnel/fullchain.pem" in server.said("aditd")
    path, text = server.drop_in()
    run(f"systemctl stop aditd; mkdir -p {os.path.dirname(path)}")
    with open(server.path(path), "w") as f:
        f.write(text)
    run("systemctl daemon-reload && systemctl restart aditd")
    pid = run("systemctl show -p MainPID --value aditd").stdout.strip()
    assert run(f"stat -c %U /proc/{pid} /var/lib/aditd /var/lib/aditd/adit.db /run/aditd").stdout.split() == ["aditd"] * 4
    assert run(f"cat /proc/{pid}/task/{pid}/children").stdout.split()  # the reader
    a_reload_takes_a_renewed_key_or_fails(server)
    run(f"rm {path} && systemctl daemon-reload && chgrp aditd {keys} && chmod 640 {keys} && systemctl restart aditd")
    the_edge_runs_as_its_user(server)


def the_laptop_gets_its_address(laptop, last):
    printed, = re.findall(r"^    (https://jenkins\.\S+ -> \S+  \(store\))$", laptop.readme.text, re.M)
    out = laptop.machine.run(f"""
        {last} >out 2>err & agent=$!
        n=0; until grep -q -e ' -> ' out || [ $((n += 1)) -gt 600 ]; do sleep 0.1; done
        curl -sS --max-time 60 -o /dev/null -w '%{{http_code}}\\n' https://jenkins.{DOMAIN}/hello; kill $agent; wait $agent; head -n 1 out; cat err""", "walker").stdout
    assert out.splitlines()[0] == "403" and printed in out.splitlines()[1], out


def in_background(site, command):
    try:
        site.type(command, "walker")
    except AssertionError as e:
        raise AssertionError(f"{e}\n{site.said('adit@walker')}") from None
    assert site.visit() == "hello\n"


def units_of_system_and_user_run_the_same_file(laptop):
    file, = laptop.readme.commands("cat >>~/.config")
    preset = "    for: jenkins-bitbucket\n"
    assert preset in file
    laptop.type(file.replace(preset, ""), "walker")  # so that pages can be asked for; the preset follows below
    system, user = laptop.readme.commands("adit@$USER")
    in_background(laptop, system)
    # A secret has its place, beside the file.
    with open(laptop.path("/home/walker/.config/adit/adit.yml"), "a") as f:
        f.write(preset)
    laptop.machine.run("systemctl restart adit@walker && stat -c '%U %a' ~walker/.config/adit/secret-jenkins | grep -qx 'walker 600'")
    laptop.machine.run("sed -i '/for: jenkins/d' ~walker/.config/adit/adit.yml && systemctl disable --now adit@walker")
    if not laptop.users:
        print("NOT TESTED HERE: systemctl --user, there is no dbus or no logind")
        laptop.machine.run("systemctl enable --now adit@walker")
        return
    until(lambda: laptop.machine.run("systemctl --user is-system-running", "walker", ok=None).stdout.strip() in ("running", "degraded"), 6 * WAIT_S)
    in_background(laptop, user)
    laptop.machine.run("systemctl --user restart adit", "walker")
    assert laptop.visit() == "hello\n"


def restart_and_reboot(laptop):
    """`aditd wait` is answered right after a restart; after a reboot all comes up by itself."""
    laptop.machine.run("systemctl restart aditd && aditd wait up jenkins --timeout 60")
    assert laptop.visit() == "hello\n"
    laptop.machine.halt()
    assert laptop.machine.boot() is None
    laptop.machine.run("systemctl is-active aditd && aditd wait up jenkins --timeout 60")
    assert laptop.visit() == "hello\n"


# Each stands on those before it.
STEPS = (server_by_the_readme, the_edge_runs_as_its_user, a_reload_takes_a_renewed_key_or_fails, a_drop_in_lets_it_start_as_root, laptop_by_the_readme,
         units_of_system_and_user_run_the_same_file, restart_and_reboot)


def test_the_readme_on_a_machine_with_systemd(site):
    for step in STEPS:
        step(site)


@pytest.mark.parametrize("unit, most", [("aditd.service", 1.5), ("adit@.service", 1.5)])
def test_units_shut_services_in(unit, most, tmp_path):
    """As systemd reckons it: nothing is open that need not be."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / unit.replace("@", "@x")
    shutil.copy(os.path.join(ROOT, "etc", "system", unit), path)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", str(path)], capture_output=True, text=True, timeout=12 * WAIT_S)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze looks at no files")
    level, = re.findall(r"exposure level for \S+: ([\d.]+)", done.stdout) or [pytest.fail(done.stdout + done.stderr)]
    assert float(level) <= most, done.stdout
