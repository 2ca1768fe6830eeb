"""Hostile HTTP/2 frame sequences: a name, where the rule stands, the frames behind preface and SETTINGS, and the answer that
is right. Requests on stream 1 ask for an agent that would be served, so that whatever slips through does reach the worker;
where a good stream must stand first it asks for what only the gateway answers."""
import struct

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, WITH_PRIORITY, ACK = 1, 4, 8, 32, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)

SERVED = ("status", 200)
IGNORED = ("ignored", None)


def ends(*codes):
    """A connection error with one of the codes (RFC 9113 5.4.1)."""
    return ("goaway", *codes)


def resets(*codes):
    """A stream error; the connection goes on (RFC 9113 5.4.2)."""
    return ("reset", *codes)


def either(*codes):
    """A stream error that may be treated as a connection error (RFC 9113 5.4.2)."""
    return ("either", *codes)


def says(status):
    return ("status", status)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    return struct.pack(">I", len(payload) if length is None else length)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def number(value, bits, first=0):
    """RFC 7541 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    out, value = bytes((first | most,)), value - most
    while value >= 128:
        out, value = out + bytes((value % 128 + 128,)), value // 128
    return out + bytes((value,))


def text(value):
    value = value if isinstance(value, bytes) else value.encode("latin-1")
    return number(len(value), 7) + value


def literal(name, value, first=0):
    """RFC 7541 6.2.2; with 0x40 6.2.1."""
    return bytes((first,)) + text(name) + text(value)


class Request:
    """The pseudo-fields and credential of a request that would be served; rows change what they are about."""

    def __init__(self, path, key):
        self.path = path
        self.key = key

    def fields(self, *more, without=(), late=(), **pseudo):
        values = {"method": "GET", "scheme": "https", "authority": "x", "path": self.path, **pseudo}
        good = [(f":{name}", value) for name, value in values.items() if name not in without and value is not None]
        return [*good, ("authorization", f"Bearer {self.key}"), *more, *late]

    def block(self, *more, **options):
        return b"".join(literal(name, value) for name, value in self.fields(*more, **options))

    def head(self, *more, flags=END_STREAM, stream=1, **options):
        return frame(HEADERS, END_HEADERS | flags, stream, self.block(*more, **options))

    def aside(self, stream=1, flags=END_STREAM, method="GET"):
        """Answered by the gateway itself."""
        return self.head(path="/nowhere", stream=stream, flags=flags, method=method)


def malformed():
    """Requests that RFC 9113 8.1.1 calls malformed: reset with PROTOCOL_ERROR."""
    for name in ("X", "xY", "x y", "", "x:y", "x\0", "x\1", "x\x7f", "x\x80", "x\r\ny", "x\n", "foo: bar\r\nhost", "(x)", "x@y", " x", "x "):
        yield f"field name {name!r}", "RFC 9113 8.2.1", [(name, "1")]
    for value in ("\0", "a\0b", "a\rb", "a\nb", "a\r\nTransfer-Encoding: chunked", " a", "a ", "\ta", "a\t", "a\1b", "a\x7f", "\r", "\n", "a\r\n"):
        yield f"field value {value!r}", "RFC 9113 8.2.1", [("x", value)]
    for name, value in (("connection", "close"), ("connection", "x-listed"), ("connection", "content-length"), ("keep-alive", "1"),
                        ("proxy-connection", "close"), ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"),
                        ("upgrade", "websocket"), ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, gzip"), ("te", "chunked")):
        yield f"{name}: {value}", "RFC 9113 8.2.2 (H2.TE)", [(name, value)]
    for name in (":path", ":method", ":scheme", ":authority"):
        yield f"{name} behind a field", "RFC 9113 8.3", [("x", "1"), (name, "/late")]
    for name, value in ((":status", "200"), (":unknown", "1"), (":", "1"), (":path:", "/"), (":Path", "/"), (":protocol", "websocket"),
                        (":content-length", "3"), (":host", "x")):
        yield f"pseudo-field {name}", "RFC 9113 8.3, RFC 8441 3", [(name, value)]
    for value in ("1", "+0", "-0", "0x0", "", "00", "0,0", "0, 0", "a", "18446744073709551616", " 0", "0 "):
        yield f"content-length {value!r} without a body", "RFC 9113 8.1.1 (H2.CL; HAProxy 2026-33555)", [("content-length", value)]
    yield "two lengths", "RFC 9110 8.6", [("content-length", "0"), ("content-length", "0")]
    yield "two hosts", "RFC 9112 3.2", [("host", "x"), ("host", "x")]
    for host in ("y", "x:443", "x, x", "x@x", "x/", " ", "x y"):
        yield f"host {host!r} beside :authority", "RFC 9113 8.3.1", [("host", host)]


PSEUDO = [
    *(("path", value, "RFC 9113 8.3.1, RFC 3986 3.3") for value in (
        "", "x", "ipfs/x", "*", "/ipfs/x y", "/ipfs/x#f", "/ipfs/x\\y", "/x\0", "/x\1", "/x\x7f", "/x\x80", "?x", "http://x/",
        "/ HTTP/1.1\r\nHost: evil", "/x\tHTTP/1.1", "/x\r\n\r\nGET /smuggled HTTP/1.1")),
    *(("method", value, "RFC 9110 9.1") for value in (
        "", "G T", "GET\0", "GET / HTTP/1.1\r\nX:", "G@T", "\xe9", "GET\t", "G\nT")),
    *(("scheme", value, "RFC 9113 8.3.1, RFC 3986 3.1") for value in ("", "ftp", "https://evil/?", "ht tp", "file", "https\r\n", "1http")),
    *(("authority", value, "RFC 9113 8.3.1, RFC 3986 3.2") for value in (
        "", "u@x", "u:w@x", "x/", "x:1:2", "x:port", "x:99999", "a,b", "a b", "x\r\nHost: y", "x\0", "[::1", "x#", "x?", "x\\y", "\xe9")),
]


def heads(request):
    for name, source, more in malformed():
        yield name, source, resets(PROTOCOL), request.head(*more)
    for name, value, source in PSEUDO:
        yield f":{name} {value!r}", source, resets(PROTOCOL), request.head(**{name: value})
    for name in ("method", "scheme", "path"):
        yield f"no :{name}", "RFC 9113 8.3.1", resets(PROTOCOL), request.head(without=(name,))
    yield "neither :authority nor host", "RFC 9113 8.3.1", resets(PROTOCOL), request.head(without=("authority",))
    for name in ("method", "scheme", "authority", "path"):
        block = literal(f":{name}", "x") + request.block()
        yield f":{name} twice", "RFC 9113 8.3", resets(PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM, 1, block)
    yield "an empty header block", "RFC 9113 8.3.1", resets(PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM, 1)
    yield "CONNECT", "RFC 9113 8.5: not served", says(501), request.head(method="CONNECT", without=("path", "scheme"))
    yield "CONNECT with a path", "RFC 9113 8.5", resets(PROTOCOL), request.head(method="CONNECT")
    yield "CONNECT without authority", "RFC 9113 8.5", resets(PROTOCOL), request.head(method="CONNECT", without=("path", "scheme", "authority"))
    yield "an expectation of another kind", "RFC 9110 10.1.1", says(417), request.head(("expect", "200-ok"))
    yield "a target too long", "a limit of ours", says(414), split(request.block(path="/ipfs/" + "x" * 17000))
    yield "101 fields", "a limit of ours", says(431), request.head(*[("x", "1")] * 101)
    yield "101 crumbs of a cookie", "CVE-2026-47774", says(431), request.head(*[("cookie", "a")] * 101)
    yield "fields over 64 KiB", "a limit of ours", says(431), split(request.block(*[("x", "1" * 8000)] * 9))


def split(block, first=16384, stream=1, flags=END_STREAM):
    """One header block over as many frames as it needs."""
    parts = [block[:first], *(block[at:at + 16384] for at in range(first, len(block), 16384))]
    out = b""
    for index, part in enumerate(parts):
        last = END_HEADERS if index == len(parts) - 1 else 0
        out += frame(HEADERS if index == 0 else CONTINUATION, last | (flags if index == 0 else 0), stream, part)
    return out


def bodies(request):
    def post(*more, **options):
        return request.head(*more, method="POST", flags=0, **options)

    trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("x", "1"))
    five = ("content-length", "5")
    yield "a body shorter than its length", "RFC 9113 8.1.1 (H2.CL)", resets(PROTOCOL), post(five) + frame(DATA, END_STREAM, 1, b"four")
    yield "a body longer than its length", "RFC 9113 8.1.1 (H2.CL)", resets(PROTOCOL), post(five) + frame(DATA, END_STREAM, 1, b"sixsix")
    yield "a length of 0 and a body", "RFC 9113 8.1.1 (H2.0)", resets(PROTOCOL), post(("content-length", "0")) + frame(DATA, END_STREAM, 1, b"x")
    yield "a length and an empty body", "RFC 9113 8.1.1", resets(PROTOCOL), post(five) + frame(DATA, END_STREAM, 1)
    yield "a length and trailers only", "RFC 9113 8.1.1 (HAProxy d12edebe)", resets(PROTOCOL), post(five) + trailers
    yield "a short body and trailers", "RFC 9113 8.1.1 (HAProxy 7e09e2a)", resets(PROTOCOL), post(five) + frame(DATA, 0, 1, b"four") + trailers
    yield "a length and the end on HEADERS", "RFC 9113 8.1.1 (HAProxy d12edebe)", resets(PROTOCOL), request.head(five, method="POST")
    yield "trailers without an end", "RFC 9113 8.1", either(PROTOCOL), post() + frame(HEADERS, END_HEADERS, 1, literal("x", "1"))
    yield "trailers with a pseudo-field", "RFC 9113 8.1", resets(PROTOCOL), post() + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal(":path", "/"))
    yield "trailers in upper case", "RFC 9113 8.2.1", resets(PROTOCOL), post() + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("X", "1"))
    yield "trailers with a CR", "RFC 9113 8.2.1", resets(PROTOCOL), post() + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("x", "a\rb"))
    yield "trailers with connection", "RFC 9113 8.2.2", resets(PROTOCOL), post() + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("connection", "close"))


def frames(request):
    aside, post = request.aside(), request.aside(flags=0, method="POST")
    block = request.block()
    zeros = bytes(16385)
    yield "DATA on stream 0", "RFC 9113 6.1", ends(PROTOCOL), frame(DATA, 0, 0, b"x")
    yield "DATA on an idle stream", "RFC 9113 5.1", ends(PROTOCOL), frame(DATA, 0, 1, b"x")
    yield "DATA on a stream of ours", "RFC 9113 5.1.1", ends(PROTOCOL), frame(DATA, 0, 2, b"x")
    yield "DATA behind the end", "RFC 9113 5.1", either(CLOSED), aside + frame(DATA, 0, 1, b"x")
    yield "DATA behind a reset", "RFC 9113 5.1", IGNORED, aside + frame(RST, 0, 1, b"\0\0\0\x08") + frame(DATA, 0, 1, b"x")
    yield "DATA with more padding than payload", "RFC 9113 6.1", ends(PROTOCOL), post + frame(DATA, PADDED, 1, b"\x05x")
    yield "DATA all padding and one more", "RFC 9113 6.1", ends(PROTOCOL), post + frame(DATA, PADDED, 1, b"\x02x")
    yield "padded DATA without a payload", "RFC 9113 4.2 and 6.1", ends(SIZE, PROTOCOL), post + frame(DATA, PADDED, 1)
    yield "DATA above the frame size", "RFC 9113 4.2", ends(SIZE), post + frame(DATA, 0, 1, zeros)
    yield "DATA above the stream's window", "RFC 9113 6.9.1", either(FLOW), post + frame(DATA, 0, 1, zeros[:16384]) * 5
    yield "HEADERS on stream 0", "RFC 9113 6.2", ends(PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM, 0, block)
    yield "HEADERS on an even stream", "RFC 9113 5.1.1", ends(PROTOCOL), request.head(stream=2)
    yield "HEADERS on a stream below", "RFC 9113 5.1.1", ends(PROTOCOL), request.aside(stream=5) + request.head(stream=3)
    yield "HEADERS behind the end", "RFC 9113 5.1", either(CLOSED), aside + request.head()
    yield "HEADERS behind a reset", "RFC 9113 5.1", IGNORED, aside + frame(RST, 0, 1, b"\0\0\0\x08") + request.head()
    yield "HEADERS depending on itself", "RFC 7540 5.3.1", either(PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0\1\x10" + block)
    yield "HEADERS too short for its priority", "RFC 9113 6.2", ends(SIZE, PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0")
    yield "HEADERS with more padding than payload", "RFC 9113 6.2", ends(PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + block[:100])
    yield "padded HEADERS without a payload", "RFC 9113 6.2", ends(SIZE, PROTOCOL), frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1)
    yield "HEADERS above the frame size", "RFC 9113 4.2", ends(SIZE), frame(HEADERS, END_HEADERS | END_STREAM, 1, zeros)

    for name, bad in (("index 0", b"\x80"), ("an index above the table", b"\xff\x7f"), ("a name above the table", b"\x7f\x7f\x01x"),
                      ("a text that is cut", b"\0\x05ab"), ("no text at all", b"\0"), ("the end code of Huffman", b"\0\x84\xff\xff\xff\xff\x01x"),
                      ("padding of Huffman that is too long", b"\0\x82\x1f\xff\x01x"), ("padding of Huffman with zeros", b"\0\x81\x18\x01x"),
                      ("a number that overflows", b"\xff" + b"\xff" * 9 + b"\x01"), ("a table above its limit", b"\x3f\xe2\x1f"),
                      ("a table size behind a field", b"\x82\x20"), ("a number that never ends", b"\x7f" + b"\x80" * 20),
                      ("a text above every limit", b"\0\x7f\xff\xff\xff\x7fx")):
        yield f"HPACK: {name}", "RFC 7541 2.3.3, 4.2, 5 and 6", ends(COMPRESSION), frame(HEADERS, END_HEADERS | END_STREAM, 1, bad)
    yield "HPACK: garbage in trailers", "RFC 9113 4.3", ends(COMPRESSION), post + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80")
    yield "HPACK: garbage on a closed stream", "RFC 9113 4.3", ends(COMPRESSION, CLOSED), aside + frame(RST, 0, 1, b"\0\0\0\x08") + frame(HEADERS, END_HEADERS, 1, b"\x80")

    open_head = frame(HEADERS, END_STREAM, 1, block)
    done = frame(CONTINUATION, END_HEADERS, 1)
    yield "DATA within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + frame(DATA, 0, 1, b"x") + done
    yield "HEADERS within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + request.head(stream=3) + done
    yield "PING within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + frame(PING, 0, 0, bytes(8)) + done
    yield "SETTINGS within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + frame(SETTINGS) + done
    yield "an unknown frame within a header block", "RFC 9113 5.5", ends(PROTOCOL), open_head + frame(0xbe, 0, 1, b"x") + done
    yield "WINDOW_UPDATE within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + frame(WINDOW, 0, 0, b"\0\0\0\1") + done
    yield "RST_STREAM within a header block", "RFC 9113 4.3", ends(PROTOCOL), open_head + frame(RST, 0, 1, b"\0\0\0\x08") + done
    yield "CONTINUATION of another stream", "RFC 9113 6.10", ends(PROTOCOL), open_head + frame(CONTINUATION, END_HEADERS, 3)
    yield "CONTINUATION on stream 0", "RFC 9113 6.10", ends(PROTOCOL), open_head + frame(CONTINUATION, END_HEADERS, 0)
    yield "CONTINUATION of nothing", "RFC 9113 6.10", ends(PROTOCOL), frame(CONTINUATION, END_HEADERS, 1, block)
    yield "CONTINUATION behind the end of the block", "RFC 9113 6.10", ends(PROTOCOL), aside + done
    yield "CONTINUATION behind DATA", "RFC 9113 6.10", ends(PROTOCOL), post + frame(DATA, 0, 1, b"x") + done
    yield "20 empty CONTINUATIONs", "CVE-2024-28182", ends(CALM), open_head + frame(CONTINUATION, 0, 1) * 20 + done
    yield "20 CONTINUATIONs", "CVE-2024-28182", ends(CALM), open_head + frame(CONTINUATION, 0, 1, literal("x", "1")) * 20 + done
    yield "CONTINUATION above the frame size", "RFC 9113 4.2", ends(SIZE), open_head + frame(CONTINUATION, END_HEADERS, 1, zeros)

    yield "PRIORITY on stream 0", "RFC 9113 6.3", ends(PROTOCOL), frame(PRIORITY, 0, 0, b"\0\0\0\1\x10")
    yield "PRIORITY of 4 bytes", "RFC 9113 6.3", either(SIZE), frame(PRIORITY, 0, 1, b"\0\0\0\1")
    yield "PRIORITY of 6 bytes", "RFC 9113 6.3", either(SIZE), frame(PRIORITY, 0, 1, b"\0\0\0\3\x10x")
    yield "RST_STREAM on stream 0", "RFC 9113 6.4", ends(PROTOCOL), frame(RST, 0, 0, b"\0\0\0\x08")
    yield "RST_STREAM on an idle stream", "RFC 9113 6.4", ends(PROTOCOL), frame(RST, 0, 1, b"\0\0\0\x08")
    yield "RST_STREAM on a stream of ours", "RFC 9113 6.4", ends(PROTOCOL), frame(RST, 0, 2, b"\0\0\0\x08")
    yield "RST_STREAM of 3 bytes", "RFC 9113 6.4", ends(SIZE), aside + frame(RST, 0, 1, b"\0\0\0")
    yield "RST_STREAM of 5 bytes", "RFC 9113 6.4", ends(SIZE), aside + frame(RST, 0, 1, b"\0\0\0\x08x")
    for length in (1, 5, 7, 11):
        yield f"SETTINGS of {length} bytes", "RFC 9113 6.5", ends(SIZE), frame(SETTINGS, 0, 0, bytes(length))
    yield "SETTINGS on a stream", "RFC 9113 6.5", ends(PROTOCOL), frame(SETTINGS, 0, 1, bytes(6))
    yield "an acknowledgement with a payload", "RFC 9113 6.5", ends(SIZE), frame(SETTINGS, ACK, 0, bytes(6))
    for name, key, value, code in (("ENABLE_PUSH of 2", 2, 2, PROTOCOL), ("a window of 2^31", 4, 1 << 31, FLOW), ("a window of 2^32-1", 4, (1 << 32) - 1, FLOW),
                                   ("a frame size of 16383", 5, 16383, PROTOCOL), ("a frame size of 0", 5, 0, PROTOCOL), ("a frame size of 2^24", 5, 1 << 24, PROTOCOL),
                                   ("ENABLE_CONNECT_PROTOCOL of 2", 8, 2, PROTOCOL), ("NO_RFC7540_PRIORITIES of 2", 9, 2, PROTOCOL)):
        yield f"SETTINGS: {name}", "RFC 9113 6.5.2, RFC 8441 3, RFC 9218 2.1", ends(code), frame(SETTINGS, 0, 0, struct.pack(">HI", key, value))
    yield "SETTINGS with 40 entries", "CVE-2020-11080", ends(CALM), frame(SETTINGS, 0, 0, struct.pack(">HI", 0xff, 1) * 40)
    yield "SETTINGS that overflow a stream's window", "RFC 9113 6.9.2", ends(FLOW), (
        post + frame(WINDOW, 0, 1, b"\x7f\xff\0\0") + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, (1 << 31) - 1)))
    yield "PUSH_PROMISE", "RFC 9113 8.4", ends(PROTOCOL), frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block)
    yield "PUSH_PROMISE on a good stream", "RFC 9113 8.4", ends(PROTOCOL), post + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block)
    yield "PING on a stream", "RFC 9113 6.7", ends(PROTOCOL), frame(PING, 0, 1, bytes(8))
    for length in (0, 7, 9):
        yield f"PING of {length} bytes", "RFC 9113 6.7", ends(SIZE), frame(PING, 0, 0, bytes(length))
    yield "GOAWAY on a stream", "RFC 9113 6.8", ends(PROTOCOL), frame(GOAWAY, 0, 1, bytes(8))
    yield "GOAWAY of 7 bytes", "RFC 9113 6.8", ends(SIZE), frame(GOAWAY, 0, 0, bytes(7))
    yield "WINDOW_UPDATE of 0 on the connection", "RFC 9113 6.9", ends(PROTOCOL), frame(WINDOW, 0, 0, bytes(4))
    yield "WINDOW_UPDATE of 0 on a stream", "RFC 9113 6.9 (CVE-2025-8671)", either(PROTOCOL), post + frame(WINDOW, 0, 1, bytes(4))
    yield "WINDOW_UPDATE of 3 bytes", "RFC 9113 6.9", ends(SIZE), frame(WINDOW, 0, 0, bytes(3))
    yield "WINDOW_UPDATE of 5 bytes", "RFC 9113 6.9", ends(SIZE), frame(WINDOW, 0, 0, b"\0\0\0\1x")
    yield "WINDOW_UPDATE on an idle stream", "RFC 9113 5.1", ends(PROTOCOL), frame(WINDOW, 0, 1, b"\0\0\0\1")
    yield "WINDOW_UPDATE that overflows the connection", "RFC 9113 6.9.1", ends(FLOW), frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff")
    yield "WINDOW_UPDATE that overflows a stream", "RFC 9113 6.9.1 (CVE-2025-8671)", either(FLOW), post + frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff")
    yield "PING above the frame size", "RFC 9113 4.2", ends(SIZE), frame(PING, 0, 0, zeros)
    yield "an unknown frame above the frame size", "RFC 9113 4.2", ends(SIZE), frame(0xbe, 0, 0, zeros)
    yield "HTTP/1.1 behind the preface", "RFC 9113 3.4", ends(SIZE, PROTOCOL), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "a preface twice", "RFC 9113 3.4", ends(SIZE, PROTOCOL), PREFACE


def good(request):
    """What looks odd and is right: refusing it would break honest callers."""
    block = request.block()
    yield "a plain request", "RFC 9113 8.3.1", SERVED, request.head()
    yield "a path in upper case and percent signs", "RFC 3986 2.1", SERVED, request.head(path=request.path + "/%2Fx?A=%00")
    yield "host in the place of :authority", "RFC 9113 8.3.1", SERVED, request.head(("host", "x"), without=("authority",))
    yield "host and :authority in other case", "RFC 9110 4.2.3", SERVED, request.head(("host", "X"))
    yield "te: trailers", "RFC 9113 8.2.2", SERVED, request.head(("te", "trailers"))
    yield "an empty value", "RFC 9110 5.5", SERVED, request.head(("x", ""))
    yield "bytes above ASCII in a value", "RFC 9110 5.5", SERVED, request.head(("x", "\xe9"))
    yield "padded HEADERS", "RFC 9113 6.2", SERVED, frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x03" + block + bytes(3))
    yield "HEADERS with a priority", "RFC 9113 6.2", SERVED, frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0\0\x10" + block)
    yield "a block in seven frames", "RFC 9113 6.10", SERVED, (
        frame(HEADERS, END_STREAM, 1, block[:10]) + b"".join(frame(CONTINUATION, 0, 1, block[i:i + 5]) for i in range(10, 35, 5))
        + frame(CONTINUATION, END_HEADERS, 1, block[35:]))
    yield "a body and trailers", "RFC 9113 8.1", SERVED, (
        request.head(("content-length", "5"), method="POST", flags=0) + frame(DATA, 0, 1, b"five!")
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("x", "1")))
    yield "padded DATA", "RFC 9113 6.1", SERVED, request.head(method="POST", flags=0) + frame(DATA, PADDED | END_STREAM, 1, b"\x02abc\0\0")
    yield "an unknown frame", "RFC 9113 5.5", SERVED, frame(0xbe, 0xff, 7, b"x") + request.head()
    yield "an unknown setting", "RFC 9113 6.5.2", SERVED, frame(SETTINGS, 0, 0, struct.pack(">HI", 0xfafa, 7)) + request.head()
    yield "flags that mean nothing", "RFC 9113 4.1", SERVED, frame(PING, 0xfe, 0, bytes(8)) + frame(HEADERS, 0xd5 & ~PADDED, 1, block)
    yield "reserved bits", "RFC 9113 4.1", SERVED, frame(HEADERS, END_HEADERS | END_STREAM, 0x80000001, block)
    yield "PRIORITY on an idle stream", "RFC 9113 6.3", SERVED, frame(PRIORITY, 0, 9, b"\0\0\0\3\x10") + request.head()
    yield "a stream that skips ids", "RFC 9113 5.1.1", SERVED, request.head(stream=1)
    yield "HPACK with an index and a table size", "RFC 7541 6.3", SERVED, frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x20" + block)
    yield "RST_STREAM of a closed stream", "RFC 9113 5.1", says(404), request.aside() + frame(WINDOW, 0, 1, b"\0\0\0\1")


def rows(request):
    """Every row: name, source, answer, frames."""
    for part in (heads, bodies, frames, good):
        yield from part(request)
