"""Hostile and impatient callers, signals and kills: nothing stays behind, and the sums stay exact."""
import asyncio
import fcntl
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import threading
import time

from gateway import wait_for
from h2client import Answer, Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
PRICED = {"*": {"pool": "demo", "price": {"call": 100, "kib_out": 5}, "limits": {"response": "1MiB"}}}
CREDITED_UCR = 10000000


async def worker_of_many_moods(stream):
    """The last part of the path says which."""
    mood = stream.path.rsplit("/", 1)[-1]
    if mood == "never":
        await stream.gone()
    elif mood == "endless":
        await stream.head(200)
        while True:
            await stream.send(b"z" * 4096)
    elif mood == "stream":
        await stream.head(200)
        for _ in range(5):
            await stream.send(b"y" * 1500)
            await asyncio.sleep(0.005)
        await stream.end()
    else:
        await stream.body()
        await stream.answer(200, b"quick")


def metrics(gateway):
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(gateway.socket))
        admin.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: admin.recv(65536), b"")).decode()
    return {name: int(value) for name, value in re.findall(r"^teegate_(\w+) (\d+)$", text, re.M)}


def open_connections(gateway):
    return metrics(gateway)["connections_open"]


def nothing_is_left(gateway):
    """Every gauge of callers is back, nothing is held, and the sums are exact."""
    wait_for(lambda: (now := metrics(gateway))["exchanges_live"] == 0 and now["connections_open"] == 0, 10,
             "gauges at 0")
    assert gateway.ctl("live")["live"] == 0
    after = gateway.settled()
    assert after["available_ucr"] + after["spent_ucr"] == CREDITED_UCR
    return after


def is_sanitized(gateway):
    return re.search(r"lib[at]san", pathlib.Path(f"/proc/{gateway.process.pid}/maps").read_text())


def leave_at_random(gateway, key, chance, calls):
    """One connection whose calls are nearly all given up: at once, before their answer or within it."""
    client = Client(gateway.port)
    client.socket.settimeout(0.003)
    running = []
    for _ in range(calls):
        stream = client.request(f"/ipfs/{CID}/{chance.choice(('quick', 'stream', 'never', 'endless'))}", key)
        if chance.random() < 0.3:
            client.reset(stream)
        else:
            running.append(stream)
        try:
            client.read()
        except TimeoutError:
            pass
        if len(running) > 8:
            left = running.pop(chance.randrange(len(running)))
            if not client.answers[left].ended and client.answers[left].reset is None:
                client.reset(left)
    client.close()


def test_calls_given_up_at_any_point_leave_nothing_behind(start_gateway, start_worker):
    worker = start_worker(worker_of_many_moods)
    gateway = start_gateway([worker], agents=PRICED)
    key = gateway.account()
    resident = []
    for turn in range(3):
        threads = [threading.Thread(target=leave_at_random, args=(gateway, key, random.Random(10 * turn + i), 40))
                   for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        nothing_is_left(gateway)
        resident.append(gateway.memory_kib())
    # every call that ran is in the ledger and the log with the same cost
    charged = sum(line["cost_ucr"] for line in gateway.log() if line.get("charged"))
    assert gateway.balance()["spent_ucr"] == charged
    if not is_sanitized(gateway):
        assert resident[2] - resident[1] < 2048, resident


def test_connections_that_never_get_to_ask_are_closed_and_others_served(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], agents=PRICED, extra="callers: {head_timeout: 1s}")
    key = gateway.account()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    hello = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = hello.read()
    mute = []
    for port, begin in ((gateway.port, b""), (gateway.port, hello[:60]), (gateway.port, hello),
                        (gateway.plain_port, b"GET /ipfs/"),
                        (gateway.plain_port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                                             b"\0\0\1\1\0\0\0\0\1\x82")):  # HEADERS without END_HEADERS
        for _ in range(20):
            mute.append(socket.create_connection(("127.0.0.1", port)))
            mute[-1].sendall(begin)
    wait_for(lambda: open_connections(gateway) >= 100, 5, "100 connections")
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key).status == 200
    client.close()
    wait_for(lambda: open_connections(gateway) == 0, 10, "an end of the mute ones")
    for each in mute:
        each.close()
    nothing_is_left(gateway)


def test_a_flood_of_resets_ends_its_connection(start_gateway, start_worker):
    worker = start_worker(worker_of_many_moods)
    gateway = start_gateway([worker], agents=PRICED)
    key = gateway.account()
    client = Client(gateway.port)
    over = False
    for _ in range(100):
        for _ in range(50):
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                                            (":path", f"/ipfs/{CID}/never"), ("authorization", f"Bearer {key}")],
                                   end_stream=True)
            client.answers[stream] = Answer()
            client.h2.reset_stream(stream, 8)
        try:
            client.flush()
        except OSError:
            over = True
            break
    if not over:
        wait_for(lambda: open_connections(gateway) == 0, 5, "the end of the flooding connection")
    client.close()
    nothing_is_left(gateway)
    assert len(worker.requests) < 2000
    polite = Client(gateway.port)
    assert polite.call(f"/ipfs/{CID}/quick", key).status == 200


class Load:
    """Callers on connections of their own, call after call, until told to stop or the gateway is gone."""

    def __init__(self, gateway, key, callers=6, mood="stream"):
        self.over = threading.Event()
        self.answers = []
        self.threads = [threading.Thread(target=self._run, args=(gateway.port, key, mood)) for _ in range(callers)]
        for thread in self.threads:
            thread.start()

    def _run(self, port, key, mood):
        while not self.over.is_set():
            try:
                client = Client(port)
            except (OSError, AssertionError):
                return
            for _ in range(20):
                if self.over.is_set():
                    break
                answer = Answer()
                try:
                    stream = client.request(f"/ipfs/{CID}/{mood}", key)
                    answer = client.answers[stream]
                    self.answers.append(answer)
                    client.wait(stream)
                except OSError:
                    pass
                if not answer.ended:
                    break
            client.close()

    def complete(self):
        return [answer for answer in self.answers if answer.ended and answer.status == 200]

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_reloads_under_load_fail_no_call(start_gateway, start_worker):
    workers = [start_worker(worker_of_many_moods), start_worker(worker_of_many_moods)]
    gateway = start_gateway(workers, agents=PRICED)
    load = Load(gateway, gateway.account())
    for turn in range(10):
        told = gateway.process_log().count('"event":"reloaded"')
        answered = len(load.complete())
        gateway.write_config(workers[turn % 2:turn % 2 + 1], agents=PRICED)
        gateway.reload()
        wait_for(lambda: gateway.process_log().count('"event":"reloaded"') > told, 5, "the reload")
        wait_for(lambda: len(load.complete()) > answered + 6, 5, "calls after the reload")
    load.stop()
    assert [answer for answer in load.answers if answer not in load.complete()] == []
    nothing_is_left(gateway)


def test_told_to_stop_it_finishes_its_calls_and_waits_for_nobody_else(start_gateway, start_worker):
    release = threading.Event()

    async def long(stream):
        await stream.head(200)
        while not release.is_set():
            await asyncio.sleep(0.01)
        await stream.send(b"done")
        await stream.end()

    worker = start_worker(long)
    gateway = start_gateway([worker], agents=PRICED)
    key = gateway.account()
    clients = [Client(gateway.port) for _ in range(4)]
    calls = [client.request(f"/ipfs/{CID}", key) for client in clients]
    for client, call in zip(clients, calls):
        client.wait(call, lambda answer: answer.status == 200)
    half_open = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(5)]
    wait_for(lambda: open_connections(gateway) == 9, 5, "all connections")
    gateway.process.send_signal(signal.SIGTERM)
    wait_for(lambda: '"event":"draining"' in gateway.process_log(), 5, "the drain")
    release.set()
    told_at = time.monotonic()
    for client, call in zip(clients, calls):
        answer = client.wait(call)
        assert answer.ended and answer.body == b"done"
        assert answer.trailers["agent-outcome"] == "ok"
    assert gateway.process.wait(10) == 0
    assert time.monotonic() - told_at < 2.5  # the drain's limit is 3 s, and TLS has 10 s
    for each in half_open:
        each.close()


def test_told_to_stop_it_ends_calls_without_an_end_at_the_limit(start_gateway, start_worker):
    worker = start_worker(worker_of_many_moods)
    gateway = start_gateway([worker], agents=PRICED)
    gateway.config.write_text(gateway.config.read_text().replace("drain: 3s", "drain: 500ms"))
    gateway.reload()
    wait_for(lambda: '"event":"reloaded"' in gateway.process_log(), 5, "the reload")
    key = gateway.account()
    stalled = Client(gateway.port, window=1000)
    stalled.request(f"/ipfs/{CID}/endless", key)
    endless = Client(gateway.port)
    call = endless.request(f"/ipfs/{CID}/never", key)
    wait_for(lambda: len(worker.requests) == 2, 5, "both at the worker")
    gateway.process.send_signal(signal.SIGTERM)
    answer = endless.wait(call)
    assert answer.status == 503 or answer.reset is not None or not answer.ended
    assert gateway.process.wait(10) == 0
    gateway.start()
    nothing_is_left(gateway)


def store_of(gateway):
    process = gateway.process.pid
    store, = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return store


def test_killed_under_load_it_charges_every_whole_answer_once(start_gateway, start_worker):
    worker = start_worker(worker_of_many_moods)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 100}}})
    load = Load(gateway, gateway.account(), mood="quick")
    wait_for(lambda: len(load.complete()) > 60, 10, "60 calls")
    gateway.process.kill()
    gateway.process.wait(10)
    load.stop()
    whole = {answer.headers["agent-invocation-id"] for answer in load.complete()}
    gateway.start()
    after = nothing_is_left(gateway)
    entries = gateway.ctl("spend", "alice", "--count", 1000)["entries"]
    charges = [entry["invocation"] for entry in entries if entry["kind"] == "chg" and entry["value_ucr"] == -100]
    assert len(charges) == len(set(charges))
    assert whole <= set(charges)
    assert after["spent_ucr"] == 100 * len(charges)


def test_the_store_of_a_killed_run_has_ended_before_the_next_one_starts(start_gateway, start_worker):
    gateway = start_gateway([start_worker()])
    key = gateway.account()
    file = gateway.state / "redis" / "lock"
    held = [os.readlink(link) for link in pathlib.Path(f"/proc/{store_of(gateway)}/fd").iterdir()]
    assert str(file) in held  # so it is free only once the server has ended too
    gateway.process.kill()
    gateway.process.wait(10)
    with open(file) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a server does that is slow to end
        start = threading.Thread(target=gateway.start)
        start.start()
        wait_for(lambda: '"event":"store-awaited"' in gateway.process_log(), 10, "the wait for the former store")
        assert gateway.process_log().count('"event":"ready"') == 1
    start.join()
    assert gateway.process_log().count('"event":"ready"') == 2
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key).status == 200
