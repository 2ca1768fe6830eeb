"""HTTP/1.1 and HTTP/2 on either side: what is the message's passes without loss, what is the connection's or the gateway's never
crosses, and a worker whose framing is broken is never taken at its word. All four ways."""
import asyncio
import socket
import ssl

import pytest

from gateway import Gateway, wait_for
from h2client import Client
from hostile_h2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PUSH, RST, SETTINGS,
                        WINDOW, frame, literal)
from worker import Worker

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
PATH = f"/ipfs/{CID}"


class Seen:
    """A request as a worker saw it, whatever its version."""

    def __init__(self, method, path, fields, body, trailers):
        self.method, self.path, self.fields, self.body, self.trailers = method, path, fields, body, trailers

    def values(self, name):
        return [value for key, value in self.fields if key == name]


async def read_fields(reader):
    fields = []
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, value = line[:-2].decode("latin-1").split(": ", 1)
        assert name == name.lower() and name and value == value.strip(), line
        fields.append((name, value))
    return fields


async def read_request(reader):
    """Strictly: the gateway's own framing is what RFC 9112 3 and 6 say, once."""
    method, path, version = (await reader.readuntil(b"\r\n"))[:-2].decode().split(" ")
    assert version == "HTTP/1.1"
    fields = await read_fields(reader)
    seen = Seen(method, path, fields, b"", [])
    lengths, codings = seen.values("content-length"), seen.values("transfer-encoding")
    assert len(lengths) + len(codings) <= 1 and codings in ([], ["chunked"]) and len(seen.values("host")) == 1
    if lengths:
        seen.body = await reader.readexactly(int(lengths[0]))
    while codings:
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        if size == 0:
            seen.trailers = await read_fields(reader)
            break
        seen.body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    return seen


class Script:
    """What the worker says next, and what it saw. `raw` replaces the answer of an HTTP/1.1 worker, bytes for bytes."""

    def __init__(self):
        self.seen = []
        self.fields, self.body, self.trailers, self.status = [], b"", [], 200
        self.raw = None

    async def over_h1(self, reader, writer):
        try:
            while True:
                seen = await read_request(reader)
                self.seen.append(seen)
                if self.raw is not None:
                    writer.write(self.raw)
                    await writer.drain()
                    return
                text = f"HTTP/1.1 {self.status} \r\n".encode()
                text += b"".join(name.encode() + b": " + value.encode("utf-8") + b"\r\n" for name, value in self.fields)
                if self.status in (204, 304):
                    text += b"\r\n"
                elif self.trailers:
                    text += b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(self.body) + self.body + b"\r\n0\r\n"
                    text += b"".join(f"{name}: {value}\r\n".encode() for name, value in self.trailers) + b"\r\n"
                else:
                    text += b"Content-Length: %d\r\n\r\n" % len(self.body) + (self.body if seen.method != "HEAD" else b"")
                writer.write(text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def over_h2(self, stream):
        body = await stream.body()
        fields = [(k, v) for k, v in stream.fields if not k.startswith(":")]
        self.seen.append(Seen(stream.method, stream.path, fields, body, stream.trailers or []))
        fields = [(name.lower(), value.encode("utf-8")) for name, value in self.fields]
        body = b"" if stream.method == "HEAD" or self.status in (204, 304) else self.body
        await stream.answer(self.status, body, fields, self.trailers)


@pytest.fixture(scope="module", params=["h2", "http/1.1"])
def running(request, tee, tmp_path_factory):
    script = Script()
    certificate = tee.worker("w-translation")
    worker = Worker(*certificate, script.over_h2) if request.param == "h2" else Worker(*certificate, alpn=("http/1.1",), raw=script.over_h1)
    gateway = Gateway(tmp_path_factory.mktemp("translation"), tee, [worker], agents={CID: {"pool": "demo"}})
    gateway.script, gateway.protocol = script, request.param
    gateway.key = gateway.account("alice", "10")
    yield gateway
    assert gateway.stop() == 0, gateway.process_log()[-4000:]
    worker.stop()
    assert worker.mistakes == []


class Told:
    def __init__(self, status, fields, body, trailers):
        self.status, self.fields, self.body, self.trailers = status, fields, body, trailers

    def values(self, name):
        return [value for key, value in self.fields if key == name]


def split_fields(text):
    return [tuple(line.split(": ", 1)) for line in text.decode("utf-8").split("\r\n") if line]


def ask_h1(gateway, method, path, fields, body=None, trailers=None):
    text = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nConnection: close\r\n"
    text = text.encode() + b"".join(f"{name}: {value}\r\n".encode("utf-8") for name, value in fields)
    if trailers:
        text += b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body + b"\r\n0\r\n"
        text += b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"
    elif body is not None:
        text += b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        text += b"\r\n"
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=8) as connection:
        connection.sendall(text)
        told = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, rest = told.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    answer = Told(int(line.split(b" ")[1]), split_fields(fields), b"", [])
    if answer.values("transfer-encoding"):
        assert answer.values("transfer-encoding") == ["chunked"] and not answer.values("content-length")
        while True:
            size, _, rest = rest.partition(b"\r\n")
            if int(size, 16) == 0:
                assert rest.endswith(b"\r\n")
                answer.trailers = split_fields(rest[:-2])
                return answer
            answer.body, rest = answer.body + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    assert len(answer.values("content-length")) <= 1
    answer.body = rest
    return answer


def ask_h2(gateway, method, path, fields, body=None, trailers=None):
    client = Client(gateway.port)
    all_fields = []
    original = client.h2.receive_data

    def receive(data):
        events = original(data)
        for event in events:
            if type(event).__name__ == "ResponseReceived":
                all_fields.extend(event.headers)
        return events

    client.h2.receive_data = receive
    stream = client.request(path, gateway.key, method=method, headers=[(n.lower(), v) for n, v in fields], body=body,
                            end=not trailers)
    if trailers:
        client.h2.send_headers(stream, [(n.lower(), v) for n, v in trailers], end_stream=True)
        client.flush()
    answer = client.wait(stream)
    client.close()
    assert answer.ended, answer.reset
    return Told(answer.status, all_fields, answer.body, list(answer.trailers.items()))


ASK = pytest.mark.parametrize("ask", [ask_h1, ask_h2], ids=["from-h1", "from-h2"])

KEPT = [("X-Own", "kept"), ("X-List", "one"), ("X-List", "two"), ("X-Empty", ""), ("X-Latin", "é"), ("X-Long", "l" * 5000),
        ("Content-Type", "application/x-thing; a=\"b, c\""), ("Accept", "a/b;q=0.5, c/d"), ("User-Agent", "me/1"), ("Accept-Encoding", "gzip"),
        ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("Range", "bytes=0-1"), ("If-None-Match", '"x"'),
        ("X_Under", "kept"), ("X-Agent-Name", "kept"), ("Origin", "https://app.example"), ("Content-Encoding", "gzip"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]
# What callers say and workers must not hear, from them; each with the word FORGED.
FORGED = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Anything", "X-Real-IP",
          "Agent-Caller", "Agent-Cost", "Agent-Deadline", "Agent-Invocation-Id", "Agent-Invocation-Token", "Agent-Secret", "Agent-Anything",
          "Agent-Usage", "Cookie", "Proxy", "Proxy-Authorization", "Proxy-Anything", "agent_caller", "x_forwarded_for", "AGENT_Cost", "x-real_ip",
          "http2_settings", "transfer_encoding"]
HOPS = ["Keep-Alive", "Proxy-Connection", "HTTP2-Settings", "TE", "X-Listed", "X-Listed-Too"]


@ASK
def test_what_is_the_requests_passes_without_loss(running, ask):
    running.script.__init__()
    body = bytes(range(256)) * 20
    path = f"{PATH}/A/%2f%41/;x=1?Q=%20+&&=%ff;'()*!~"
    told = ask(running, "PATCH", path, KEPT, body, None)
    assert told.status == 200
    seen, = running.script.seen
    assert (seen.method, seen.path, seen.body) == ("PATCH", path, body)
    assert seen.values("content-length") in ([str(len(body))], [])
    for name in {name for name, _ in KEPT}:
        wanted = [value.encode("utf-8").decode("latin-1") for key, value in KEPT if key == name]
        assert seen.values(name.lower()) == wanted


@ASK
@pytest.mark.parametrize("name", FORGED)
def test_what_is_the_gateways_cannot_be_forged(running, ask, name):
    running.script.__init__()
    told = ask(running, "GET", PATH, [(name, "FORGED"), ("X-Own", "kept"), (name, "FORGED too")])
    assert told.status == 200
    seen, = running.script.seen
    assert "FORGED" not in str(seen.fields), seen.fields
    assert seen.values("x-own") == ["kept"]
    assert len(seen.values("forwarded")) == 1 and "127.0.0.1" in seen.values("forwarded")[0]
    assert len(seen.values("agent-invocation-id")) == 1


@ASK
def test_forged_trailers_do_not_cross_and_others_do(running, ask):
    running.script.__init__()
    told = ask(running, "POST", PATH, [], b"body", [("X-Sum", "1"), ("Agent-Caller", "FORGED"), ("X-Forwarded-For", "FORGED"),
                                                   ("Forwarded", "FORGED"), ("Authorization", "FORGED"), ("Agent_Usage", "FORGED")])
    assert told.status == 200
    seen, = running.script.seen
    assert seen.body == b"body" and seen.trailers == [("x-sum", "1")]


@pytest.mark.parametrize("name", HOPS)
def test_hop_by_hop_and_listed_fields_never_cross(running, name):
    running.script.__init__()
    fields = [("Connection", "x-listed, X-LISTED-TOO , keep-alive"), (name, "FORGED"), ("X-Own", "kept")]
    told = ask_h1(running, "GET", PATH, fields)
    assert told.status == 200
    seen, = running.script.seen
    assert "FORGED" not in str(seen.fields)
    assert seen.values("x-own") == ["kept"]
    assert seen.values("connection") == ([] if running.protocol == "h2" else ["te"])
    assert seen.values("te") == ["trailers"]


@pytest.mark.parametrize("listed", ["content-length", "host", "authorization", "agent-key", "transfer-encoding", "forwarded", "agent-invocation-id", "cookie"])
def test_naming_a_field_in_connection_takes_nothing_from_us(running, listed):
    running.script.__init__()
    told = ask_h1(running, "POST", PATH, [("Connection", listed)], b"body")
    # Without its credential a request is refused; that is the only thing a caller can do to itself.
    assert told.status == (401 if listed == "authorization" else 200)
    if told.status == 200:
        seen, = running.script.seen
        assert seen.body == b"body" and len(seen.values("forwarded")) == 1 and len(seen.values("agent-invocation-id")) == 1


ANSWERED = [("X-Own", "kept"), ("X-List", "one"), ("X-List", "two"), ("X-Empty", ""), ("X-Latin", "é"), ("Content-Type", "text/plain; a=b"),
            ("ETag", '"x"'), ("Location", "/elsewhere"), ("Retry-After", "7"), ("Content-Encoding", "gzip"), ("Vary", "a, b"),
            ("WWW-Authenticate", "Basic"), ("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Cache-Control", "max-age=3"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]
NEVER_ANSWERED = ["Agent-Cost", "Agent-Receipt", "Agent-Invocation-Id", "Agent-Worker", "Agent-Anything", "RateLimit", "RateLimit-Policy", "Set-Cookie",
                  "Alt-Svc", "Clear-Site-Data", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"]


@ASK
@pytest.mark.parametrize("status", [200, 201, 301, 404, 418, 500])
def test_what_is_the_answers_passes_without_loss(running, ask, status):
    running.script.__init__()
    running.script.status, running.script.fields = status, ANSWERED
    running.script.body = bytes(range(256)) * 20
    told = ask(running, "GET", PATH, [])
    assert told.status == status and told.body == running.script.body
    for name in {name for name, _ in ANSWERED}:
        assert told.values(name.lower()) == [value for key, value in ANSWERED if key == name], name


@ASK
@pytest.mark.parametrize("name", NEVER_ANSWERED)
def test_what_is_the_gateways_cannot_be_answered(running, ask, name):
    running.script.__init__()
    running.script.fields = [(name, "FORGED"), ("X-Own", "kept")]
    told = ask(running, "GET", PATH, [("Origin", "https://app.example")])
    assert told.status == 200 and told.values("x-own") == ["kept"]
    assert "FORGED" not in str(told.fields) + str(told.trailers)


@ASK
def test_answers_trailers_cross_but_for_ours(running, ask):
    running.script.__init__()
    running.script.body = b"body"
    running.script.trailers = [("x-sum", "1"), ("agent-cost", "FORGED"), ("agent-receipt", "FORGED"), ("set-cookie", "FORGED"), ("content-type", "FORGED")]
    told = ask(running, "GET", PATH, [("TE", "trailers")])
    assert told.status == 200 and told.body == b"body"
    assert ("x-sum", "1") in told.trailers and "FORGED" not in str(told.trailers)


@ASK
@pytest.mark.parametrize("method,status", [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404), ("POST", 204)])
def test_answers_without_a_body_have_none(running, ask, method, status):
    running.script.__init__()
    running.script.status, running.script.fields = status, [("X-Own", "kept")]
    told = ask(running, method, PATH, [], b"x" if method == "POST" else None)
    assert told.status == status and told.body == b"" and told.values("x-own") == ["kept"]
    assert not told.values("transfer-encoding")


# --- broken workers -------------------------------------------------------------------------------

OK = "HTTP/1.1 200 OK\r\n"
BROKEN_H1 = {
    "CL and TE": OK + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two lengths": OK + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two different lengths": OK + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a list of lengths": OK + "Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": OK + "Content-Length: +3\r\n\r\nabc",
    "a length that overflows": OK + "Content-Length: 18446744073709551619\r\n\r\nabc",
    "an unknown coding": OK + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": OK + "Transfer-Encoding: identity\r\n\r\nabc",
    "a coding in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare LF": "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bare LF in a field": OK + "X: a\nContent-Length: 0\r\n\r\n",
    "a bare CR in a field": OK + "X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "a folded line": OK + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": OK + "X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": OK + "Content-Length : 0\r\n\r\n",
    "no field name": OK + ": 0\r\n\r\n",
    "HTTP/0.9": "<html>hello</html>",
    "HTTP/2 on HTTP/1.1": "HTTP/2 200\r\n\r\n",
    "another version": "HTTP/3.0 200 OK\r\n\r\n",
    "a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
    "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
    "a status of 600": "HTTP/1.1 600 OK\r\n\r\n",
    "a status of words": "HTTP/1.1 abc OK\r\n\r\n",
    "no status": "HTTP/1.1\r\n\r\n",
    "a blank line before": "\r\n" + OK + "Content-Length: 0\r\n\r\n",
    "101 unasked": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + OK + "Content-Length: 0\r\n\r\n",
    "a flood of 1xx": "HTTP/1.1 103 Early Hints\r\n\r\n" * 100 + OK + "Content-Length: 0\r\n\r\n",
    "a head over 64 KiB": OK + ("X: " + "a" * 8000 + "\r\n") * 9 + "\r\n",
    "too many fields": OK + "X: a\r\n" * 201 + "Content-Length: 0\r\n\r\n",
    "a head that ends early": OK + "X: a\r\n",
    "204 with a length": "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
    "204 in chunks": "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "nothing": "",
}
# The head is good: what breaks is seen by the caller as a break, never as an end.
CUT_H1 = {
    "a body shorter than its length": OK + "Content-Length: 30000\r\n\r\n" + "a" * 20000,
    "chunks without an end": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20000 + "\r\n",
    "chunk garbage": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20000 + "\r\nzz\r\n\r\n",
    "a chunk longer than said": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20001 + "\r\n0\r\n\r\n",
    "chunks that end in LF": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20000 + "\r\n0\n\n",
    "a chunk size that overflows": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20000 + "\r\nfffffffffffffffff\r\n",
    "trailers that are folded": OK + "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + "a" * 20000 + "\r\n0\r\nX: 1\r\n 2\r\n\r\n",
}
GOOD = literal(":status", "200")


def h2_answer(*fields, flags=0, status="200"):
    return frame(HEADERS, END_HEADERS | flags, 1, literal(":status", status) + b"".join(literal(n, v) for n, v in fields))


BROKEN_H2 = {
    "no status": frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("x", "1")),
    "two states": frame(HEADERS, END_HEADERS | END_STREAM, 1, GOOD + GOOD),
    "a status of 600": h2_answer(flags=END_STREAM, status="600"),
    "a status of words": h2_answer(flags=END_STREAM, status="abc"),
    "101": h2_answer(status="101") + h2_answer(flags=END_STREAM),
    "an interim answer that ends": h2_answer(flags=END_STREAM, status="103"),
    "a flood of 1xx": h2_answer(status="103") * 100 + h2_answer(flags=END_STREAM),
    "upper case": h2_answer(("X", "1"), flags=END_STREAM),
    "a CR and LF in a value": h2_answer(("x", "a\r\nset-cookie: b"), flags=END_STREAM),
    "a NUL in a value": h2_answer(("x", "a\0b"), flags=END_STREAM),
    "connection": h2_answer(("connection", "close"), flags=END_STREAM),
    "transfer-encoding": h2_answer(("transfer-encoding", "chunked"), flags=END_STREAM),
    "a length and no body": h2_answer(("content-length", "3"), flags=END_STREAM),
    "two lengths": h2_answer(("content-length", "0"), ("content-length", "0"), flags=END_STREAM),
    "a request's pseudo-field": h2_answer((":path", "/"), flags=END_STREAM),
    "DATA before HEADERS": frame(DATA, END_STREAM, 1, b"x"),
    "PUSH_PROMISE": frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + literal(":path", "/")),
    "broken HPACK": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"),
    "too many fields": h2_answer(*[("x", "1")] * 201, flags=END_STREAM),
    "a head that is cut": frame(HEADERS, END_STREAM, 1, GOOD) + frame(PING, 0, 0, bytes(8)),
    "DATA on stream 0": frame(DATA, 0, 0, b"x"),
    "a frame above 16 KiB": frame(DATA, 0, 1, bytes(16385)),
    "a reset": frame(RST, 0, 1, b"\0\0\0\2"),
    "a reset without an error": frame(RST, 0, 1, bytes(4)),
    "too much padding": h2_answer() + frame(DATA, PADDED, 1, b"\x09x"),
}
CUT_H2 = {
    "a body shorter than its length": h2_answer(("content-length", "9000")) + frame(DATA, END_STREAM, 1, b"a" * 8000),
    "a body longer than its length": h2_answer(("content-length", "8000")) + frame(DATA, END_STREAM, 1, b"a" * 8001),
    "a reset": h2_answer() + frame(DATA, 0, 1, b"a" * 8000) + frame(RST, 0, 1, b"\0\0\0\2"),
    "a reset without an error": h2_answer() + frame(DATA, 0, 1, b"a" * 8000) + frame(RST, 0, 1, bytes(4)),
    "trailers with a pseudo-field": h2_answer() + frame(DATA, 0, 1, b"a" * 8000) + frame(HEADERS, END_HEADERS | END_STREAM, 1, GOOD),
    "a second head": h2_answer() + frame(DATA, 0, 1, b"a" * 8000) + h2_answer(),
    "DATA above the window": h2_answer() + frame(DATA, 0, 1, b"a" * 16384) * 12,
}


class Broken:
    """A worker that says the same bytes on every connection, and breaks off."""

    def __init__(self):
        self.says = b""

    async def over_h1(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await self.say(reader, writer)

    async def over_h2(self, reader, writer):
        writer.write(frame(SETTINGS) + frame(SETTINGS, ACK))
        got = await reader.readexactly(len(PREFACE))
        while got[3:4] != bytes((HEADERS,)):
            got = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(got[:3], "big"))
        await self.say(reader, writer)

    async def say(self, reader, writer):
        writer.write(self.says)
        await writer.drain()
        writer.write_eof() if writer.can_write_eof() else None


@pytest.fixture(scope="module")
def broken(request, tee, tmp_path_factory):
    script = Broken()
    raw = script.over_h2 if request.param == "h2" else script.over_h1
    worker = Worker(*tee.worker("w-broken"), alpn=(request.param,), raw=raw)
    gateway = Gateway(tmp_path_factory.mktemp("broken"), tee, [worker], agents={CID: {"pool": "demo", "retry": "never"}})
    gateway.script, gateway.protocol = script, request.param
    gateway.key = gateway.account("alice", "10")
    yield gateway
    assert gateway.stop() == 0, gateway.process_log()[-4000:]
    worker.stop()


def rows(h1, h2):
    """Each name with the version it is said in."""
    return pytest.mark.parametrize("broken,name", [*(("http/1.1", name) for name in sorted(h1)), *(("h2", name) for name in sorted(h2))],
                                   indirect=["broken"])


def says(broken, h1, h2, name):
    return h2[name] if broken.protocol == "h2" else h1[name].encode("latin-1")


@rows(BROKEN_H1, BROKEN_H2)
def test_a_broken_answer_is_502_and_never_believed(broken, name):
    broken.script.says = says(broken, BROKEN_H1, BROKEN_H2, name)
    for ask in (ask_h1, ask_h2):
        told = ask(broken, "GET", PATH, [])
        assert told.status == 502, (told.status, told.body)
        assert any(word in told.body for word in (b"worker-invalid", b"worker-broke", b"cut-short", b"answer-too-large")), told.body


@rows(CUT_H1, CUT_H2)
def test_an_answer_that_breaks_is_seen_to_break(broken, name):
    broken.script.says = says(broken, CUT_H1, CUT_H2, name)
    client = Client(broken.port)
    answer = client.call(PATH, broken.key)
    assert answer.status == 502 or (not answer.ended and answer.reset not in (None, 0, 8)), (answer.status, answer.ended, answer.reset)
    client.close()
    with socket.create_connection(("127.0.0.1", broken.plain_port), timeout=8) as connection:
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {broken.key}\r\n\r\n".encode())
        told = b""
        try:
            while piece := connection.recv(65536):
                told += piece
                if told.startswith(b"HTTP/1.1 502") and told.endswith(b"}"):
                    break
        except ConnectionResetError:
            pass
    head, _, body = told.partition(b"\r\n\r\n")
    if not told.startswith(b"HTTP/1.1 502"):
        if b"content-length:" in head.lower():
            length = int([line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")][0].split(b":")[1])
            assert len(body) < length
        else:
            assert not body.endswith(b"0\r\n\r\n")
