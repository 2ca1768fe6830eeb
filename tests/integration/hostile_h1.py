"""Hostile HTTP/1.1 requests: a name, where the rule stands, the bytes, and the answer that is right.

In the bytes <P> is the path of an agent that would be served and <H> the Host and credential it needs, so that whatever
slips through does reach the worker. An answer is a status with which the connection closes, or SERVED."""

SERVED = 200
NEXT = "GET <P>-smuggled HTTP/1.1\r\n<H>\r\n"  # what an attacker hides behind the first request


def get(more="", line="GET <P> HTTP/1.1", host="<H>"):
    return f"{line}\r\n{host}{more}\r\n"


def post(fields, body="abc", version="1.1"):
    return f"POST <P> HTTP/{version}\r\n<H>{fields}\r\n{body}"


def chunked(body):
    return post("Transfer-Encoding: chunked\r\n", body)


def named(name):
    """A short name of bytes that do not print."""
    return name[:40].encode("unicode_escape").decode()


LENGTH = "RFC 9110 8.6, RFC 9112 6.3"
LENGTHS = ["+3", "-3", "-0", "0x3", "3,3", "3, 3", "3,", ",3", "3;", "3.0", "3e0", "", "03", "003", "00", "3 3", "1 0", "3\t3",
           "18446744073709551619", "9223372036854775808", "99999999999999999999999999", "abc", "3_0", '"3"', "3L", "\xa03",
           "\xd9\xa3", "0003, 3", "3\x0b", "3\x00", "NaN", "four"]
ROWS = [(f"length {named(value)!r}", LENGTH, 400, post(f"Content-Length: {value}\r\n")) for value in LENGTHS]
ROWS += [(f"lengths {fields!r}", "RFC 9112 6.3 (5): two lengths, even equal ones", 400,
          post("".join(f"{name}: {value}\r\n" for name, value in fields))) for fields in (
    [("Content-Length", "3"), ("Content-Length", "3")], [("Content-Length", "3"), ("Content-Length", "0")],
    [("Content-Length", "0"), ("Content-Length", "3")], [("Content-Length", "3"), ("CONTENT-LENGTH", "3")],
    [("Content-Length", "3"), ("Content-Length", "")], [("Content-Length", "3"), ("Content-Length", "4"), ("X", "1")])]

CODING = "RFC 9112 6.1"
CODINGS = ["xchunked", "chunkedx", "chunked, chunked", "chunked,", ",chunked", "gzip, chunked", "chunked, gzip", "identity",
           "identity, chunked", "chunked;q=1", '"chunked"', "cow", "chu nked", "gzip", "", "chunked\x0b", "chunked\x00",
           "\x0bchunked", "chunked\x7f", "chunked chunked", "chunked\xa0", "'chunked'", "deflate"]
ROWS += [(f"coding {named(value)!r}", CODING, 400, post(f"Transfer-Encoding: {value}\r\n", "0\r\n\r\n")) for value in CODINGS]
ROWS += [
    ("CL.TE", "RFC 9112 6.1: both", 400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("TE.CL", "RFC 9112 6.1: both", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")),
    ("CL.TE with a length of 0", "RFC 9112 6.1: both", 400, post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("CL and identity", "RFC 9112 6.1: both", 400, post("Content-Length: 3\r\nTransfer-Encoding: identity\r\n")),
    ("TE.TE", "RFC 9112 6.1", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("TE.TE, one of them unknown", "RFC 9112 6.1", 400,
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", "0\r\n\r\n")),
    ("coding in HTTP/1.0", "RFC 9112 6.1", 400, post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "1.0")),
    ("coding behind a space", "RFC 9112 5.1", 400, post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
    ("coding behind a tab", "RFC 9112 5.1", 400, post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")),
    ("coding before a NUL", "RFC 9110 5.1", 400, post("Transfer-Encoding\x00: chunked\r\n", "0\r\n\r\n")),
    ("coding in a folded line", "RFC 9112 5.2", 400, post("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("coding whose value is folded", "RFC 9112 5.2", 400, post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
    ("coding behind a bare LF", "RFC 9112 2.2", 400, post("X: a\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("coding behind a bare CR", "RFC 9112 2.2", 400, post("X: a\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    ("coding split by a CR", "RFC 9112 2.2", 400, post("Transfer\rEncoding: chunked\r\n", "0\r\n\r\n")),
]

CHUNK = "RFC 9112 7.1"
SIZES = ["", "0x3", "+3", "-3", " 3", "3 ", "3\t", "3_0", "g", "3h", "3,", "0003h", "\x003", "3\x00", "1" * 17, "f" * 16,
         "10000000000000003", "8000000000000003", "\xb3"]
ROWS += [(f"chunk size {named(size)!r}", CHUNK, 400, chunked(f"{size}\r\nabc\r\n0\r\n\r\n")) for size in SIZES]
EXTENSIONS = [";", ";;a", ";=b", ";a=", "; a", ";a =b", ";a= b", ";a\x00", ";a=\x01", ';a="b', ';a="b\nc"', ';a="b"c', ";a\n", ";a\r",
              ";a=b\nc", ";é", ";a=" + "b" * 9000]
ROWS += [(f"chunk extension {named(more)!r}", "RFC 9112 7.1.1 (TERM.EXT, EXT.TERM)", 400, chunked(f"3{more}\r\nabc\r\n0\r\n\r\n"))
         for more in EXTENSIONS]
CHUNKS = {"ends in LF": "3\nabc\r\n0\r\n\r\n", "ends in CR": "3\rabc\r\n0\r\n\r\n", "is longer than said": "3\r\nabcd\r\n0\r\n\r\n",
          "is shorter than said": "4\r\nabc\r\n0\r\n\r\n", "data end in LF": "3\r\nabc\n0\r\n\r\n", "data end in CR": "3\r\nabc\r0\r\n\r\n",
          "data have no end": "3\r\nabc0\r\n\r\n", "has a blank line before": "\r\n3\r\nabc\r\n0\r\n\r\n",
          "the last ends in LF": "0\n\r\n", "the last section ends in LF": "0\r\n\n", "data end in two LF": "3\r\nabc\n\n0\r\n\r\n"}
ROWS += [(f"a chunk: {name}", CHUNK, 400, chunked(body)) for name, body in CHUNKS.items()]
TRAILERS = {"a blank in the name": "X Y: 1", "a blank before the colon": "X : 1", "a folded line": " X: 1", "a NUL": "X: a\x00",
            "a bare LF": "X: 1\nY: 2", "a bare CR": "X: 1\rY: 2", "no colon": "X", "no name": ": 1", "a request line": "GET / HTTP/1.1"}
ROWS += [(f"trailers with {name}", "RFC 9112 7.1.2", 400, chunked(f"0\r\n{line}\r\n\r\n")) for name, line in TRAILERS.items()]
ROWS += [("too many trailers", "a limit of ours", 431, chunked("0\r\n" + "X: 1\r\n" * 101 + "\r\n")),
         ("too large trailers", "a limit of ours", 431, chunked("0\r\n" + ("X: " + "1" * 9000 + "\r\n") * 8 + "\r\n"))]

NAMES = ["", "a b", "a\x00b", "a\x01b", "a\x7f", "(a)", "a@b", "a[b]", "a/b", "a=b", "a\x80b", "\xc3\xa9", '"a"', "a{b}", "a,b", "a;b",
         "a?b", "a<b>", "a\\b", "\ta", "a ", "a\t", "a\x0b", "Content-Length\x00"]
ROWS += [(f"field name {named(name)!r}", "RFC 9110 5.1, RFC 9112 5.1", 400, get(f"{name}: 1\r\n")) for name in NAMES]
ROWS += [("a line without a colon", "RFC 9112 5", 400, get("nothing\r\n")), ("a line of one colon", "RFC 9112 5", 400, get(":\r\n"))]
VALUES = ["\x00", "a\x00b", "a\x01b", "a\x08b", "a\x0bb", "a\x0cb", "a\x1bb", "a\x7fb", "a\rb", "a\nb", "a\r", "a\r\r", "a\r\n b",
          "a\r\n\tb", "\r\n b"]
ROWS += [(f"field value {named(value)!r}", "RFC 9110 5.5, RFC 9112 2.2 and 5.2", 400, get(f"X: {value}\r\n")) for value in VALUES]

HOST = "RFC 9112 3.2"
AUTH = "<A>"
ROWS += [(f"host {named(host)!r}", HOST, 400, get(host=f"Host: {host}\r\n{AUTH}")) for host in (
    "", "a,b", "a b", "a@b", "user:word@a", "a/b", "a?b", "a#b", "a:b:c", "a:99999", "a:port", "[::1", "::1", "[::1]x", "[x]", "a\\b",
    "http://a", "a\tb", "a\x00", "a\xe9", ":80", "a:-1", "a:+1", "a" * 600)]
ROWS += [
    ("no host", HOST, 400, get(host=AUTH)),
    ("host twice", HOST, 400, get("Host: x\r\n")),
    ("two hosts", HOST, 400, get("Host: y\r\n")),
    ("host behind a space", "RFC 9112 5.1", 400, get(host=f"Host : x\r\n{AUTH}")),
    ("host in a folded line", "RFC 9112 5.2", 400, get(host=f"X: 1\r\n Host: x\r\n{AUTH}")),
    ("absolute-form of another host", "RFC 9112 3.2.2", 400, get(line="GET http://other<P> HTTP/1.1")),
    ("absolute-form of another port", "RFC 9112 3.2.2", 400, get(line="GET http://x:81<P> HTTP/1.1")),
    ("absolute-form without host", "RFC 9112 3.2.2", 400, get(line="GET http://x<P> HTTP/1.1", host=AUTH)),
    ("absolute-form with user", "RFC 9110 4.2.4", 400, get(line="GET http://u@x<P> HTTP/1.1")),
    ("absolute-form with no authority", "RFC 9110 4.2.1", 400, get(line="GET http://<P> HTTP/1.1")),
    ("absolute-form with a bad port", "RFC 3986 3.2.3", 400, get(line="GET http://x:abc<P> HTTP/1.1")),
    ("absolute-form of another scheme", "RFC 9112 3.2.2", 400, get(line="GET ftp://x<P> HTTP/1.1")),
    ("absolute-form of file", "RFC 9112 3.2.2", 400, get(line="GET file:///etc/passwd HTTP/1.1")),
    ("a scheme without slashes", "RFC 9112 3.2", 400, get(line="GET http:<P> HTTP/1.1")),
]

TARGETS = ["x", "ipfs/x", "*", "<P>#f", "#", "<P>\\..", "<P> x", "<P>\x00", "<P>\x01", "<P>\x7f", "<P>\x80", "<P>\xc3\xa9", "\t<P>", " <P>",
           "<P>\t", "?<P>", "x:80", ":", "@x/"]
ROWS += [(f"target {named(target)!r}", "RFC 9112 3.2, RFC 3986 2", 400, get(line=f"GET {target} HTTP/1.1")) for target in TARGETS]
ROWS += [("a target too long", "a limit of ours; RFC 9112 3", 414, get(line="GET <P>?" + "x" * 17000 + " HTTP/1.1"))]

METHODS = ["", "G\x01T", "G\x00T", "G@T", "(GET)", "GET:", "\xc3\xa9", "GET\t", "G/T", '"GET"', "X" * 40, "GET\r", "\x16\x03\x01"]
ROWS += [(f"method {named(method)!r}", "RFC 9110 9.1, RFC 9112 3", 400, get(line=f"{method} <P> HTTP/1.1")) for method in METHODS]
ROWS += [
    ("CONNECT", "RFC 9110 9.3.6: not served", 501, get(line="CONNECT x:443 HTTP/1.1", host=f"Host: x:443\r\n{AUTH}")),
    ("CONNECT with a length", "CVE-2026-58055 (nghttpx queue poisoning)", 400,
     get("Content-Length: 3\r\n", "CONNECT x:443 HTTP/1.1", f"Host: x:443\r\n{AUTH}")),
    ("CONNECT with a coding", "CVE-2026-58055", 400,
     get("Transfer-Encoding: chunked\r\n", "CONNECT x:443 HTTP/1.1", f"Host: x:443\r\n{AUTH}")),
    ("Upgrade to WebSocket with a length", "CVE-2026-58055", 400,
     post("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n")),
    ("Upgrade to WebSocket with a coding", "CVE-2026-58055", 400,
     post("Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
]

ROWS += [(f"version {version!r}", "RFC 9112 2.3", 400, get(line=f"GET <P> {version}")) for version in (
    "http/1.1", "HTTP/11", "HTTP/1", "HTTP/1.10", "HTTP/ 1.1", "HTPP/1.1", "HTTP/1.1 ", "HTTP/1.1\t", "HTTP/01.1", "HTTP/1,1", "HTTP/1.1x",
    "HTTP/-1.1", "HTTP/1.", "HTTP/.1", "HTTP", "HTTP/1.1\x00", " HTTP/1.1", "\tHTTP/1.1", "HTTP/1.1 HTTP/1.1", "HTTPS/1.1")]
ROWS += [(f"version {version!r}", "RFC 9110 15.6.6", 505, get(line=f"GET <P> {version}"))
         for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "HTTP/0.0", "HTTP/1.9")]
ROWS += [
    ("HTTP/0.9", "RFC 9112 3", 400, "GET <P>\r\n"),
    ("HTTP/0.9 with a space", "RFC 9112 3", 400, "GET <P> \r\n"),
    ("the request line ends in LF", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\n<H>\r\n"),
    ("the request line ends in CR", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r<H>\r\n"),
    ("the request line ends in CR CR LF", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\r\n<H>\r\n"),
    ("a field ends in LF", "RFC 9112 2.2", 400, get("X: 1\n")),
    ("the head ends in LF", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\n<H>\n"),
    ("the head ends in CR CR LF", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\n<H>\r\r\n"),
    ("a blank behind the request line", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\n \r\n<H>\r\n"),
    ("a field behind a blank", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\n X: 1\r\n<H>\r\n"),
    ("a field behind a tab", "RFC 9112 2.2", 400, "GET <P> HTTP/1.1\r\n\tX: 1\r\n<H>\r\n"),
    ("two blank lines before", "RFC 9112 2.2: at least one", 400, "\r\n\r\n" + get()),
    ("a bare LF before", "RFC 9112 2.2", 400, "\n" + get()),
    ("a bare CR before", "RFC 9112 2.2", 400, "\r" + get()),
    ("a blank before", "RFC 9112 3", 400, " " + get()),
    ("a NUL before", "RFC 9112 3", 400, "\x00" + get()),
    ("a byte order mark before", "RFC 9112 3", 400, "\xef\xbb\xbf" + get()),
    ("TLS in cleartext", "RFC 8446 5.1", 400, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n"),
    ("an HTTP/2 preface that is none", "RFC 9113 3.4", 505, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
    ("an answer", "RFC 9112 3", 400, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("too many fields", "a limit of ours; RFC 6585 5", 431, get("X: 1\r\n" * 101)),
    ("too many cookies", "a limit of ours; CVE-2026-47774", 431, get("Cookie: a\r\n" * 101)),
    ("too large a field", "a limit of ours; RFC 6585 5", 431, get("X: " + "1" * 70000 + "\r\n")),
    ("too large fields together", "a limit of ours; RFC 6585 5", 431, get(("X: " + "1" * 7000 + "\r\n") * 10)),
    ("too long a field name", "a limit of ours; RFC 6585 5", 431, get("X" * 300 + ": 1\r\n")),
    ("an expectation of another kind", "RFC 9110 10.1.1", 417, get("Expect: 200-ok\r\n")),
    ("two expectations", "RFC 9110 10.1.1", 417, post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n")),
    ("a list of expectations", "RFC 9110 10.1.1", 417, post("Expect: 100-continue, x\r\nContent-Length: 3\r\n")),
]

# What looks odd and is right: refusing it would break honest callers.
CLOSE = "Connection: close\r\n"
ROWS += [
    ("a plain request", "RFC 9112 3", SERVED, get(CLOSE)),
    ("a request in HTTP/1.0", "RFC 9112 2.3", SERVED, get(line="GET <P> HTTP/1.0")),
    ("a request in HTTP/1.0 without host", "RFC 9112 3.2", SERVED, get(line="GET <P> HTTP/1.0", host=AUTH)),
    ("one blank line before", "RFC 9112 2.2", SERVED, "\r\n" + get(CLOSE)),
    ("absolute-form", "RFC 9112 3.2.2", SERVED, get(CLOSE, "GET http://x<P> HTTP/1.1")),
    ("absolute-form in other case", "RFC 3986 6.2.2.1", SERVED, get(CLOSE, "GET HTTP://X<P> HTTP/1.1")),
    ("no blank behind the colon", "RFC 9112 5", SERVED, get("X:1\r\n" + CLOSE)),
    ("tabs around a value", "RFC 9110 5.6.3", SERVED, get("X:\t1\t\r\n" + CLOSE)),
    ("an empty value", "RFC 9110 5.5", SERVED, get("X:\r\n" + CLOSE)),
    ("bytes above ASCII in a value", "RFC 9110 5.5: obs-text", SERVED, get("X: \xc3\xa9\r\n" + CLOSE)),
    ("the coding in other case", "RFC 9112 7", SERVED, post("Transfer-Encoding: Chunked\r\n" + CLOSE, "3\r\nabc\r\n0\r\n\r\n")),
    ("chunk sizes with zeros in front", CHUNK, SERVED, post("Transfer-Encoding: chunked\r\n" + CLOSE, "0003\r\nabc\r\n000\r\n\r\n")),
    ("chunk sizes in both cases", CHUNK, SERVED, post("Transfer-Encoding: chunked\r\n" + CLOSE, "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n")),
    ("good chunk extensions", "RFC 9112 7.1.1", SERVED,
     post("Transfer-Encoding: chunked\r\n" + CLOSE, '3;a;b=c;d="e \\" f"\r\nabc\r\n0;last\r\n\r\n')),
    ("trailers", "RFC 9112 7.1.2", SERVED, post("Transfer-Encoding: chunked\r\n" + CLOSE, "0\r\nX: 1\r\n\r\n")),
    ("a length of 0", LENGTH, SERVED, post("Content-Length: 0\r\n" + CLOSE, "")),
    ("an offer of another protocol", "RFC 9110 7.8: may be ignored", SERVED, get("Connection: upgrade, close\r\nUpgrade: h2c\r\n")),
    ("as many fields as are allowed", "a limit of ours", SERVED, get("X: 1\r\n" * 97 + CLOSE)),
]
