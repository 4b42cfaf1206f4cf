# SPDX-License-Identifier: Apache-2.0
"""A stretch of network that takes what one side says and passes it on one octet at a time, each in a segment of its own."""
import socket
import threading


class Trickle:
    """Listens on loopback and leads to `target`; `first` is what each visitor wrote before anything was answered."""

    def __init__(self, target):
        self.target = target
        self.first = []
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(16)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.sock.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            said, answered = bytearray(), threading.Event()
            self.first.append(said)
            self.open += [near, far]
            threading.Thread(target=self._away, args=(near, far, said, answered), daemon=True).start()
            threading.Thread(target=self._back, args=(far, near, answered), daemon=True).start()

    @staticmethod
    def _away(near, far, said, answered):
        try:
            while data := near.recv(65536):
                if not answered.is_set():
                    said += data
                for octet in data:
                    far.sendall(bytes([octet]))
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    @staticmethod
    def _back(far, near, answered):
        try:
            while data := far.recv(65536):
                answered.set()
                near.sendall(data)
            near.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for s in (self.sock, *self.open):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
