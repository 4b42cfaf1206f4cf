# SPDX-License-Identifier: Apache-2.0
"""An edge without any domain: visitors come to its address, and reach one tunnel."""
import re
import subprocess

from dnsd import Internet
from lab import ADIT, ADITD, Edge
from origin import fixed
from process import WAIT_S, until
from test_own_domains import adit


def answer(body):
    return fixed(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


class AddressEdge(Edge):
    """With a certificate file for 127.0.0.1, and no name at all."""

    def _configure(self, config, https, http):
        path = super()._configure(config, https, http)
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("domain: localhost\n", "domain: 127.0.0.1\n"))
        self.ready["domain"] = "127.0.0.1"
        return path

    def at(self, path="/", host="127.0.0.1", tls=True):
        return self.get(path, host=host, tls=tls)


def address_edge(lab, config="", folder=None, **kw):
    edge = AddressEdge(folder or f"{lab.folder}/edge", config=config or "http: serve\n", **kw)
    lab.parts.append(edge)
    return edge


def test_the_address_leads_to_the_one_tunnel(lab):
    edge = address_edge(lab)
    assert edge.at().status == 404
    agent = lab.agent(edge, "http", lab.origin(answer("jenkins")).address, "--name", "jenkins")
    assert agent.url == f"https://127.0.0.1:{edge.https[1]}"
    assert edge.at().body == b"jenkins" and edge.at("/nic/update").body == b"jenkins"
    assert edge.at(tls=False).body == b"jenkins"
    assert edge.get(host="[::1]", tls=False).body == b"jenkins"  # whichever address of the edge it is
    assert edge.get(host="jenkins.example.org", tls=False).status == 404
    # There is one, and it stays that one.
    other = edge.new_token("other")[0]
    refused = lab.agent(edge, "http", "127.0.0.1:9", "--name", "second", token=other, up=False)
    assert "default_tunnel: in aditd.yml" in refused.wait_event("refused")["text"]
    refused.exits(3)
    agent.stop()
    assert edge.at().status == 503


def test_the_oldest_tunnel_is_it_after_a_restart_too(lab):
    edge = address_edge(lab)
    agent = lab.agent(edge, "http", lab.origin(answer("first")).address, "--name", "zoe")
    agent.stop()
    edge.ctl("name", "reserve", "anna", "dev")
    lab.parts.remove(edge)
    edge.stop()
    again = address_edge(lab, folder=edge.folder, token=edge.token)
    until(lambda: again.logged().count("event=ready") == 2)
    refused = lab.agent(again, "http", "127.0.0.1:9", "--name", "anna", up=False)
    refused.wait_event("refused")
    refused.exits(3)
    lab.agent(again, "http", lab.origin(answer("second")).address, "--name", "zoe")
    assert again.at().body == b"second"
    # Given up, it makes room.
    again.ctl("name", "release", "zoe")
    until(lambda: again.at().status == 410)
    lab.parts[-1].exits(4)
    lab.parts.pop(-2)
    lab.agent(again, "http", lab.origin(answer("third")).address, "--name", "anna")
    assert again.at().body == b"third"


def test_the_operator_names_it(lab):
    edge = address_edge(lab, "http: serve\ndefault_tunnel: jenkins\n")
    refused = lab.agent(edge, "http", "127.0.0.1:9", "--name", "first", up=False)
    refused.wait_event("refused")
    refused.exits(3)
    lab.agent(edge, "http", lab.origin(answer("jenkins")).address, "--name", "jenkins")
    assert edge.at().body == b"jenkins"


def test_own_domains_of_an_edge_without_one(lab):
    net = lab.keep(Internet("customer.test"))
    edge = address_edge(lab, f"http: serve\nresolver: {net.address}\n")
    lab.agent(edge, "http", lab.origin(answer("jenkins")).address, "--name", "jenkins")
    said = adit(edge, "domain", "add", "hook.customer.test")
    assert "  hook.customer.test. A 127.0.0.1\n" in said and "CNAME" not in said
    net.set("hook.customer.test", "A", "127.0.0.1")
    net.set("_adit.hook.customer.test", "TXT", re.search('"(account=.*)"', said)[1])
    until(lambda: "leads to the tunnel jenkins now" in adit(edge, "domain", "add", "hook.customer.test"))
    until(lambda: edge.get(host="hook.customer.test", tls=False).body == b"jenkins", what="every worker knows it")


def test_an_edge_with_a_domain_may_have_a_default_too(lab):
    edge = lab.edge(config="http: serve\ndefault_tunnel: web\n")
    assert edge.get(host="127.0.0.1").status == 404
    lab.agent(edge, "http", lab.origin(answer("web")).address, "--name", "web")
    lab.agent(edge, "http", lab.origin(answer("mine")).address, "--name", "mine")
    assert edge.get(host="127.0.0.1").body == b"web" and edge.get(host="mine.localhost").body == b"mine"
    assert edge.get("/checkip", host="localhost").body == b"127.0.0.1\n"  # the bare domain is the edge's own


def run(*argv):
    done = subprocess.run([ADITD, *argv], capture_output=True, text=True, timeout=4 * WAIT_S)
    return done.returncode, done.stdout + done.stderr


def test_the_option_says_what_it_lacks():
    assert run("--ip", "203.0.113.7", "-n")[0] == 1 and "say --agree-to-terms" in run("--ip", "203.0.113.7", "-n")[1]
    code, said = run("--ip", "example.org", "--agree-to-terms", "-n")
    assert code == 1 and "the edge's public address is wanted" in said


def test_bitbucket_takes_such_a_url():
    done = subprocess.run([ADIT, "check-url", "--no-probe", "https://198.41.0.4/bitbucket-hook/"], capture_output=True, text=True,
                          timeout=4 * WAIT_S)
    assert "Bitbucket Cloud saves it" in done.stdout and "refused" not in done.stdout, done
