"""Attacks that are not one wrong message but many, or none: each against a real gateway, on one connection, for a second
(ATTACK_SECONDS=4 for the whole measure). It lives, its memory and processor time stay small, a bystander is served, and the
guard that docs/hostile.md names has counted."""
import os
import pathlib
import select
import socket
import ssl
import statistics
import struct
import threading
import time

import pytest

from gateway import Gateway, wait_for
from h2client import Client
from hostile_h2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PING, PREFACE, PRIORITY, RST, SETTINGS,
                        WINDOW, Request, frame, literal, number, text)
from test_abuse import is_sanitized, metrics
from worker import Worker

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
SECONDS = float(os.environ.get("ATTACK_SECONDS", "1"))
BEGIN = PREFACE + frame(SETTINGS) + frame(SETTINGS, ACK)


async def worker_with_much_to_say(stream):
    if stream.path.endswith("/much"):
        await stream.head(200)
        await stream.send(b"z" * 4000000)
        await stream.end()
    elif stream.path.endswith("/never"):
        await stream.gone()
    else:
        await stream.body()
        await stream.answer(200, b"quick")


@pytest.fixture(scope="module")
def running(tee, tmp_path_factory):
    worker = Worker(*tee.worker("w-floods"), worker_with_much_to_say)
    agents = {CID: {"pool": "demo", "limits": {"stall": "1s", "time": "30s"}}}
    gateway = Gateway(tmp_path_factory.mktemp("floods"), tee, [worker], agents=agents,
                      extra="callers: {head_timeout: 1s, upload_timeout: 1s}")
    gateway.worker = worker
    gateway.key = gateway.account()
    yield gateway
    code = gateway.stop()
    log = gateway.process_log()
    assert code == 0 and "AddressSanitizer" not in log and "runtime error" not in log, log[-4000:]
    worker.stop()
    assert worker.mistakes == []


def window(stream, count):
    return frame(WINDOW, 0, stream, struct.pack(">I", count))


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


WAIT = None  # in a round: until the gateway has said something


def each_stream(make, at_once=1 << 30):
    """Rounds that use up a stream each; so many at once, if the limit on open ones is not what is to be tried."""
    def rounds(request):
        number = -1
        while True:
            number += 2
            yield make(request, number)
            if number % (2 * at_once) == 1:
                yield WAIT
    return rounds


def again(make, first=lambda request: b""):
    """One beginning, and the same again and again."""
    def rounds(request):
        yield first(request)
        piece = make(request)
        while True:
            yield piece
    return rounds


def post(request):
    return request.head(method="POST", flags=0, path=f"/ipfs/{CID}/never")


def bomb(request, stream, references=15000):
    """CVE-2026-49975: 4,000 bytes once, then a byte for each time they are meant again."""
    block = request.block() + b"\x40" + text("x") + text("a" * 4000) + b"\xbe" * references
    parts = [block[at:at + 16000] for at in range(0, len(block), 16000)]
    return b"".join(frame(HEADERS if i == 0 else CONTINUATION, (END_HEADERS if i == len(parts) - 1 else 0) | (i == 0 and END_STREAM), stream, part)
                    for i, part in enumerate(parts))


def crumbs(request, stream):
    """CVE-2026-47774: a crumb of a cookie is a byte on the wire."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, request.block() + b"\x40" + text("cookie") + text("a") + b"\xbe" * 15000)


def few_too_many(request, stream):
    return request.head(*[("x", "")] * 101, stream=stream)


def drips(request):
    yield settings((4, 0)) + request.head(path=f"/ipfs/{CID}/much")
    while True:
        yield window(1, 1)
        yield WAIT


FLOODS = [
    # name, what is sent, the counter that shows the guard, whether the connection must end
    ("rapid_reset", each_stream(lambda r, n: r.head(path=f"/ipfs/{CID}/never", stream=n) + frame(RST, 0, n, b"\0\0\0\x08")), "guard_resets"),
    ("rapid_reset_of_uploads", each_stream(lambda r, n: r.head(path=f"/ipfs/{CID}/never", method="POST", flags=0, stream=n)
                                           + frame(DATA, 0, n, bytes(1000)) + frame(RST, 0, n, b"\0\0\0\x08")), "guard_resets"),
    ("made_to_reset_by_a_window", each_stream(lambda r, n: r.head(path=f"/ipfs/{CID}/never", stream=n) + window(n, 0x7fffffff), 20), "guard_stream_errors"),
    ("made_to_reset_by_a_field", each_stream(lambda r, n: r.head(("te", "gzip"), stream=n)), "guard_stream_errors"),
    ("made_to_reset_by_a_length", each_stream(lambda r, n: r.head(("content-length", "5"), method="POST", flags=0, stream=n)
                                              + frame(DATA, END_STREAM, n, b"x"), 20), "guard_stream_errors"),
    ("malformed_requests", each_stream(lambda r, n: r.head(scheme="ftp", stream=n)), "guard_bad_requests"),
    ("too_many_fields", each_stream(few_too_many), "guard_bad_requests"),
    ("continuations", again(lambda r: frame(CONTINUATION, 0, 1, literal("x", "1")), lambda r: frame(HEADERS, END_STREAM, 1, r.block())), "guard_continuations"),
    ("continuations_empty", again(lambda r: frame(CONTINUATION, 0, 1), lambda r: frame(HEADERS, END_STREAM, 1, r.block())), "guard_continuations"),
    ("continuations_big", again(lambda r: frame(CONTINUATION, 0, 1, literal("x", "1") * 2000), lambda r: frame(HEADERS, END_STREAM, 1, r.block())), "guard_large_heads"),
    ("settings", again(lambda r: frame(SETTINGS)), "guard_settings"),
    ("settings_of_the_table", again(lambda r: settings((1, 0)) + settings((1, 4096))), "guard_settings"),
    ("pings", again(lambda r: frame(PING, 0, 0, bytes(8))), "guard_pings"),
    ("priorities", again(lambda r: frame(PRIORITY, 0, 3, b"\0\0\0\1\x10")), "guard_priorities"),
    ("priorities_of_a_tree", each_stream(lambda r, n: frame(PRIORITY, 0, n, struct.pack(">IB", n + 2, 9))), "guard_priorities"),
    ("priority_updates", again(lambda r: frame(16, 0, 0, b"\0\0\0\1u=1")), "guard_priorities"),
    ("empty_data", again(lambda r: frame(DATA, 0, 1), post), "guard_empty_frames"),
    ("data_all_padding", again(lambda r: frame(DATA, PADDED, 1, b"\x0f" + bytes(15)), post), "guard_empty_frames"),
    ("data_in_crumbs", again(lambda r: frame(DATA, 0, 1, b"x"), lambda r: r.head(method="POST", flags=0)), "guard_crumbs"),
    ("unknown_frames", again(lambda r: frame(0xbe, 0, 0, b"x")), "guard_unknown_frames"),
    ("altsvc_frames", again(lambda r: frame(10, 0, 1, b"\0\0x")), "guard_unknown_frames"),
    ("goaways", again(lambda r: frame(7, 0, 0, bytes(8))), "guard_unknown_frames"),
    ("window_updates", again(lambda r: window(0, 1)), "guard_window_updates"),
    ("window_updates_of_a_stream", again(lambda r: window(1, 1), post), "guard_window_updates"),
    ("window_drips", drips, "guard_drips"),
    ("hpack_bomb", each_stream(bomb), "guard_large_heads"),
    ("cookie_bomb", each_stream(crumbs), "guard_large_heads"),
    ("a_little_of_everything", again(lambda r: frame(PING, 0, 0, bytes(8)) + frame(PRIORITY, 0, 3, b"\0\0\0\1\x10") + frame(RST, 0, 1, b"\0\0\0\x08")
                                     + window(0, 1), lambda r: r.aside()), "guard_glitches"),
]


def processor_ms(gateway):
    fields = pathlib.Path(f"/proc/{gateway.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


class Bystander:
    """Asks all the while, on a connection of its own."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.over = threading.Event()
        self.waits = []
        self.failed = []
        self.client = Client(gateway.port)
        self.ask()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def ask(self):
        begun = time.monotonic()
        answer = self.client.call(f"/ipfs/{CID}/quick", self.gateway.key)
        self.waits.append(time.monotonic() - begun)
        if answer.status != 200 or not answer.ended:
            self.failed.append(answer.status)

    def _run(self):
        while not self.over.wait(0.02):
            self.ask()

    def stop(self):
        self.over.set()
        self.thread.join()
        self.client.close()
        assert not self.failed
        slowest = max(self.waits) if SECONDS >= 4 else statistics.median(self.waits)
        assert slowest < 0.25, sorted(self.waits)[-5:]


class Watch:
    """Measures the gateway under an attack."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.before = metrics(gateway)
        self.memory = self.most = gateway.memory_kib()
        self.bystander = Bystander(gateway)
        self.processor = processor_ms(gateway)

    def look(self):
        self.most = max(self.most, self.gateway.memory_kib())

    def counted(self, name):
        return metrics(self.gateway)[f"{name}_total"] - self.before[f"{name}_total"]

    def end(self, processor_ms_max=1000):
        self.look()
        self.bystander.stop()
        used = processor_ms(self.gateway) - self.processor
        assert self.gateway.process.poll() is None
        if not is_sanitized(self.gateway):
            assert self.most - self.memory < 16384
            assert used < processor_ms_max


def is_over(connection):
    """Whether the gateway has ended it: what it said is read away."""
    while select.select([connection], [], [], 0)[0]:
        try:
            if not connection.recv(65536):
                return True
        except OSError:
            return True
    return False


def flood(gateway, rounds, watch):
    """True when the connection was ended within the time."""
    until = time.monotonic() + SECONDS
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=5) as connection:
        connection.sendall(BEGIN)
        connection.setblocking(False)
        pending, turn = b"", 0
        while time.monotonic() < until:
            turn += 1
            if is_over(connection):
                return True
            if turn % 50 == 0:
                watch.look()
            waits = False
            while len(pending) < 8192 and not waits:
                piece = next(rounds)
                waits = piece is WAIT
                pending += piece or b""
            try:
                pending = pending[connection.send(pending):]
                if waits and not pending:
                    select.select([connection], [], [], 0.1)
            except BlockingIOError:
                select.select([], [connection], [], 0.05)
            except OSError:
                return True
    return False


@pytest.mark.parametrize("name,make,counter", FLOODS, ids=[row[0] for row in FLOODS])
def test_a_flood_ends_its_connection_and_hurts_nobody(running, name, make, counter):
    watch = Watch(running)
    ended = flood(running, make(Request(f"/ipfs/{CID}/quick", running.key)), watch)
    watch.end()
    assert ended
    assert watch.counted(counter) == 1, {key: value for key, value in metrics(running).items() if key.startswith("guard")}
    wait_for(lambda: metrics(running)["exchanges_live"] == 0, 10, "the end of its calls")


def test_a_hundred_calls_that_take_nothing_hold_little_and_not_for_long(running):
    """CVE-2019-9517, and what holds an HPACK bomb's memory: a window of zero, with a WINDOW_UPDATE of the connection now and then."""
    watch = Watch(running)
    request = Request(f"/ipfs/{CID}/much", running.key)
    stalled = lambda: sum(line.get("outcome") == "caller-stalled" for line in running.log())
    before = stalled()
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=10) as connection:
        connection.sendall(BEGIN + settings((4, 0)) + b"".join(request.head(stream=n) for n in range(1, 201, 2)))
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            connection.sendall(window(0, 100))
            time.sleep(0.1)  # the pace of the attack
            watch.look()
        wait_for(lambda: stalled() - before == 100, 10, "a hundred stalled calls")
    watch.end()


def test_drips_at_a_pace_below_every_limit_do_not_count_as_progress(running):
    """CVE-2019-9511: a byte now and then would hold the call for ever."""
    stalled = lambda: sum(line.get("outcome") == "caller-stalled" for line in running.log())
    before = stalled()
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=10) as connection:
        connection.sendall(BEGIN + settings((4, 0)) + Request(f"/ipfs/{CID}/much", running.key).head())
        begun = time.monotonic()

        def dripped():
            connection.sendall(window(1, 1))
            time.sleep(0.2)  # the pace of the attack
            return stalled() > before

        wait_for(dripped, 10, "the end of the dripping call")
        assert time.monotonic() - begun < 5


def test_a_reader_of_http_1_that_takes_nothing_is_given_up(running):
    stalled = lambda: sum(line.get("outcome") == "caller-stalled" for line in running.log())
    before = stalled()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", running.plain_port))
        connection.sendall(f"GET /ipfs/{CID}/much HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n\r\n".encode())
        wait_for(lambda: stalled() > before, 10, "the end of the call that is not read")


def hello():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        return out.read()


HALF_A_HEAD = frame(HEADERS, END_STREAM, 1, literal(":method", "GET"))
# name, whether in TLS, what is sent at once, what is sent now and then, the counter, whether h2's TLS stands before
SLOW = [
    ("nothing in TLS", True, b"", b"", "guard_slow_tls"),
    ("half a hello", True, hello()[:60], b"", "guard_slow_tls"),
    ("a hello and nothing more", True, hello(), b"", "guard_slow_tls"),
    ("nothing in cleartext", False, b"", b"", "guard_slow_preface"),
    ("half a preface", False, PREFACE[:10], b"", "guard_slow_preface"),
    ("a preface without SETTINGS", False, PREFACE, b"", "guard_slow_preface"),
    ("SETTINGS that are not acknowledged", False, PREFACE + frame(SETTINGS), b"", "guard_slow_preface"),
    ("SETTINGS that dribble", False, PREFACE + frame(SETTINGS, 0, 0, b"", 6), b"\0", "guard_slow_preface"),
    ("half a request line", False, b"GET /ipfs/", b"x", "guard_slow_heads"),
    ("fields one by one", False, b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: 1\r\n", "guard_slow_heads"),
    ("a blank line and nothing more", False, b"\r\n", b"", "guard_slow_heads"),
    ("HEADERS without an end", False, BEGIN + HALF_A_HEAD, b"", "guard_slow_heads"),
    ("HEADERS that dribble", False, BEGIN + frame(HEADERS, END_HEADERS, 1, b"", 200), b"\x82", "guard_slow_heads"),
    ("CONTINUATIONs now and then", False, BEGIN + HALF_A_HEAD, frame(CONTINUATION, 0, 1, b"\x82"), "guard_slow_heads"),
]


@pytest.mark.parametrize("name,tls,first,more,counter", SLOW, ids=[row[0] for row in SLOW])
def test_who_never_gets_to_ask_is_closed_and_counted(running, name, tls, first, more, counter):
    before = metrics(running)[f"{counter}_total"]
    with socket.create_connection(("127.0.0.1", running.port if tls else running.plain_port), timeout=5) as connection:
        connection.sendall(first)
        begun = time.monotonic()

        def is_closed():
            if more:
                try:
                    connection.sendall(more)
                except OSError:
                    return True
            return select.select([connection], [], [], 0.25)[0] and is_over(connection)

        wait_for(is_closed, 10, "the end of the connection")
        assert 0.5 < time.monotonic() - begun < 8
    assert metrics(running)[f"{counter}_total"] == before + 1


def test_a_body_that_does_not_come_is_408_and_counted(running):
    for head in (b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n"):
        with socket.create_connection(("127.0.0.1", running.plain_port), timeout=8) as connection:
            connection.sendall(f"POST /ipfs/{CID}/quick HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n".encode() + head + b"\r\n")
            told = connection.recv(65536)
            assert told.startswith(b"HTTP/1.1 408") and b'"code":"request-timeout"' in told


@pytest.mark.parametrize("bad", ["zz\r\n", "3\r\nabcd\r\n", "5;\x01\r\n"])
def test_a_chunk_that_turns_bad_late_is_never_an_end_for_the_worker(running, bad):
    running.worker.requests.clear()
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=8) as connection:
        connection.sendall((f"POST /ipfs/{CID}/quick HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").encode())
        wait_for(lambda: [s for s in running.worker.requests if s.taken == 3], 5, "the first chunk at the worker")
        connection.sendall(bad.encode() + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        told = b"".join(iter(lambda: connection.recv(65536), b""))
    assert told.startswith(b"HTTP/1.1 400") and told.count(b"HTTP/1.1 ") == 1
    stream, = running.worker.requests
    wait_for(lambda: stream.reset_code is not None, 5, "a reset at the worker")
