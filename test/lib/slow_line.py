# SPDX-License-Identifier: Apache-2.0
"""The line of an agent that may be slow, or end, at any time."""
import socket
import threading
import time

BUFFER = 16384  # of each socket: what is in them has not arrived yet


class SlowLine:
    """Forwards TCP from a loopback port to `target`. rate: bytes a second each way, of all connections together; None: at once."""

    def __init__(self, target):
        self.target, self.rate, self.pairs = target, None, set()
        self.turns = threading.Lock(), threading.Lock()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(64)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        with near, socket.socket() as far:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            try:
                far.connect(self.target)
            except OSError:
                return
            pair = near, far
            self.pairs.add(pair)
            back = threading.Thread(target=self._pump, args=(far, near, self.turns[1]), daemon=True)
            back.start()
            self._pump(near, far, self.turns[0])
            back.join()
            self.pairs.discard(pair)

    def _pump(self, source, to, turn):
        try:
            while data := source.recv(int(min(max(self.rate / 20, 256), 65536)) if self.rate else 65536):
                if self.rate:
                    with turn:
                        time.sleep(len(data) / (self.rate or 1 << 30))  # what the line takes, not a wait of the test's
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            _end(source, to)

    def cut(self):
        """Both ends see their connection end; new ones come about."""
        for pair in list(self.pairs):
            _end(*pair)

    def close(self):
        _end(self.sock)
        self.sock.close()
        self.cut()


def _end(*socks):
    for s in socks:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
