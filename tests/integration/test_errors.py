"""Errors are problems that people and programs can act on; every request has its line in the log."""
import json
import socket
import time

import pytest

from gateway import wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


@pytest.fixture
def running(start_gateway, start_worker):
    worker = start_worker()
    agents = {CID: {"pool": "demo", "price": {"call": 1}, "limits": {"request": "1KiB", "first_byte": "300ms"}}}
    gateway = start_gateway([worker], agents=agents)
    gateway.worker = worker
    gateway.key = gateway.account()
    return gateway


def raw(gateway, data, seconds=5):
    """Sends bytes in cleartext and reads until the gateway closes, or an answer without more is whole."""
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=seconds) as connection:
        connection.sendall(data)
        told = b""
        try:
            while piece := connection.recv(65536):
                told += piece
        except (socket.timeout, ConnectionError):
            pass
        return told


CASES = [
    ("/ipfs/QmInvalidCID", {}, 400, "bad-path"),
    (f"/ipfs/{CID}/../x", {}, 400, "bad-path"),
    ("/ipfs/bafkreifq7pvydk3hwb6p5stsglqtbbnwhvyxwtlrgprgfor24465im5zam", {}, 404, "no-such-agent"),
    ("/elsewhere", {}, 404, "not-found"),
    (f"/ipfs/{CID}", {"method": "POST", "body": b"x" * 1025, "headers": [("content-length", "1025")]}, 413, "request-too-large"),
    (f"/ipfs/{CID}", {"headers": [("agent-max-cost", "many")]}, 400, "bad-budget"),
]


@pytest.mark.parametrize("path,options,status,code", CASES)
def test_each_refusal_is_a_problem_with_its_code(running, path, options, status, code):
    answer = Client(running.port).call(path, running.key, **options)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    told = json.loads(answer.body)
    assert told["code"] == code and told["status"] == status
    for member in ("type", "title", "whose", "retryable"):
        assert member in told
    if code == "bad-path" and "Invalid" in path:
        assert 'invalid path "/ipfs/QmInvalidCID"' in told["detail"]
    wait_for(lambda: any(line.get("outcome") == code and line.get("status") == status for line in running.log()), 5, "a line")
    assert running.worker.requests == []


def test_a_body_without_a_length_is_stopped_at_the_limit(running):
    answer = Client(running.port).call(f"/ipfs/{CID}", running.key, method="POST", body=b"x" * 1025)
    assert answer.status == 413 and b"request-too-large" in answer.body
    answer = Client(running.port).call(f"/ipfs/{CID}", running.key, method="POST", body=b"x" * 1024)
    assert answer.status == 200
    assert running.worker.requests[0].taken <= 1024


def test_a_browser_gets_a_page(running):
    answer = Client(running.port).call("/elsewhere", headers=[("accept", "text/html,application/xhtml+xml;q=0.9")])
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert b"<html" in answer.body.lower() and b"<script" not in answer.body.lower()


def test_a_slow_worker_is_504(running):
    import asyncio

    async def slow(stream):
        await asyncio.sleep(3)

    running.worker.handler = slow
    begun = time.monotonic()
    answer = Client(running.port).call(f"/ipfs/{CID}", running.key)
    assert answer.status == 504 and b"too-slow" in answer.body
    assert time.monotonic() - begun < 2.5


SMUGGLING = [
    b"POST /ipfs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /ipfs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /ipfs/%s HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
    b"POST /ipfs/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"GET /ipfs/%s HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET /ipfs/%s HTTP/1.1\r\n\r\n",
    b"GET /ipfs/%s HTTP/1.1\nHost: x\n\n",
    b"GET /ipfs/%s HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
    b"GET /ipfs/%s HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    b"GET /ipfs/%s HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    b"G\x01T /ipfs/%s HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /ipfs/%s HTTP/3.0\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("number", range(len(SMUGGLING)))
def test_bytes_that_two_servers_could_read_differently_are_400_and_close(running, number):
    told = raw(running, SMUGGLING[number] % CID.encode() + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert told.split(b"\r\n")[0].split(b" ")[1] in (b"400", b"505")
    assert told.count(b"HTTP/1.1 ") == 1
    assert b'"code":"bad-request"' in told and b"content-type: application/problem+json" in told.lower()
    wait_for(lambda: [line["status"] for line in running.log()][:1] in ([400], [505]), 5, "the refusal's own line in the log")
    assert running.worker.requests == []
    assert Client(running.port).call(f"/ipfs/{CID}", running.key).status == 200


def test_pipelined_requests_are_answered_in_order(running):
    one = f"GET /ipfs/{CID}/%d HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n"
    told = raw(running, "".join((one % n) + ("Connection: close\r\n" if n == 4 else "") + "\r\n" for n in range(5)).encode())
    assert told.count(b"HTTP/1.1 200") == 5
    places = [told.index(b"/ipfs/%s/%d" % (CID.encode(), n)) for n in range(5)]
    assert places == sorted(places)


def test_expect_continue_is_answered_only_when_the_call_may_run(running):
    head = f"POST /ipfs/{CID} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", running.plain_port), timeout=5) as connection:
        connection.sendall((head + f"Authorization: Bearer {running.key}\r\n\r\n").encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(b"hello")
        told = b""
        while piece := connection.recv(65536):
            told += piece
        assert b"HTTP/1.1 200" in told
    told = raw(running, (head + "\r\n").encode())
    assert told.startswith(b"HTTP/1.1 401") and b"100" not in told.split(b"\r\n")[0]


def test_trailers_reach_an_http_1_caller_that_takes_them(running):
    told = raw(running, (f"GET /ipfs/{CID} HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close, te\r\n"
                         f"Authorization: Bearer {running.key}\r\n\r\n").encode())
    assert b"transfer-encoding: chunked" in told.lower()
    assert b"agent-cost: 1\r\n" in told.lower().split(b"\r\n0\r\n")[1]


def test_a_caller_without_trailers_has_the_cost_in_the_head_of_a_small_answer(running):
    told = raw(running, (f"GET /ipfs/{CID} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         f"Authorization: Bearer {running.key}\r\n\r\n").encode())
    assert b"agent-cost: 1\r\n" in told.lower().split(b"\r\n\r\n")[0] + b"\r\n"


def test_the_caller_sees_its_account_and_its_invocations(running):
    client = Client(running.port)
    answer = client.call(f"/ipfs/{CID}", running.key)
    account = json.loads(client.call("/v1/account", running.key).body)
    assert account["available_ucr"] == 10000000 - 1
    invocation = client.call(f"/v1/invocations/{answer.headers['agent-invocation-id']}", running.key)
    assert invocation.status == 200 and b"1" in invocation.body
    assert client.call("/v1/account").status == 401
    assert client.call("/v1/invocations/aaaaaaaaaaaaaaaaaaaaaaaaaa", running.key).status == 404


def test_a_preflight_is_answered_free_and_without_credential(running):
    answer = Client(running.port).call(f"/ipfs/{CID}", method="OPTIONS",
                                       headers=[("origin", "https://app.example"), ("access-control-request-method", "POST")])
    assert answer.status in (200, 204)
    assert "access-control-allow-origin" in answer.headers
    assert running.worker.requests == []


def test_hop_by_hop_and_forged_fields_never_reach_the_worker(running):
    client = Client(running.port)
    headers = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4"), ("agent-caller", "boss"), ("agent-cost", "0"),
               ("x-own", "kept"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    answer = client.call(f"/ipfs/{CID}/rest?q=1", running.key, headers=headers)
    assert answer.status == 200
    got = running.worker.requests[0].headers
    assert got["x-own"] == "kept" and "traceparent" in got
    assert got[":path"] == f"/ipfs/{CID}/rest?q=1"
    assert "1.2.3.4" not in str(got) and "127.0.0.1" in got["forwarded"]
    assert got.get("agent-caller") != "boss" and "agent-cost" not in got
    assert got["agent-invocation-id"] == answer.headers["agent-invocation-id"]
    assert int(got["agent-deadline"]) <= 60000
    assert answer.headers["agent-measurement"] and answer.headers["agent-worker"]
