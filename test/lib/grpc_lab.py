# SPDX-License-Identifier: Apache-2.0
"""
gRPC's own client and server, without a line of generated code: messages are bytes.  Runs by an interpreter that has grpcio.

    grpc_lab.py server            prints the port that it listens on, serves until its standard input ends
    grpc_lab.py client HOST:PORT NAME CA CASE [N]
"""
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = "lab.Lab"
cancelled = threading.Semaphore(0)


def unary(request, context):
    meta = dict(context.invocation_metadata())
    context.send_initial_metadata((("x-initial", "1"),))
    context.set_trailing_metadata((("x-trailing", meta.get("x-ask", "none")), ("x-bytes-bin", b"\x00\xff\n")))
    if request == b"fail":
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no: \u00e4 100%")
    return request[::-1]


def deny(request, context):
    """Trailers and nothing else."""
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


def down(request, context):
    n, size = (int(x) for x in request.split())
    for i in range(n):
        yield i.to_bytes(4, "big") + b"x" * size


def up(requests, context):
    n = total = 0
    for r in requests:
        n, total = n + 1, total + len(r)
    return b"%d %d" % (n, total)


def both(requests, context):
    for r in requests:
        yield r[::-1]


def hang(request, context):
    """Says so when it is cancelled; tells its deadline first."""
    context.add_callback(cancelled.release)
    yield b"%d" % int(min(context.time_remaining() or 0, 1e6))
    time.sleep(0.05)
    while context.is_active():
        time.sleep(0.01)


def count(request, context):
    """How many hangs were cancelled; waits for one more."""
    return b"1" if cancelled.acquire(timeout=10) else b"0"


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
    kinds = {"unary": grpc.unary_unary_rpc_method_handler(unary), "deny": grpc.unary_unary_rpc_method_handler(deny),
             "down": grpc.unary_stream_rpc_method_handler(down), "up": grpc.stream_unary_rpc_method_handler(up),
             "both": grpc.stream_stream_rpc_method_handler(both), "hang": grpc.unary_stream_rpc_method_handler(hang),
             "count": grpc.unary_unary_rpc_method_handler(count)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, kinds),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


class Client:
    def __init__(self, target, name, ca):
        with open(ca, "rb") as f:
            credentials = grpc.ssl_channel_credentials(f.read())
        self.channel = grpc.secure_channel(f"ipv4:{target}", credentials, [
            ("grpc.ssl_target_name_override", name), ("grpc.default_authority", name), ("grpc.enable_retries", 0)])

    def unary(self, method, request=b"", timeout=20, metadata=None):
        return self.channel.unary_unary(f"/{SERVICE}/{method}").with_call(request, timeout=timeout, metadata=metadata)

    def down(self, n, size, timeout=60):
        return self.channel.unary_stream(f"/{SERVICE}/down")(b"%d %d" % (n, size), timeout=timeout)


def fails(fn):
    try:
        fn()
    except grpc.RpcError as e:
        return e
    raise AssertionError("it did not fail")


def four_kinds(c):
    answer, call = c.unary("unary", b"abc", metadata=(("x-ask", "me"),))
    assert answer == b"cba"
    assert dict(call.initial_metadata())["x-initial"] == "1"
    trailing = dict(call.trailing_metadata())
    assert trailing["x-trailing"] == "me" and trailing["x-bytes-bin"] == b"\x00\xff\n", trailing
    big = bytes(range(256)) * 8000
    assert c.unary("unary", big)[0] == big[::-1]
    got = list(c.down(500, 10000))
    assert [int.from_bytes(g[:4], "big") for g in got] == list(range(500)) and all(len(g) == 10004 for g in got)
    assert c.channel.stream_unary(f"/{SERVICE}/up")(iter([b"x" * 10000] * 500), timeout=60) == b"500 5000000"
    # Each message waits for the answer to the last: nothing may be held back on the way.
    turn, said = threading.Semaphore(1), []

    def talk():
        for i in range(200):
            assert turn.acquire(timeout=20)
            yield b"%d." % i
    for answer in c.channel.stream_stream(f"/{SERVICE}/both")(talk(), timeout=60):
        said.append(answer[::-1])
        turn.release()
    assert said == [b"%d." % i for i in range(200)]


def errors(c):
    e = fails(lambda: c.unary("unary", b"fail"))
    assert e.code() == grpc.StatusCode.FAILED_PRECONDITION and e.details() == "no: \u00e4 100%", e
    e = fails(lambda: c.unary("deny"))
    assert e.code() == grpc.StatusCode.PERMISSION_DENIED and e.details() == "not you", e
    e = fails(lambda: c.unary("nothing"))
    assert e.code() == grpc.StatusCode.UNIMPLEMENTED, e


def deadlines(c):
    begun = time.monotonic()
    call = c.channel.unary_stream(f"/{SERVICE}/hang")(b"", timeout=1.5)
    assert int(next(call)) <= 1  # the server knows it
    e = fails(lambda: list(call))
    assert e.code() == grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() - begun < 5, e
    assert c.unary("count")[0] == b"1"


def cancellations(c):
    for _ in range(20):
        call = c.channel.unary_stream(f"/{SERVICE}/hang")(b"", timeout=30)
        next(call)
        call.cancel()
        assert c.unary("count")[0] == b"1", "the server was not told"


def unavailable(c):
    e = fails(lambda: c.unary("unary", b"x"))
    assert e.code() == grpc.StatusCode.UNAVAILABLE, e
    print(e.details())


def many(c, n):
    """n calls of the four kinds, 50 at a time."""
    def one(i):
        kind = i % 4
        if kind == 0:
            assert c.unary("unary", b"%d" % i)[0] == (b"%d" % i)[::-1]
        elif kind == 1:
            assert len(list(c.down(5, 100))) == 5
        elif kind == 2:
            assert c.channel.stream_unary(f"/{SERVICE}/up")(iter([b"ab"] * 5), timeout=60) == b"5 10"
        else:
            said = list(c.channel.stream_stream(f"/{SERVICE}/both")(iter([b"ab", b"cd"]), timeout=60))
            assert said == [b"ba", b"dc"]
    begun = time.monotonic()
    with futures.ThreadPoolExecutor(50) as pool:
        for _ in pool.map(one, range(n)):
            pass
    print(f"{n} calls in {time.monotonic() - begun:.1f} s")


CASES = {f.__name__: f for f in (four_kinds, errors, deadlines, cancellations, unavailable)}

if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    elif sys.argv[5] == "many":
        many(Client(*sys.argv[2:5]), int(sys.argv[6]))
    else:
        CASES[sys.argv[5]](Client(*sys.argv[2:5]))
