# SPDX-License-Identifier: Apache-2.0
"""aditd setup: questions at a terminal, options without one, and a bare server with systemd, Pebble and a laptop."""
import json
import os
import pty
import pwd
import re
import shutil
import subprocess

import pytest

from acmelab import CHALLTESTSRV, PEBBLE
from lab import ADITD
from process import WAIT_S, until
from test_units import Site, site  # noqa: F401

NO_PEBBLE = "NO PEBBLE, aditd setup is NOT tested whole: go install github.com/letsencrypt/pebble/v2/cmd/pebble@latest, and .../cmd/pebble-challtestsrv@latest"
DOMAIN, ADDRESS = "tunnel.example.org", "203.0.113.7"
ALL = ["--domain", DOMAIN, "--agree-to-terms", "--address", ADDRESS, "--dns-listen", ADDRESS]


def run_setup(folder, *args, **kw):
    return subprocess.run([ADITD, "setup", "-f", os.path.join(folder, "aditd.yml"), *args], capture_output=True, text=True, timeout=6 * WAIT_S,
                          stdin=subprocess.DEVNULL, **kw)


def at_a_terminal(folder, answers, *args):
    """What is shown to somebody who types these lines when he is asked."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(ADITD, [ADITD, "setup", "-f", os.path.join(folder, "aditd.yml"), *args])
    shown, answers = "", list(answers)
    try:
        while True:
            part = os.read(fd, 4096).decode()
            if not part:
                break
            shown += part
            if answers and re.search(r"(: |\]: )$", shown):
                os.write(fd, answers.pop(0).encode() + b"\n" if answers[0] is not None else b"\4")
    except OSError:
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.replace("\r\n", "\n")


def test_options_alone_make_the_file(lab):
    done = run_setup(lab.folder, *ALL, "--email", "me@example.org", "--directory", "letsencrypt-staging", "--dry-run")
    assert done.returncode == 0, done.stderr
    for line in ('domain: "tunnel.example.org"', '  directory: "letsencrypt-staging"', '  email: "me@example.org"', "  agree_to_terms: yes",
                 '  mode: "challenge"', f'  listen: ["{ADDRESS}"]', f'  addresses: ["{ADDRESS}"]', '  https: "443"', '  http: "80"'):
        assert line in done.stdout.splitlines(), done.stdout
    assert not os.path.exists(f"{lab.folder}/aditd.yml")


@pytest.mark.parametrize("ip", ["203.0.113.7", "2001:db8::7"])
def test_without_a_domain(lab, ip):
    done = run_setup(lab.folder, "--ip", ip, "--agree-to-terms", "--dry-run")
    assert done.returncode == 0 and f'  ip: "{ip}"' in done.stdout.splitlines(), done
    assert "domain:" not in done.stdout and "dns:" not in done.stdout, done.stdout
    code, shown = at_a_terminal(lab.folder, ["", "", "yes"], "--dry-run", "--address", ip)
    assert code == 0 and f'  ip: "{ip}"' in shown.splitlines() and "domain:" not in shown, shown


@pytest.mark.parametrize("left_out, said", [
    ("--domain", "say --domain NAME"), ("--agree-to-terms", "say --agree-to-terms"), ("--address", "say --address ADDRESS")])
def test_what_is_missing_is_named_where_nobody_can_be_asked(lab, left_out, said):
    args = list(ALL)
    i = args.index(left_out)
    del args[i:i + (1 if left_out == "--agree-to-terms" else 2)]
    done = run_setup(lab.folder, *args, "--dry-run")
    assert done.returncode == 1 and said in done.stderr and done.stdout == "", done
    done = run_setup(lab.folder, *args, "--dry-run", "--json")
    assert done.returncode == 1 and said in json.loads(done.stderr)["text"], done


@pytest.mark.parametrize("args, said", [
    (["--domain", "no domain"], "this is no domain"), (["--dns-mode", "half"], "challenge, zone or off"), (["--address", "here"], "a numeric address"),
    (["--directory", "http://ca.example.org"], "directory"), (["--https", "99999"], "https"), (["--wait", "long"], "a number from 0"),
    (["--dns-listen", "127.0.0.1:x"], "listen")])
def test_a_mistake_is_told_and_nothing_is_written(lab, args, said):
    rest = [a for i, a in enumerate(ALL) if a != args[0] and ALL[i - 1] != args[0]]
    done = run_setup(lab.folder, *rest, *args)
    assert done.returncode in (1, 2) and said in done.stderr, done
    assert not os.path.exists(f"{lab.folder}/aditd.yml")


def test_questions_and_answers(lab):
    """A wrong answer is asked again; an empty one takes what stands in brackets."""
    code, shown = at_a_terminal(lab.folder, ["no domain", DOMAIN, "me@example.org", "perhaps", "yes", ""], "--dry-run", "--address", ADDRESS)
    assert code == 0 and "This is no domain" in shown and "Please say yes or no" in shown, shown
    assert f'domain: "{DOMAIN}"' in shown and 'email: "me@example.org"' in shown and 'mode: "challenge"' in shown, shown
    code, shown = at_a_terminal(lab.folder, [DOMAIN, "", "no"], "--dry-run")
    assert code == 1 and "say --agree-to-terms" in shown, shown
    code, shown = at_a_terminal(lab.folder, [DOMAIN, "", "yes", "no"], "--dry-run", "--address", ADDRESS)
    assert code == 0 and "dns:" not in shown, shown
    code, shown = at_a_terminal(lab.folder, [DOMAIN, None], "--dry-run")
    assert code == 1 and "dns:" not in shown, shown


def has_user():
    try:
        return bool(pwd.getpwnam("aditd"))
    except KeyError:
        return False


@pytest.mark.skipif(os.geteuid() != 0 or has_user(), reason="only root finds that there is no user aditd")
def test_without_the_user_nothing_is_written(lab):
    """A file for root alone would stay when the user is made, and no unit could read it."""
    done = run_setup(lab.folder, *ALL, "--wait", "0", "--no-dns-check")
    assert done.returncode == 1 and "useradd --system --user-group" in done.stderr and "nothing is written" in done.stderr, done
    assert os.listdir(lab.folder) == []


def test_the_file_is_for_root_and_the_group_and_stays(lab):
    path = f"{lab.folder}/aditd.yml"
    as_user = {}
    if os.geteuid() == 0 and not has_user():
        os.chmod(lab.folder, 0o777)
        as_user["user"] = "nobody"
    run_setup(lab.folder, *ALL, "--wait", "0", "--no-dns-check", **as_user)
    assert os.stat(path).st_mode & 0o777 == 0o640 and not os.path.exists(path + ".new")
    with open(path, "a") as f:
        f.write("workers: 1\n")
    done = run_setup(lab.folder, "--domain", "other.example.org", "--wait", "0", **as_user)
    assert done.returncode == 1 and "its domain is tunnel.example.org" in done.stderr, done
    done = run_setup(lab.folder, "--wait", "0", **as_user)
    assert f"{path} is there, and stays as it is" in done.stdout, done
    with open(path) as f:
        assert f.read().endswith("workers: 1\n")


# --- a whole server ---

class Server:
    """A machine with systemd, on which the programs were installed, a CA, and a DNS that knows nothing yet."""

    def __init__(self, made):
        self.site, self.run = made, made.machine.run
        for program in (PEBBLE, CHALLTESTSRV):
            shutil.copy(program, made.path("/usr/local/bin/" + os.path.basename(program)))
        self.run(f"ip addr add {ADDRESS}/32 dev lo; rm -f /etc/aditd.yml")
        self.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /root/ca.key -out /etc/ssl/pebble.crt -subj /CN=pebble "
                 "-addext subjectAltName=IP:127.0.0.1 2>/dev/null")
        with open(made.path("/root/pebble.json"), "w") as f:
            json.dump({"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/etc/ssl/pebble.crt",
                                  "privateKey": "/root/ca.key", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "",
                                  "externalAccountBindingRequired": False, "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1},
                                  "profiles": {"default": {"description": "the usual one", "validityPeriod": 7776000}}}}, f)
        # The CA asks the edge itself: that is where the delegation leads.
        self.run(f"systemd-run --quiet --unit=pebble --setenv=PEBBLE_VA_NOSLEEP=1 --setenv=PEBBLE_WFE_NONCEREJECT=0 /usr/local/bin/pebble "
                 f"-config /root/pebble.json -strict -dnsserver {ADDRESS}:53")
        self.run("systemd-run --quiet --unit=resolver /usr/local/bin/pebble-challtestsrv -management 127.0.0.1:8055 -dnsserver 127.0.0.1:8053 "
                 "-http01 '' -https01 '' -tlsalpn01 '' -doh '' -defaultIPv4 '' -defaultIPv6 ''")
        until(lambda: self.run("curl -sk https://127.0.0.1:14000/dir && curl -s 127.0.0.1:8055", ok=None).stdout, 6 * WAIT_S)

    def records(self):
        """What the operator adds at the provider; who asks for the delegated name gets no answer as long as no edge runs."""
        for name in (DOMAIN, "adit-setup." + DOMAIN, "ns." + DOMAIN):
            self.run(f"curl -sf -d '{json.dumps(dict(host=name + '.', addresses=[ADDRESS]))}' 127.0.0.1:8055/add-a")
        self.run(f"curl -sf -d '{json.dumps(dict(host='_acme-challenge.' + DOMAIN + '.'))}' 127.0.0.1:8055/set-servfail")

    def setup(self, *more, ok=True):
        return self.run("aditd setup --directory https://127.0.0.1:14000/dir --ca-file /etc/ssl/pebble.crt --resolver 127.0.0.1:8053 "
                        + " ".join(ALL + list(more)) + " alice", ok=ok)


def the_records_are_printed_and_waited_for(server):
    done = server.setup("--wait", "1", ok=False)
    for line in (f"{DOMAIN}. 300 IN A {ADDRESS}", f"_acme-challenge.{DOMAIN}"):
        assert line.split()[0].rstrip(".") in done.stdout, done.stdout
    assert "records are missing in DNS" in done.stderr and f"*.{DOMAIN} A {ADDRESS}" in done.stderr and "it is not delegated" in done.stderr, done
    assert server.run("stat -c '%U %G %a' /etc/aditd.yml").stdout.split() == ["root", "aditd", "640"]
    assert server.run("systemctl is-active aditd", ok=None).stdout.strip() != "active"


def a_second_run_ends_with_a_token(server):
    server.records()
    try:
        done = server.setup("--wait", "60")
    except AssertionError as e:
        raise AssertionError(f"{e}\n{server.site.said('aditd')}\n{server.site.said('pebble')}") from None
    assert "stays as it is" in done.stdout and f"adit login https://{DOMAIN}" in done.stdout, done.stdout
    assert server.run("systemctl is-enabled aditd").stdout.strip() == "enabled"
    token, = re.findall(r"^  (\S+)$", done.stdout[done.stdout.index("paste this token"):], re.M)[:1]
    return token



def a_third_run_has_nothing_to_do(server):
    pid = server.run("systemctl show -p MainPID --value aditd").stdout
    done = server.setup("--wait", "60")
    assert "aditd token add alice makes another one" in done.stdout, done.stdout
    assert server.run("systemctl show -p MainPID --value aditd").stdout == pid
    said = json.loads(server.setup("--json", "--wait", "60").stdout)
    assert said == {"file": "/etc/aditd.yml", "domain": DOMAIN, "edge": f"https://{DOMAIN}", "account": "alice", "token": ""}


def the_laptop_reaches_it(server, token):
    """With the certificate that the edge has got: the CA's roots are all that is trusted."""
    server.run(f"echo {ADDRESS} {DOMAIN} jenkins.{DOMAIN} >>/etc/hosts; curl -sk https://127.0.0.1:15000/roots/0 >/root/roots.pem; cp /root/roots.pem /home/walker/")
    server.run(f"adit login https://{DOMAIN} --ca roots.pem --token-file -", "walker", stdin=token + "\n")
    out = server.run(f"""
        adit http 8080 --name jenkins >out 2>err & agent=$!
        n=0; until grep -q -e ' -> ' out || [ $((n += 1)) -gt 600 ]; do sleep 0.1; done
        curl -sS --max-time 60 --cacert roots.pem https://jenkins.{DOMAIN}/hello; kill $agent; wait $agent; cat out err""", "walker").stdout
    assert out.startswith("hello\n"), out


@pytest.mark.skipif(not (PEBBLE and CHALLTESTSRV), reason=NO_PEBBLE)
def test_a_bare_server(site):  # noqa: F811
    server = Server(site)
    the_records_are_printed_and_waited_for(server)
    token = a_second_run_ends_with_a_token(server)
    a_third_run_has_nothing_to_do(server)
    the_laptop_reaches_it(server, token)
