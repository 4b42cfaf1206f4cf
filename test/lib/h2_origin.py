# SPDX-License-Identifier: Apache-2.0
"""A local server of HTTP/2 that does what a test says, frame by frame; needs Python's h2."""
import socket
import threading

import h2.config
import h2.connection
import h2.events

from process import WAIT_S


class Call:
    """A stream as behaviours see it; its body grows while they run."""

    def __init__(self, connection, stream, headers):
        self.connection = connection
        self.stream = stream
        self.headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in headers]
        self.body = b""
        self.trailers = []
        self.ended = False
        self.reset = None

    def get(self, name):
        return dict(self.headers).get(name)

    def answer(self, body=b"ok", status=200, fields=(), trailers=(), end=True):
        c = self.connection
        c.h2.send_headers(self.stream, [(":status", str(status)), *fields], end_stream=end and not body and not trailers)
        if body:
            c.h2.send_data(self.stream, body, end_stream=end and not trailers)
        if trailers:
            c.h2.send_headers(self.stream, list(trailers), end_stream=True)
        c.flush()


class Connection:
    def __init__(self, origin, sock, number):
        self.origin, self.sock, self.number = origin, sock, number
        self.calls = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.lock = threading.RLock()
        self.pongs = 0

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def run(self):
        with self.lock:
            self.h2.initiate_connection()
            self.h2.update_settings(self.origin.settings)
            self.flush()
        while data := self.sock.recv(65536):
            with self.lock:
                for event in self.h2.receive_data(data):
                    self.take(event)
                self.flush()

    def take(self, event):
        call = self.calls.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            call = self.calls[event.stream_id] = Call(self, event.stream_id, event.headers)
            if (call.get("user-agent") or "").startswith("adit-probe/"):
                self.origin.probe(call)
                return
            self.origin.note(call)
            self.origin.behave(call, "head")
        elif isinstance(event, h2.events.DataReceived):
            if call is not None:
                call.body += event.data
            if self.origin.reads and call.reset is None:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.origin.behave(call, "body")
        elif isinstance(event, h2.events.TrailersReceived):
            call.trailers = [(n.decode(), v.decode()) for n, v in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            call.ended = True
            if call in self.origin.calls:
                self.origin.behave(call, "end")
        elif isinstance(event, h2.events.StreamReset):
            call.reset = int(event.error_code)
            self.origin.note(None)
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
            self.origin.note(None)


class H2Origin:
    """behave(call, when): for each request when its head came, more of its body, its end."""

    def __init__(self, behave, settings=None, reads=True, probe=Call.answer):
        self._behave, self.settings, self.reads, self.probe = behave, settings or {}, reads, probe
        self.calls, self.connections, self.faults = [], [], []
        self.changed = threading.Condition()
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(64)
        self.address = "h2c://127.0.0.1:%d" % self.sock.getsockname()[1]
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def behave(self, call, when):
        self._behave(call, when)

    def note(self, call):
        with self.changed:
            if call is not None:
                self.calls.append(call)
            self.changed.notify_all()

    def wait(self, ready):
        with self.changed:
            assert self.changed.wait_for(ready, 2 * WAIT_S), [(c.headers, c.body[:50], c.reset) for c in self.calls]

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            c = Connection(self, sock, len(self.connections))
            self.connections.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            c.run()
        except OSError:
            pass
        except Exception as e:
            if not self.closing:
                self.faults.append(repr(e))
        finally:
            c.sock.close()

    def close(self):
        self.closing = True
        self.sock.close()
        for c in self.connections:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        assert not self.faults, self.faults
