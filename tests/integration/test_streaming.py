"""Bodies flow both ways at once under back-pressure; trailers pass; what breaks is seen to break."""
import asyncio
import hashlib
import socket
import ssl
import threading

import pytest

from gateway import wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
FREE = {"*": {"pool": "demo", "price": {"call": 1}, "limits": {"request": "128MiB", "response": "128MiB"}}}


def test_each_event_arrives_as_it_is_produced(start_gateway, start_worker):
    turn = threading.Semaphore(0)

    async def events(stream):
        await stream.head(200, [("content-type", "text/event-stream")])
        for number in range(20):
            while not turn.acquire(blocking=False):
                await asyncio.sleep(0.002)
            await stream.send(b"data: %d\n\n" % number)
        await stream.end()

    worker = start_worker(events)
    gateway = start_gateway([worker])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account())
    answer = client.wait(stream, lambda answer: answer.status == 200)
    for number in range(20):
        turn.release()  # the next is produced only once the former was seen
        client.wait(stream, lambda answer: answer.body.endswith(b"data: %d\n\n" % number))
        assert answer.body.endswith(b"data: %d\n\n" % number)
    assert client.wait(stream).ended


def test_upload_and_download_flow_at_the_same_time(start_gateway, start_worker):
    async def mirror(stream):
        await stream.head(200)
        async for chunk in stream.chunks():
            await stream.send(chunk)
        await stream.end()

    worker = start_worker(mirror)
    gateway = start_gateway([worker])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account(), method="POST", end=False)
    answer = client.answers[stream]
    for number in range(10):
        piece = b"%05d" % number * 100
        client.send(stream, piece, end=False)
        client.wait(stream, lambda answer: answer.body.endswith(piece))
        assert answer.body.endswith(piece)
    client.send(stream, b"", end=True)
    assert client.wait(stream).ended


def test_ten_mebibytes_pass_both_ways_byte_for_byte(start_gateway, start_worker):
    blob = hashlib.shake_128(b"teegate").digest(10 * 1024 * 1024)

    async def check(stream):
        body = await stream.body()
        await stream.answer(200, body, [("digest-of-body", hashlib.sha256(body).hexdigest())])

    worker = start_worker(check)
    gateway = start_gateway([worker])
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account(), method="POST", body=blob)
    assert answer.headers["digest-of-body"] == hashlib.sha256(blob).hexdigest()
    assert answer.body == blob


def test_a_caller_that_holds_its_last_segment_back_uploads_at_full_speed(start_gateway, start_worker):
    """Nagle's algorithm on, as in a plain socket: each window must not cost the kernel's delayed acknowledgement."""
    import time
    gateway = start_gateway([start_worker()])
    client = Client(gateway.port)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    key = gateway.account()
    begun = time.monotonic()
    assert client.call(f"/ipfs/{CID}", key, method="POST", body=b"n" * (10 * 1024 * 1024)).status == 200
    assert time.monotonic() - begun < 4  # 320 half windows at 40 ms would be 12 s


def test_trailers_pass_both_ways(start_gateway, start_worker):
    async def reply(stream):
        await stream.body()
        await stream.answer(200, b"x", trailers=[("x-sum", "abc"), ("agent-cost", "0")])

    worker = start_worker(reply)
    gateway = start_gateway([worker])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account(), method="POST", body=b"body", end=False)
    client.h2.send_headers(stream, [("x-request-sum", "def")], end_stream=True)
    client.flush()
    answer = client.wait(stream)
    assert answer.trailers["x-sum"] == "abc"
    assert answer.trailers["agent-cost"].split(";")[0] == "1" or answer.trailers["agent-cost"].split(";")[0] == "100"
    assert ("x-request-sum", "def") in worker.requests[0].trailers


def half_then_reset(headers=(), half=b"half"):
    """Breaks off once `seen` is set: the caller has the first half by then."""
    seen = threading.Event()

    async def handler(stream):
        await stream.head(200, headers)
        await stream.send(half)
        while not seen.is_set():
            await asyncio.sleep(0.005)
        await stream.reset()

    return handler, seen


def test_a_worker_that_breaks_off_ends_the_callers_stream_visibly(start_gateway, start_worker):
    handler, seen = half_then_reset()
    gateway = start_gateway([start_worker(handler)])
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    client.wait(stream, lambda answer: answer.body == b"half")
    seen.set()
    answer = client.wait(stream)
    assert answer.status == 200 and not answer.ended
    assert answer.reset == 2  # INTERNAL_ERROR
    assert gateway.log_of(answer.headers["agent-invocation-id"])["outcome"] == "cut-short"
    seen.clear()
    raw = socket.create_connection(("127.0.0.1", gateway.plain_port))
    raw.sendall(f"GET /ipfs/{CID} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    told = b""
    while data := raw.recv(65536):
        told += data
        if b"half" in told:
            seen.set()
    assert b"half" in told and not told.endswith(b"0\r\n\r\n")


def test_a_broken_event_stream_says_so_in_its_own_words_first(start_gateway, start_worker):
    handler, seen = half_then_reset([("content-type", "text/event-stream")], b"data: 1\n\n")
    gateway = start_gateway([start_worker(handler)])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account())
    client.wait(stream, lambda answer: answer.body == b"data: 1\n\n")
    seen.set()
    answer = client.wait(stream)
    assert b"event: error\n" in answer.body and b"cut-short" in answer.body
    assert answer.reset == 2


def test_an_answer_that_breaks_before_any_of_it_went_out_is_an_error_of_its_own(start_gateway, start_worker):
    async def at_once(stream):
        stream.connection.h2.send_headers(stream.id, [(":status", "200")])
        await stream.reset()

    gateway = start_gateway([start_worker(at_once)])
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account())
    assert answer.status == 502 and b"cut-short" in answer.body


def test_the_caller_who_leaves_ends_the_workers_stream(start_gateway, start_worker):
    gone = threading.Event()

    async def long(stream):
        await stream.head(200)
        await stream.gone()
        gone.set()

    worker = start_worker(long)
    gateway = start_gateway([worker])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account())
    client.wait(stream, lambda answer: answer.status == 200)
    client.close()
    assert gone.wait(5)


def test_an_early_answer_comes_through_while_the_upload_goes_on(start_gateway, start_worker):
    async def early(stream):
        await stream.answer(413, b"enough")

    worker = start_worker(early)
    gateway = start_gateway([worker])
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account(), method="POST", body=b"x" * 1000, end=False)
    answer = client.wait(stream)
    assert answer.status == 413 and answer.body == b"enough"


def test_a_worker_that_takes_nothing_stops_the_upload_within_the_windows(start_gateway, start_worker):
    async def idle(stream):
        async for _ in stream.chunks(window=False):
            pass

    worker = start_worker(idle)
    gateway = start_gateway([worker], agents=FREE)
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", gateway.account(), method="POST", end=False)
    sent = 0
    client.socket.settimeout(1.0)
    with pytest.raises((socket.timeout, ssl.SSLError, TimeoutError)):
        while sent < 8 * 1024 * 1024:
            client.send(stream, b"z" * 16384, end=False)
            sent += 16384
    # the worker's window, the gateway's two buffers and the caller's own window, and not a megabyte more
    assert sent < 1024 * 1024


def test_a_thousand_callers_reading_nothing_cost_no_more_than_their_windows(start_gateway, start_worker):
    mebibytes = 64
    callers = 1000

    async def big(stream):
        await stream.head(200)
        piece = b"m" * 16384
        for _ in range(mebibytes * 64):
            await stream.send(piece)
        await stream.end()

    worker = start_worker(big)
    gateway = start_gateway([worker], agents=FREE, pool_extra="links: 64")
    key = gateway.account(credits="10")
    assert Client(gateway.port).call("/.well-known/teegate").status == 200
    before = gateway.memory_kib()
    clients = []
    streams = []
    for _ in range(callers // 50):
        client = Client(gateway.port, window=65535)
        clients.append(client)
        streams += [(client, client.request(f"/ipfs/{CID}", key)) for _ in range(50)]
    wait_for(lambda: len(worker.requests) == callers, 60, "all requests at the worker")
    stalled = [0]

    def settled():
        """Nothing more moves: three looks alike."""
        now = (sum(stream.connection.h2.local_flow_control_window(stream.id) for stream in worker.requests),
               gateway.memory_kib())
        same, stalled[0] = stalled[0] == now, now
        return same

    wait_for(settled, 60, "all streams stalled")
    during = gateway.memory_kib()
    print(f"\nresident memory: {before} KiB before, {during} KiB with {callers} stalled callers"
          f" ({(during - before) / callers:.0f} KiB each)")
    # one stream window (64 KiB) received and one send buffer (32 KiB), and 32 KiB for everything else a call keeps
    assert during - before < callers * (64 + 32 + 32)
    for client in clients:
        client.close()
    wait_for(lambda: gateway.settled()["held_ucr"] == 0, 30, "all settled")
