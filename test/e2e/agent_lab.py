# SPDX-License-Identifier: Apache-2.0
"""An agent between an edge that a test plays itself and an origin of the test."""
import os
import struct

from hostile import DATA, FIN, RST, SYN, FakeEdge, opening
from lab import ADIT
from process import Process

GET = b"GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n"
REFUSED, SILENT, BROKE, TLS, NO_TUNNEL, BAD_HEAD, LARGE_HEAD = 10, 11, 12, 13, 14, 16, 17
TAKEN, GRANTED = 65536, 1 << 20  # credit that a stream begins with: towards the agent, and from it


class Played:
    """The edge's end; certificates and token are those of a real edge that was started for them."""

    def __init__(self, lab):
        self.lab = lab
        self.real = lab.edge()
        self.fake = lab.keep(FakeEdge(self.real.folder))
        self.url = "https://localhost:" + self.fake.address.rsplit(":", 1)[1]
        self.link = None
        self.n_agents = 0

    def start(self, *args, env=None, edge=None, ca=None, token=None):
        """An agent that is not waited for."""
        self.n_agents += 1
        log = os.path.join(self.real.folder, f"played-agent-{self.n_agents}.log")
        argv = [ADIT, *args, "--json", "--edge", edge or self.url, "--ca", ca or self.real.ca,
                "--token-file", token or self.real.token]
        return self.lab.keep(Ended(argv, log, {"HOME": self.real.folder, "XDG_STATE_HOME": "", "no_proxy": "*", **(env or {})}, "agent"))

    def accept(self, up=True):
        """The agent's next link; all its tunnels are welcome unless up=False."""
        self.link = self.fake.accept()
        if up:
            self.link.welcome([{"id": t["id"], "name": t.get("name", "web"), "url": f"https://t{t['id']}.localhost"}
                               for t in self.link.hello["tunnels"]])
        return self.link

    def serve(self, *args, **kw):
        """An agent that is up; returns it."""
        agent = self.start(*args, **kw)
        self.accept()
        agent.wait_event("up")
        return agent

    def open(self, data, fin=True, tunnel=1, **kw):
        """A stream with plenty of credit both ways."""
        link = self.link
        stream, link.next_stream = link.next_stream, link.next_stream + 1
        credit = struct.pack("!II", TAKEN, GRANTED)
        link.put(DATA, SYN | (FIN if fin else 0), stream, credit + opening(tunnel, **kw) + data)
        return stream

    def send(self, stream, data, fin=False):
        self.link.put(DATA, FIN if fin else 0, stream, data)

    def whole(self, stream):
        """All bytes of the stream up to its FIN, or the code of its RST."""
        got = b""
        while True:
            kind, flags, of, payload = self.link.take_frame()
            if of != stream:
                continue
            if kind == RST:
                return struct.unpack("!I", payload)[0]
            if kind == DATA:
                got += payload
                if flags & FIN:
                    return got

    def until(self, stream, end):
        """Bytes of the stream until they end so."""
        got = b""
        while not got.endswith(end):
            kind, _, of, payload = self.link.take_frame()
            assert (kind, of) != (RST, stream), f"reset after {got!r}"
            if (kind, of) == (DATA, stream):
                got += payload
        return got

    def ask(self, data=GET, **kw):
        return self.whole(self.open(data, **kw))


class Ended(Process):
    """Ended in order at the close of the lab."""

    def close(self):
        self.stop()
