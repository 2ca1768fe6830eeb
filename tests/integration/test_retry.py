"""One retry elsewhere when a worker certainly did not process the request; none otherwise."""
import socket

import h2.errors
import pytest

from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


async def refuse(stream):
    await stream.reset(h2.errors.ErrorCodes.REFUSED_STREAM)


async def good(stream):
    body = await stream.body()
    await stream.answer(200, b"good:" + body)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def all_good(gateway, key, calls=8):
    client = Client(gateway.port)
    for _ in range(calls):
        answer = client.call(f"/ipfs/{CID}", key, method="POST", body=b"body")
        assert (answer.status, answer.body) == (200, b"good:body")


def test_the_second_worker_answers_when_the_first_refuses_the_stream(start_gateway, start_worker):
    bad = start_worker(refuse)
    gateway = start_gateway([bad, start_worker(good)])
    key = gateway.account()
    all_good(gateway, key)
    assert len(bad.requests) >= 1
    retried = [line for line in gateway.log() if len(line["attempts"]) == 2]
    assert retried and retried[0]["attempts"][0]["fault"] == "refused"
    assert gateway.settled()["spent_ucr"] == 8 * 100  # one charge a call, whatever was tried


def test_the_second_worker_answers_when_the_first_is_not_there(start_gateway, start_worker):
    gateway = start_gateway([f"https://127.0.0.1:{closed_port()}", start_worker(good)])
    all_good(gateway, gateway.account())


def test_a_stream_above_the_last_of_a_goaway_is_tried_elsewhere(start_gateway, start_worker):
    async def leave(stream):
        await stream.connection.go_away(last_stream_id=0)

    bad = start_worker(leave)
    gateway = start_gateway([bad, start_worker(good)])
    all_good(gateway, gateway.account())
    assert len(bad.requests) >= 1


def test_nothing_is_tried_again_once_the_worker_may_have_run_it(start_gateway, start_worker):
    async def broke(stream):
        await stream.body()
        await stream.reset()

    workers = [start_worker(broke), start_worker(broke)]
    gateway = start_gateway(workers)
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account(), method="POST", body=b"x")
    assert answer.status == 502 and b"worker-broke" in answer.body
    assert sum(len(worker.requests) for worker in workers) == 1


def test_with_every_worker_gone_the_answer_is_a_clear_error(start_gateway):
    gateway = start_gateway([f"https://127.0.0.1:{closed_port()}"])
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account())
    assert answer.status in (502, 503)
    assert b'"whose"' in answer.body
    assert gateway.settled()["spent_ucr"] == 0


def test_calls_go_to_the_less_loaded_worker(start_gateway, start_worker):
    import asyncio
    import threading
    release = threading.Event()

    async def held(stream):
        while not release.is_set():
            await asyncio.sleep(0.01)
        await stream.answer(200)

    workers = [start_worker(held), start_worker(held)]
    gateway = start_gateway(workers, extra="lanes: 1")
    key = gateway.account()
    client = Client(gateway.port)
    streams = [client.request(f"/ipfs/{CID}", key) for _ in range(20)]
    from gateway import wait_for
    wait_for(lambda: sum(len(worker.requests) for worker in workers) == 20, 10, "all at the workers")
    assert all(len(worker.requests) >= 8 for worker in workers)
    release.set()
    assert [client.wait(stream).status for stream in streams] == [200] * 20


@pytest.mark.parametrize("protocol", ["http/1.1"])
def test_a_worker_that_speaks_only_http_1_is_served_as_well(start_gateway, start_worker, protocol):
    async def raw(reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            body = await reader.readexactly(length[0]) if length else b""
            if b"transfer-encoding: chunked" in head.lower():
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readuntil(b"\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nx-sum: 7\r\n\r\n"
                         % (len(body) + 5, b"good:" + body))
            await writer.drain()

    worker = start_worker(raw=raw, alpn=[protocol])
    gateway = start_gateway([worker])
    key = gateway.account()
    all_good(gateway, key)
    assert Client(gateway.port).call(f"/ipfs/{CID}", key, method="POST", body=b"q").trailers["x-sum"] == "7"
