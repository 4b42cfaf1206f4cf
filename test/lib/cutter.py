# SPDX-License-Identifier: Apache-2.0
"""A stretch of network between agent and edge that can be cut the way real ones are: without a FIN."""
import selectors
import socket
import threading
import time


class Cutter:
    """Forwards TCP from a loopback port to `target`. up: agent -> edge; down: edge -> agent."""

    def __init__(self, target, delay_s=0.0):
        self.target = target
        self.delay_s = delay_s
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(64)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.cut_up = self.cut_down = self.refuse = False
        self.n_up = self.n_down = 0
        self.times_up, self.times_down = [], []
        self.pairs = []
        self.old = []  # pairs that stay cut for ever, as a vanished NAT binding does
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.sock.accept()
            except OSError:
                return
            if self.refuse:
                near.close()
                continue
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (near, far)
            self.pairs.append(pair)
            threading.Thread(target=self._pump, args=(near, far, True, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False, pair), daemon=True).start()

    def _pump(self, source, to, is_up, pair):
        selector = selectors.DefaultSelector()
        selector.register(source, selectors.EVENT_READ)
        try:
            while not self.closing:
                if not selector.select(0.05):
                    continue
                if (self.cut_up if is_up else self.cut_down) or pair in self.old:
                    return  # neither read nor closed: the bytes pile up and no FIN is seen
                data = source.recv(262144)
                if not data:
                    to.shutdown(socket.SHUT_WR)
                    return
                if self.delay_s:
                    time.sleep(self.delay_s)  # the emulated distance, not a wait of the test's
                if is_up:
                    self.n_up += len(data)
                    self.times_up.append(time.monotonic())
                else:
                    self.n_down += len(data)
                    self.times_down.append(time.monotonic())
                to.sendall(data)
        except OSError:
            pass

    def cut(self, up=True, down=True):
        """From now on nothing passes; both ends still believe in their connection."""
        self.cut_up, self.cut_down = up, down

    def mend(self):
        """New connections pass again; the old ones stay dead."""
        self.old += [p for p in self.pairs if p not in self.old]
        self.cut_up = self.cut_down = False

    def away(self):
        """Both ends see their connection end, and no new one comes about until refuse is False again."""
        self.refuse = True
        for s in [s for pair in self.pairs for s in pair]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.closing = True
        for s in (self.sock, *(s for p in self.pairs for s in p)):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
