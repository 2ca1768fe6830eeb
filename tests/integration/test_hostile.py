"""Every row of the tables of hostile bytes, against a real gateway with a real worker behind. After each the next good request
on a new connection works, and the worker has seen nothing but that."""
import itertools
import socket
import struct

import pytest

import hostile_h1
import hostile_h2
from gateway import Gateway, wait_for
from h2client import Client
from hostile_h2 import ACK, DATA, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST, SETTINGS, frame
from worker import Worker

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
PATH = f"/ipfs/{CID}/asked"


@pytest.fixture(scope="module")
def running(tee, tmp_path_factory):
    worker = Worker(*tee.worker("w-hostile"))
    gateway = Gateway(tmp_path_factory.mktemp("hostile"), tee, [worker], agents={CID: {"pool": "demo"}})
    gateway.worker = worker
    gateway.key = gateway.account()
    yield gateway
    assert gateway.stop() == 0, gateway.process_log()[-4000:]
    worker.stop()
    assert worker.mistakes == []


def read_to_end(connection):
    told = b""
    try:
        while piece := connection.recv(65536):
            told += piece
    except ConnectionResetError:
        pass
    return told


count = itertools.count()


def check_bystander(gateway, seen):
    """The next good request works, and is all that reached the worker beside what was `seen` to be right."""
    path = f"/ipfs/{CID}/good-{next(count)}"
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\nConnection: close\r\n\r\n".encode())
        assert read_to_end(connection).startswith(b"HTTP/1.1 200")
    paths = [stream.path for stream in gateway.worker.requests]
    gateway.worker.requests.clear()
    assert paths == [path for path in seen] + [path]


def ids(rows):
    return [f"{number}: {row[0]}" for number, row in enumerate(rows)]


@pytest.mark.parametrize("name,source,status,text", hostile_h1.ROWS, ids=ids(hostile_h1.ROWS))
def test_hostile_http_1_requests_get_their_answer_and_reach_nobody(running, name, source, status, text):
    served = status == hostile_h1.SERVED
    text = text if served else text + hostile_h1.NEXT
    credential = f"Authorization: Bearer {running.key}\r\n"
    text = text.replace("<H>", f"Host: x\r\n{credential}").replace("<A>", credential).replace("<P>", PATH)
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=5) as connection:
        connection.sendall(text.encode("latin-1"))
        told = read_to_end(connection)  # it ends: each answer closes
    assert told.startswith(b"HTTP/1.1 %d " % status), told[:300]
    assert told.count(b"HTTP/1.1 ") == 1
    if not served:
        assert b"connection: close\r\n" in told and b"content-type: application/problem+json" in told
    check_bystander(running, [PATH] if served else [])


class Frames:
    """Reads frames until the sequence is answered."""

    def __init__(self, connection):
        self.connection = connection
        self.bytes = b""

    def next(self):
        """(type, flags, stream, payload), or None at the end."""
        while len(self.bytes) < 9 or len(self.bytes) < 9 + int.from_bytes(self.bytes[:3], "big"):
            try:
                piece = self.connection.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.bytes += piece
        end = 9 + int.from_bytes(self.bytes[:3], "big")
        kind, flags, stream = self.bytes[3], self.bytes[4], int.from_bytes(self.bytes[5:9], "big")
        payload, self.bytes = self.bytes[9:end], self.bytes[end:]
        return kind, flags, stream, payload


MARK = b"a mark !"


def answer_of(frames, expected):
    """What the gateway makes of it: ("goaway", code), ("reset", code) of a stream, ("status", n) once an answer is whole. Where
    a good stream stands first, its answer or reset is none to the row."""
    status = {}
    while got := frames.next():
        kind, flags, stream, payload = got
        if kind == GOAWAY and payload[4:8] != bytes(4):
            return "goaway", struct.unpack(">I", payload[4:8])[0]
        if kind == RST and payload != bytes(4) and expected != "goaway":
            return "reset", struct.unpack(">I", payload)[0]
        if payload == MARK:
            return "ignored", None
        if kind == HEADERS and stream not in status:
            status[stream] = payload
        if kind in (HEADERS, DATA) and flags & END_STREAM and stream in status and expected == "status":
            return "status", status_of(status[stream])
    return ("closed",)


def status_of(block):
    """RFC 7541: the first field; indexed, or a literal whose name is."""
    table = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
    if block[0] & 0x80:
        return table[block[0] & 0x7f]
    text = block[2:2 + (block[1] & 0x7f)]
    if block[1] & 0x80:  # Huffman: digits have five or six bits
        codes = {"00000": "0", "00001": "1", "00010": "2", **{f"{25 + i:06b}": str(3 + i) for i in range(7)}}
        bits, out, word = "".join(f"{byte:08b}" for byte in text), "", ""
        for bit in bits:
            word += bit
            if word in codes:
                out, word = out + codes[word], ""
        return int(out[:3])
    return int(text)


NAMES = [(name, source) for name, source, _, _ in hostile_h2.rows(hostile_h2.Request(PATH, "k"))]


@pytest.mark.parametrize("number", range(len(NAMES)), ids=[f"{number}: {name}" for number, (name, _) in enumerate(NAMES)])
def test_hostile_http_2_frames_get_their_answer_and_reach_nobody(running, number):
    request = hostile_h2.Request(PATH, running.key)
    _, _, (kind, *codes), sequence = next(itertools.islice(hostile_h2.rows(request), number, None))
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=5) as connection:
        connection.sendall(PREFACE + frame(SETTINGS) + frame(SETTINGS, ACK) + sequence)
        if kind == "ignored":
            connection.sendall(frame(PING, 0, 0, MARK))
        frames = Frames(connection)
        answer = answer_of(frames, kind)
        if kind == "either":
            assert answer[0] in ("goaway", "reset")
        else:
            assert answer[0] == kind, (answer, codes)
        assert answer[1] in codes, answer
        if answer[0] == "goaway":
            while frames.next():
                pass  # the connection ends
        else:
            connection.sendall(frame(PING, 0, 0, b"go on ?!"))
            wait_for(lambda: (frames.next() or pytest.fail("the connection ended"))[:2] == (PING, ACK), 5, "the connection to go on")
    path = f"{PATH}/%2Fx?A=%00" if "percent signs" in NAMES[number][0] else PATH
    check_bystander(running, [path] if answer == ("status", 200) else [])


BAD = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n" + "X: 1\r\n" * 101 + "\r\n"


def ask_with(gateway, text):
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=5) as connection:
        connection.sendall(text.encode())
        return read_to_end(connection).partition(b"\r\n\r\n")


def test_a_refusal_can_be_read_by_scripts_and_in_browsers(running):
    head, _, body = ask_with(running, BAD % "*/*")
    assert head.startswith(b"HTTP/1.1 431") and b"application/problem+json" in head and b'"code":"fields-too-large"' in body
    assert b"access-control-allow-origin: *" in head and b"nosniff" in head and b"no-store" in head
    head, _, body = ask_with(running, BAD % "text/html,application/xhtml+xml;q=0.9")
    assert head.startswith(b"HTTP/1.1 431") and b"text/html" in head and body.startswith(b"<!doctype html>") and b"<script" not in body
    client = Client(running.port)
    answer = client.call(PATH, running.key, headers=[("accept", "text/html"), *[("x", "1")] * 101])
    assert answer.status == 431 and answer.headers["content-type"].startswith("text/html") and answer.body.startswith(b"<!doctype html>")
    assert answer.headers["access-control-allow-origin"] == "*"
    client.close()


def test_the_refusal_of_a_head_has_no_body(running):
    head, _, body = ask_with(running, (BAD % "*/*").replace("GET", "HEAD"))
    assert head.startswith(b"HTTP/1.1 431") and body == b""
    client = Client(running.port)
    answer = client.call(PATH, running.key, method="HEAD", headers=[("x", "1")] * 101)
    assert answer.status == 431 and answer.ended and answer.body == b""
    client.close()


def test_no_refusal_is_open_to_scripts_where_the_operator_says_so(tmp_path, tee, running):
    gateway = Gateway(tmp_path / "closed", tee, [running.worker], agents={CID: {"pool": "demo"}}, extra="callers: {cors: false}")
    head, _, _ = ask_with(gateway, BAD % "*/*")
    assert head.startswith(b"HTTP/1.1 431") and b"access-control" not in head
    assert gateway.stop() == 0


def test_the_tables_are_as_long_as_was_promised():
    assert sum(row[2] != 200 for row in hostile_h1.ROWS) >= 150
    answers = [row[2] for row in hostile_h2.rows(hostile_h2.Request(PATH, "k"))]
    assert sum(answer != ("status", 200) for answer in answers) >= 150
