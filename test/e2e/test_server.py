# SPDX-License-Identifier: Apache-2.0
"""An edge by the book: what -n finds, what a reload refuses, and whom the edge becomes when root starts it."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from certs import Authority
from lab import ADIT, ADITD, Edge, refusing_address
from process import WAIT_S, Process, free_port, until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the edge is to give it up")


class Place:
    """A folder with aditd.yml and certificates for hooks.test."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = os.path.join(lab.folder, "place")
        os.makedirs(self.folder)
        for path in (lab.folder, self.folder):
            os.chmod(path, 0o755)
        self.pki = Authority(self.folder)
        self.port = free_port()
        self.state = os.path.join(self.folder, "state")
        self.control = os.path.join(self.folder, "run", "control.sock")
        self.path = os.path.join(self.folder, "aditd.yml")
        self.cert, self.key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        self.renew()

    def renew(self, name="*.hooks.test", **kw):
        """A certificate as an ACME client writes it: the key is 0600 and its owner's."""
        for old, new in zip(self.pki.leaf(name, **kw), (self.cert, self.key)):
            os.rename(old, new)
        with open(self.cert) as f:
            return ssl.PEM_cert_to_DER_cert(f.read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")

    def write(self, **keys):
        """aditd.yml; a key of None is left out."""
        rows = {"domain": "hooks.test", "state_dir": self.state, "user": "root",
                "certificates": f"[{{ cert: {self.cert}, key: {self.key} }}]",
                "listen": f'{{ https: "127.0.0.1:{self.port}", control: "unix:{self.control}" }}', **keys}
        with open(self.path, "w") as f:
            f.writelines(f"{k}: {v}\n" for k, v in rows.items() if v is not None)

    def run(self, *args, ok=None):
        done = subprocess.run([ADITD, *args, "-f", self.path], capture_output=True, text=True, timeout=6 * WAIT_S)
        assert ok is None or (done.returncode == 0) == ok, (args, done)
        return done

    def edge(self, *argv):
        edge = self.lab.keep(Process([*(argv or (ADITD,)), "-f", self.path], os.path.join(self.folder, "edge.log"), name="aditd"))
        edge.close = edge.stop
        until(lambda: "event=ready" in edge.logged() or not edge.alive(), 4 * WAIT_S)
        assert edge.alive(), edge.everything()
        return edge

    def shown(self):
        """The certificate that visitors see."""
        context = ssl.create_default_context(cafile=self.pki.ca)
        with socket.create_connection(("127.0.0.1", self.port), WAIT_S) as s:
            with context.wrap_socket(s, server_hostname="any.hooks.test") as tls:
                return tls.getpeercert(True)


@pytest.fixture
def place(lab):
    return Place(lab)


def other_kind_of_key(place):
    subprocess.run(["openssl", "genrsa", "-out", place.key, "2048"], check=True, capture_output=True)


def old_folder(place):
    os.makedirs(place.state)
    os.chmod(place.state, 0o700)
    with open(os.path.join(place.state, "somebody's"), "w"):
        pass


FAULTS = {
    "expired": (lambda p: p.renew(start=-60, end=-30), {}, "expired on"),
    "future": (lambda p: p.renew(start=3), {}, "valid only from"),
    "foreign": (lambda p: p.renew("*.example.org"), {}, "is for *.example.org, neither for *.hooks.test nor for hooks.test"),
    "one-name": (lambda p: p.renew("jenkins.hooks.test"), {}, "certificates: none is for *.hooks.test"),
    "no-wildcard": (lambda p: p.renew("hooks.test"), {}, "get a certificate for both names, hooks.test and *.hooks.test"),
    "key": (lambda p: os.rename(p.pki.leaf("*.hooks.test")[1], p.key), {}, "does not belong to the certificate"),
    "other-key": (other_kind_of_key, {}, "does not belong to the certificate"),
    "no-key": (lambda p: os.unlink(p.key), {}, "No such file"),
    "file": (lambda p: None, {"state_dir": "/etc/passwd"}, "state_dir: /etc/passwd is not a folder"),
    "below-file": (lambda p: None, {"state_dir": "/etc/passwd/adit"}, "state_dir: /etc/passwd/adit"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_n_finds(place, what):
    place.write()
    assert "fine" in place.run("-n", ok=True).stdout
    breaks, keys, said = FAULTS[what]
    breaks(place)
    place.write(**keys)
    assert said in place.run("-n", ok=False).stderr


def test_a_changed_control_socket_says_restart(place):
    """The new one is in the file, the old one is where the edge listens until it is started anew."""
    place.write()
    place.edge()
    assert place.run("reload", ok=True).stdout == "reloaded\n"
    place.write(listen=f'{{ https: "127.0.0.1:{place.port}", control: "unix:{place.folder}/new.sock" }}')
    done = place.run("reload", ok=False)
    assert f"{place.folder}/new.sock: No such file" in done.stderr and "changed listen.control, restart aditd" in done.stderr, done
    done = subprocess.run([ADITD, "--control", place.control, "reload"], capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.stdout == "reloaded, but for listen.control, which needs a restart\n", done


@pytest.mark.parametrize("what", FAULTS)
def test_a_reload_refuses_the_same(place, what):
    """Log, status and exit code say so, and everything stays as it was."""
    place.write()
    before = place.renew()
    edge = place.edge()
    assert place.run("reload", ok=True).stdout == "reloaded\n"
    assert place.shown() == before
    breaks, keys, said = FAULTS[what]
    breaks(place)
    place.write(**keys)
    done = subprocess.run([ADITD, "--control", place.control, "reload"], capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.returncode == 1 and "nothing was reloaded" in done.stderr and said in done.stderr, done
    assert "event=not-reloaded" in edge.logged()
    ctl = [ADITD, "--control", place.control, "status"]
    assert said in subprocess.run(ctl, capture_output=True, text=True, timeout=6 * WAIT_S).stdout
    assert place.shown() == before
    edge.signal(signal.SIGHUP)
    until(lambda: edge.logged().count("event=not-reloaded") == 2)
    place.write()
    after = place.renew()
    assert place.run("reload", ok=True).stdout == "reloaded\n"
    assert json.loads(place.run("status", "--json", ok=True).stdout)["not_reloaded"] == ""
    assert place.shown() == after != before


def test_n_finds_a_port_in_use(place):
    address, keeper = refusing_address()
    with keeper:
        keeper.listen(1)
        port = f'{{ https: "{address}", control: "unix:{place.control}" }}'
        place.write(listen=port)
        assert f"listen.https: {address}: Address already in use" in place.run("-n", ok=False).stderr
        place.write()
        place.edge()
        assert "fine" in place.run("-n", ok=True).stdout  # the port is this very edge's
        place.write(listen=port)
        assert "Address already in use" in place.run("reload", ok=False).stderr


def test_n_finds_a_folder_that_the_user_may_not_write(place):
    old_folder(place)
    if os.geteuid() == 0:
        place.write(user="nobody", group="nogroup")
    else:
        os.chmod(place.state, 0o500)
        place.write()
    assert f"may not write into {place.state}" in place.run("-n", ok=False).stderr


@ROOT_ONLY
def test_root_needs_a_user_that_exists(place):
    for keys in ({"user": "nobody-of-that-name"}, {"user": None}):
        name = keys["user"] or "aditd"
        if name == "aditd" and os.path.exists("/etc/passwd") and "\naditd:" in open("/etc/passwd").read():
            continue
        place.write(**keys)
        for args in (("-n",), ()):
            done = place.run(*args, ok=False)
            assert f'the user "{name}" does not exist' in done.stderr and 'user: root' in done.stderr, done
    place.write(user="nobody", group="no-such-group")
    assert 'the group "no-such-group" does not exist' in place.run("-n", ok=False).stderr


def proc(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@ROOT_ONLY
def test_keys_of_root_are_read_again_by_an_edge_that_is_not_root(place):
    """Keys and configuration are root's (0600), folders are made and given away."""
    place.write(user="nobody", group="nogroup")
    os.chmod(place.path, 0o600)
    assert "fine" in place.run("-n", ok=True).stdout
    assert not os.path.exists(place.state)
    before = place.renew()
    edge = place.edge()
    assert proc(edge.pid)["Uid"].split() == ["65534"] * 4
    assert int(proc(edge.pid)["CapPrm"], 16) == 0 == int(proc(edge.pid)["CapEff"], 16)
    assert os.stat(place.state).st_uid == 65534
    assert place.shown() == before
    after = place.renew()
    assert os.stat(place.key).st_mode & 0o777 == 0o600 and os.stat(place.key).st_uid == 0
    assert place.run("reload", ok=True).stdout == "reloaded\n"
    assert place.shown() == after != before
    edge.signal(signal.SIGHUP)
    until(lambda: edge.logged().count("event=reloaded") == 2)


def free_low_port():
    """Of those that want root; of TCP and UDP."""
    for port in range(700, 1024):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                yield port
            except OSError:
                pass


def never_root(place, *capabilities):
    """The command that starts aditd as the unit does; the folders are there, as systemd makes them, and root's files may be read."""
    lows = free_low_port()
    place.port, plain, dns = next(lows), next(lows), next(lows)
    place.write(user=None, dns=f'{{ listen: ["127.0.0.1:{dns}"] }}',
                listen=f'{{ https: "127.0.0.1:{place.port}", http: "127.0.0.1:{plain}", control: "unix:{place.control}" }}')
    for folder in (place.state, os.path.dirname(place.control)):
        os.mkdir(folder, 0o700)
        os.chown(folder, 65534, 65534)
    os.chown(place.path, 0, 65534)
    os.chmod(place.path, 0o640)
    let_group_read(place)
    copy = shutil.copy(ADITD, place.folder)  # where this user may go, wherever the build is
    caps = ",".join(["-all", *("+" + c for c in capabilities)])
    return ["setpriv", "--pdeathsig=KILL", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}", f"--ambient-caps={caps}",
            f"--bounding-set={caps}", copy]


def let_group_read(place, *paths):
    for path in paths or (place.cert, place.key):
        os.chown(path, 0, 65534)
        os.chmod(path, 0o640)


def wants_root_for_low_ports():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        return int(f.read()) >= 1024


@ROOT_ONLY
def test_an_edge_that_was_never_root_opens_its_ports_and_keeps_no_right(place):
    if shutil.which("setpriv") is None:
        pytest.skip("A START WITHOUT ROOT IS NOT TESTED HERE: setpriv (util-linux) is missing")
    argv = never_root(place, "net_bind_service")
    before = place.renew()
    let_group_read(place)
    done = subprocess.run([*argv, "-n", "-f", place.path], capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.returncode == 0 and not done.stderr, done
    edge = place.edge(*argv)
    tasks = os.listdir(f"/proc/{edge.pid}/task")
    assert len(tasks) > 2  # workers, too
    for task in tasks:
        status = proc(f"{edge.pid}/task/{task}")
        assert status["Uid"].split() == ["65534"] * 4 and status["NoNewPrivs"] == "1"
        assert [int(status["Cap" + kind], 16) for kind in ("Inh", "Prm", "Eff", "Amb")] == [0] * 4, status
    with open(f"/proc/{edge.pid}/task/{edge.pid}/children") as f:
        assert not f.read()  # no reader: there is nothing that only root may read
    assert place.shown() == before and os.stat(place.control).st_uid == 65534
    # By root, by the user as ExecReload does it, and by the signal.
    after = place.renew()
    let_group_read(place)
    assert place.run("reload", ok=True).stdout == "reloaded\n"
    assert place.shown() == after != before
    assert subprocess.run([*argv, "-f", place.path, "reload"], capture_output=True, text=True, timeout=6 * WAIT_S).stdout == "reloaded\n"
    edge.signal(signal.SIGHUP)
    until(lambda: edge.logged().count("event=reloaded") == 3)
    # A renewed key that only root can read is not taken over, and the sentence says what to type.
    place.renew()
    let_group_read(place, place.cert)
    said = place.run("reload", ok=False).stderr
    assert f"sudo chgrp nogroup {place.key} && sudo chmod 640 {place.key}" in said and "only root can read" in said, said
    assert place.shown() == after


@ROOT_ONLY
def test_an_edge_that_was_never_root_says_what_it_lacks(place):
    if shutil.which("setpriv") is None:
        pytest.skip("A START WITHOUT ROOT IS NOT TESTED HERE: setpriv (util-linux) is missing")
    argv = never_root(place)
    start = [*argv, "-f", place.path]
    if wants_root_for_low_ports():
        done = subprocess.run(start, capture_output=True, text=True, timeout=6 * WAIT_S)
        assert done.returncode == 1 and "ports below 1024 need root or CAP_NET_BIND_SERVICE" in done.stderr, done
    place.renew()
    let_group_read(place, place.cert)
    for args in ([], ["-n"]):
        done = subprocess.run([*start, *args], capture_output=True, text=True, timeout=6 * WAIT_S)
        assert done.returncode == 1 and f"sudo chgrp nogroup {place.key}" in done.stderr, done
    # A secret of a DNS key may not be its group's.
    secret = os.path.join(place.folder, "secret")
    with open(secret, "w") as f:
        f.write("c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n")
    os.chmod(secret, 0o600)
    let_group_read(place)
    place.write(user=None, dns=f"{{ listen: [53], keys: [{{ name: k, secret_file: {secret} }}] }}")
    done = subprocess.run([*start, "-n"], capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.returncode == 1 and f"Type: sudo chown nobody {secret};" in done.stderr, done
    # Root is told in time: the unit will not start it as root.
    place.write(user="nobody", group="nogroup")
    os.chown(place.key, 0, 0)
    done = place.run("-n", ok=True)
    assert "fine" in done.stdout and f"{place.key}: only root can read it" in done.stderr, done
    assert place.path + ": only" not in done.stderr
    os.chown(place.path, 0, 0)
    os.chmod(place.path, 0o640)
    done = place.run("-n", ok=True)
    assert f"{place.path}: only root can read it" in done.stderr and f"sudo chgrp nogroup {place.path} && sudo chmod 640 {place.path}" in done.stderr, done


@ROOT_ONLY
@pytest.mark.skipif(shutil.which("strace") is None, reason="NO STRACE, that a start changes no file's mode by its path is NOT tested")
def test_no_mode_is_changed_by_the_path_of_the_control_socket(place):
    """Somebody could have put a link there meanwhile: the socket is 0600 from its birth."""
    place.write()
    trace = os.path.join(place.folder, "trace")
    old = os.umask(0)
    try:
        # A program that is traced can't be looked through for leaks at its end.
        edge = place.edge("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-o", trace, "-e", "trace=chmod,fchmodat,bind", ADITD)
    finally:
        os.umask(old)
    assert os.stat(place.control).st_mode & 0o777 == 0o600
    with open(f"/proc/{edge.pid}/task/{edge.pid}/children") as f:
        traced, = f.read().split()
    os.kill(int(traced), signal.SIGTERM)  # what strace passes on is its own affair
    until(lambda: not edge.alive())
    with open(trace) as f:
        calls = f.read()
    assert place.control in calls and "chmod" not in calls, calls


@ROOT_ONLY
def test_the_reader_may_only_read(place):
    place.write(user="nobody", group="nogroup")
    edge = place.edge()
    with open(f"/proc/{edge.pid}/task/{edge.pid}/children") as f:
        reader, = f.read().split()
    status = proc(reader)
    assert status["Name"] == "aditd-reader" and status["Uid"].split() == ["65534"] * 4 and status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) in (1 << 2, 1 << 1)
    # Without it nothing is taken over, and the reason is told.
    os.kill(int(reader), signal.SIGKILL)
    assert "restart aditd" in place.run("reload", ok=False).stderr
    assert place.shown()


@ROOT_ONLY
def test_a_configuration_with_a_mistake_is_told_with_its_line(place):
    place.write(user="nobody", group="nogroup")
    place.edge()
    with open(place.path, "a") as f:
        f.write("wrkers: 3\n")
    done = subprocess.run([ADITD, "--control", place.control, "reload"], capture_output=True, text=True, timeout=6 * WAIT_S)
    assert done.returncode == 1 and "aditd.yml:7:1" in done.stderr and "workers" in done.stderr, done


def test_an_expired_certificate_does_not_keep_the_edge_from_starting(place):
    place.renew(start=-60, end=-30)
    place.write()
    edge = place.edge()
    assert "event=certificate" in edge.logged() and "expired on" in edge.logged()


# --- sd_notify ---

class Supervisor:
    def __init__(self, lab):
        self.path = os.path.join(lab.folder, "notify.sock")
        self.sock = lab.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.sock.bind(self.path)
        self.sock.settimeout(4 * WAIT_S)
        self.env = {"NOTIFY_SOCKET": self.path}

    def next(self, start):
        while True:
            said = self.sock.recv(4096).decode()
            if said.startswith(start):
                return said


def test_the_edge_tells_when_it_is_ready(lab):
    """READY means that `aditd wait` is answered."""
    boss = Supervisor(lab)
    edge = Edge(os.path.join(lab.folder, "edge"), env=boss.env)
    lab.parts.append(edge)
    boss.next("READY=1")
    assert "not come up in time" in edge.ctl("wait", "up", "nobody", "--timeout", "1", ok=False)
    edge.signal(signal.SIGHUP)
    boss.next("RELOADING=1\nMONOTONIC_USEC=")
    boss.next("READY=1")


def test_the_agent_tells_when_its_tunnel_is_up(lab):
    boss = Supervisor(lab)
    edge = lab.edge()
    lab.agent(edge, "http", lab.origin().address, "--name", "web", env=boss.env, up=False)
    assert "connected" in boss.next("READY=1")
    edge.wait_up("web", 5)
    edge.stop()
    assert "lost" in boss.next("STATUS=")


def test_the_agent_is_ready_without_an_edge(lab):
    """A machine that starts without a network does not wait for it."""
    boss = Supervisor(lab)
    address, keeper = refusing_address()
    with keeper:
        agent = lab.keep(Process([ADIT, "http", "8080", "--edge", f"https://{address}"],
                                 os.path.join(lab.folder, "agent.log"), {**boss.env, "ADIT_TOKEN": "adit_x", "HOME": lab.folder}))
        agent.close = agent.stop
        boss.next("READY=1")


# --- what others may touch on this machine ---

def foreign(path):
    os.chown(path, 65534, 65534)


DEV_FAULTS = {
    "open-folder": (lambda d: os.chmod(d, 0o777), "others may write into it"),
    "group-folder": (lambda d: os.chmod(d, 0o770), "others may write into it"),
    "ca-key-read": (lambda d: os.chmod(d + "/ca.key", 0o644), "others may read it"),
    "token-read": (lambda d: os.chmod(d + "/token", 0o640), "others may read it"),
    "ca-written": (lambda d: os.chmod(d + "/ca.pem", 0o666), "others may write it"),
    "link": (lambda d: (os.rename(d + "/key.pem", d + "/elsewhere"), os.symlink(d + "/elsewhere", d + "/key.pem")), "key.pem: "),
    "foreign-folder": (foreign, "belongs to another user"),
    "foreign-key": (lambda d: foreign(d + "/ca.key"), "ca.key: belongs to another user"),
}


@pytest.mark.parametrize("what", DEV_FAULTS)
def test_dev_refuses_what_another_user_could_have_put_there(lab, what):
    if what.startswith("foreign") and os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    edge = lab.edge()
    edge.stop()
    argv = [ADITD, "-n", "--dev", edge.folder]
    assert subprocess.run(argv, capture_output=True, timeout=6 * WAIT_S).returncode == 0
    breaks, said = DEV_FAULTS[what]
    breaks(edge.folder)
    for argv in (argv, [ADITD, "--dev", edge.folder]):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=6 * WAIT_S)
        assert done.returncode == 1 and said in done.stderr, done


def test_dev_makes_certificates_for_its_domain_alone(lab):
    """People trust its CA: a page of another domain must not be had with it."""
    edge = lab.edge()
    context = ssl.create_default_context(cafile=edge.ca)
    for name, good in (("any.localhost", True), ("localhost", True), ("www.example.org", False), ("evil-localhost", False)):
        with socket.create_connection(edge.https, WAIT_S) as s:
            try:
                context.wrap_socket(s, server_hostname=name).close()
                assert good, name
            except ssl.SSLCertVerificationError:
                assert not good, name


def test_a_secret_that_others_may_read_is_refused(lab):
    edge = lab.edge()
    path = os.path.join(lab.folder, "secret")
    with open(path, "w") as f:
        f.write("correct-horse-battery\n")
    os.chmod(path, 0o644)
    argv = [ADIT, "http", "8080", "--name", "web", "--for", "jenkins-bitbucket", "--secret-file", path, "--edge",
            edge.ready["https"], "--ca", edge.ca, "--token-file", edge.token]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=6 * WAIT_S, env={**os.environ, "HOME": lab.folder})
    assert done.returncode == 2 and f"chmod 600 {path}" in done.stderr, done
