# SPDX-License-Identifier: Apache-2.0
"""Zones by chance, and servers of them: the library src/dns in its test program, and nsd."""
import ipaddress
import os
import random
import shutil
import struct
import subprocess

from dnswire import CD, TC, TYPES, Asker, Message, name, question
from lab import ADITD
from process import WAIT_S, Process, free_port, until

RESPONDER = os.path.join(os.path.dirname(ADITD), "test", "dns_responder")
NSD = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
KNOTD = shutil.which("knotd") or shutil.which("knotd", path="/usr/sbin")
ORIGIN = "example.test"


class Record:
    """One record, as it stands in a zone file and on the wire."""

    def __init__(self, owner, kind, ttl, text, rdata):
        self.owner, self.kind, self.ttl, self.text, self.rdata = owner, kind, ttl, text, rdata

    def zone_line(self):
        return f"{self.owner}. {self.ttl} IN {self.kind} {self.text}\n"

    def rr_line(self):
        return f"rr {self.owner} {self.ttl} {TYPES[self.kind]} {self.rdata.hex()}\n"


def a(owner, address, ttl=300):
    ip = ipaddress.ip_address(address)
    return Record(owner, "A" if ip.version == 4 else "AAAA", ttl, str(ip), ip.packed)


def ns(owner, target, ttl=300):
    return Record(owner, "NS", ttl, target + ".", name(target))


def cname(owner, target, ttl=300):
    return Record(owner, "CNAME", ttl, target + ".", name(target))


def mx(owner, number, target, ttl=300):
    return Record(owner, "MX", ttl, f"{number} {target}.", struct.pack("!H", number) + name(target))


def srv(owner, target, ttl=300):
    return Record(owner, "SRV", ttl, f"1 2 443 {target}.", struct.pack("!HHH", 1, 2, 443) + name(target))


def txt(owner, text, ttl=60):
    parts = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return Record(owner, "TXT", ttl, " ".join(f'"{p}"' for p in parts), b"".join(bytes([len(p)]) + p.encode() for p in parts))


def caa(owner, value, ttl=300):
    return Record(owner, "CAA", ttl, f'0 issue "{value}"', b"\0\5issue" + value.encode())


class Dice:
    """A zone by chance, from few labels, so that names are above, below and beside one another."""

    LABELS = ["a", "b", "c", "d", "m1", "www", "*", "_acme-challenge", "x-y"]

    def __init__(self, seed, n_names):
        self.random = random.Random(seed)
        self.records = [ns(ORIGIN, "ns1." + ORIGIN), ns(ORIGIN, "ns.other.test"), a("ns1." + ORIGIN, "127.0.0.1"), a("ns1." + ORIGIN, "::1"),
                        caa(ORIGIN, "ca.test"), mx(ORIGIN, 10, "mail." + ORIGIN), a("mail." + ORIGIN, "192.0.2.25")]
        self.kinds = {}
        for _ in range(n_names):
            self.add(self.name())

    def name(self, deepest=4):
        return ".".join(self.random.choice(self.LABELS) for _ in range(self.random.randint(1, deepest))) + "." + ORIGIN

    def target(self):
        return self.random.choice([self.name(), self.random.choice(self.records).owner, "out.of.zone.test", ORIGIN, "mail." + ORIGIN])

    def add(self, owner):
        """One kind more at a name; what must stand alone does, and a set has a record once."""
        kind = self.random.choice(["A", "A", "A", "AAAA", "AAAA", "TXT", "TXT", "TXT", "MX", "MX", "SRV", "CAA", "CNAME", "CNAME", "CNAME"] + ["NS"] * (owner.count(".") > 2))
        there = self.kinds.setdefault(owner, set())
        if kind in there or "CNAME" in there or (kind == "CNAME" and there) or (kind == "NS" and owner.startswith("*.")):
            return
        there.add(kind)
        for i in range(1 if kind == "CNAME" else self.random.randint(1, 3)):
            self.records.append(self.record(owner, kind, i))

    def record(self, owner, kind, i):
        if kind == "A":
            return a(owner, f"192.0.2.{self.random.randrange(80) * 3 + i}")
        if kind == "AAAA":
            return a(owner, f"2001:db8::{self.random.randrange(9999)}:{i}")
        if kind == "TXT":
            return txt(owner, f"{i}" + "t" * self.random.choice([0, 20, 43, 300, 700]))
        if kind == "MX":
            return mx(owner, i, self.target())
        if kind == "SRV":
            return srv(owner, f"{i}." + self.target())
        if kind == "NS":
            target = self.random.choice([f"ns{i}.{owner}", f"ns{i}.{owner}", f"ns{i}.other.test", f"ns{i}." + self.name()])
            if target.startswith(f"ns{i}.{owner}"):
                self.records.append(a(target, f"198.51.100.{i}"))
            return ns(owner, target)
        return caa(owner, f"ca{i}.test") if kind == "CAA" else cname(owner, self.target())

    def question_name(self):
        owner = self.random.choice([self.random.choice(self.records).owner, self.name(5)])
        if self.random.random() < 0.3:
            owner = self.random.choice(["a", "zzz", "ns0", "*"]) + "." + owner
        if self.random.random() < 0.03:
            owner = self.random.choice(["test", "other.test", "xexample.test", "out.of.zone.test"])
        return "".join(c.upper() if self.random.random() < 0.3 else c for c in owner)


def judged(answer, kind):
    """What must be the same. ANY may be answered with whichever set; what did not fit may be left out differently."""
    m = Message(answer)
    sections, flags = m.sections, m.flags & ~CD
    if kind == TYPES["ANY"] and (flags & TC or len({(r[0], r[1]) for r in sections[0]}) == 1):
        sections, flags = "one set", flags & ~TC
    elif flags & TC:
        sections = "cut"
    # CD is a resolver's (RFC 4035 3.2.2), nsd copies it into what it refuses; and there it drops some questions.
    return {"rcode": m.rcode, "flags": hex(flags), "question": m.question if m.rcode in (0, 3) else None,
            "edns": m.edns and {k: m.edns[k] for k in ("version", "do")}, "sections": sections}


class Responder(Process):
    """The library, over UDP and TCP."""

    def __init__(self, folder, records, more="", serial=2026112901, origin=ORIGIN):
        path = os.path.join(folder, "responder.zone")
        with open(path, "w") as f:
            f.write(more + f"zone {origin} ns1.{origin} host.{origin} {serial}\n")
            f.writelines(r.rr_line() for r in records)
        super().__init__([RESPONDER, path], os.path.join(folder, "responder.log"))
        self.port = int(self.wait_line(lambda line: line.isdigit())[0])


def end(process):
    """Another's program: it goes when it is asked to, or is made to; how is its own affair."""
    process.child.terminate()
    try:
        process.child.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        process.child.kill()
        process.child.wait()


class Nsd:
    """nsd with one zone: from records, or (`zone`: the lines that say so) from a primary."""

    def __init__(self, folder, records=None, zone="", serial=2026112901, more="", origin=ORIGIN, port=None, address="127.0.0.1", soa=None, soa_ttl=300):
        self.address, self.soa, self.soa_ttl = address, soa or f"ns1.{origin}. host.{origin}. {serial} 14400 3600 604800 60", soa_ttl
        for attempt in range(5):  # the port may be taken before nsd has it
            self.port = port or free_port()
            self.folder = os.path.join(folder, f"nsd{attempt}")
            os.makedirs(self.folder)
            if records is not None:
                self.write_zone(records, origin)
            with open(os.path.join(self.folder, "nsd.conf"), "w") as f:
                f.write(self.configuration(zone if records is None else f"    zonefile: {self.folder}/zone\n", more, origin))
            self.process = Process([NSD, "-d", "-c", os.path.join(self.folder, "nsd.conf")], os.path.join(self.folder, "log"))
            if self.ready(origin):
                return
            self.end()
        raise AssertionError("nsd does not answer: " + self.process.logged()[-2000:])

    def write_zone(self, records, origin):
        with open(os.path.join(self.folder, "zone"), "w") as f:
            f.write(f"{origin}. {self.soa_ttl} IN SOA {self.soa}\n")
            f.writelines(r.zone_line() for r in records)

    def configuration(self, zone, more, origin):
        return f"""server:
    ip-address: {self.address}@{self.port}
    server-count: 1
    username: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: "{self.folder}/pid"
    xfrdfile: "{self.folder}/xfrd"
    zonelistfile: "{self.folder}/zonelist"
    xfrdir: "{self.folder}"
    minimal-responses: yes
    hide-version: yes
    rrl-ratelimit: 0
    ipv4-edns-size: 1232
    tcp-timeout: 60
remote-control:
    control-enable: no
{more}
zone:
    name: {origin}
{zone}"""

    def ready(self, origin):
        asker = Asker(self.port, 0.2, self.address)
        try:
            until(lambda: self.process.child.poll() is not None or asker.ask(question(origin, TYPES["SOA"], 77)), 3 * WAIT_S, "nsd answers")
            return self.process.child.poll() is None
        finally:
            asker.close()

    def end(self):
        end(self.process)


class Knot:
    """knotd as a secondary of one zone; secret in base64."""

    def __init__(self, folder, port, primary_port, algorithm, secret, origin=ORIGIN):
        self.port = port
        with open(os.path.join(folder, "knot.conf"), "w") as f:
            f.write(f"""server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: debug
database:
    storage: "{folder}/knot"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
key:
  - id: token-1
    algorithm: {algorithm}
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary_port}
    key: token-1
acl:
  - id: told
    address: 127.0.0.1
    key: token-1
    action: notify
zone:
  - domain: {origin}
    storage: "{folder}"
    master: primary
    acl: told
""")
        os.makedirs(os.path.join(folder, "knot"), exist_ok=True)
        self.process = Process([KNOTD, "-c", os.path.join(folder, "knot.conf")], os.path.join(folder, "knot.log"))

    def end(self):
        end(self.process)


def cpu_s(pid):
    """The processor time that a process has had."""
    with open(f"/proc/{pid}/stat") as f:
        return sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def dnsperf(port, path, seconds):
    """Answers a second."""
    out = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", path, "-l", str(seconds), "-c", "4", "-q", "200"], capture_output=True,
                         text=True, timeout=seconds + 3 * WAIT_S, check=True).stdout
    return float(out.split("Queries per second:")[1].split()[0])
