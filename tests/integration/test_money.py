"""Nothing runs that was not held; nothing is charged that was not used; ten calls' worth is ten calls."""
import concurrent.futures
import json
import os
import signal
import threading
import time

import h2.settings

from gateway import wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


def problem(answer):
    assert answer.headers["content-type"].startswith("application/problem+json")
    return json.loads(answer.body)


def test_a_call_costs_what_its_price_says_and_the_ledger_shows_it(start_gateway, start_worker):
    async def reply(stream):
        await stream.body()
        await stream.answer(200, b"x" * 3000, trailers=[("agent-usage", "tokens=7, other=9")])

    worker = start_worker(reply)
    agents = {"*": {"pool": "demo", "price": {"call": 100, "kib_in": 2, "kib_out": 5,
                                              "units": {"tokens": {"price": 0.5, "cap": 10}}}}}
    gateway = start_gateway([worker], agents=agents)
    key = gateway.account()
    before = gateway.balance()
    answer = Client(gateway.port).call(f"/ipfs/{CID}/a?b=c", key, method="POST", body=b"y" * 1025)
    assert answer.status == 200 and answer.ended
    cost = 100 + 2 * 2 + 3 * 5 + 4  # 7 tokens at 0.5, rounded up once
    assert answer.trailers["agent-cost"].split(";")[0] == str(cost)
    assert answer.trailers["agent-outcome"] == "ok"
    assert "tokens=7" in answer.trailers["agent-usage"]
    after = gateway.settled()
    assert before["available_ucr"] - after["available_ucr"] == cost
    assert after["spent_ucr"] == cost
    spend = gateway.ctl("spend", "alice")
    assert [entry["value_ucr"] for entry in spend["entries"]] == [-cost, 10000000]
    assert spend["charged_ucr"] == cost
    line = gateway.log_of(answer.headers["agent-invocation-id"])
    assert line["cost_ucr"] == cost and line["outcome"] == "ok"


def test_no_key_or_a_wrong_one_is_401(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    for bad in (None, "x", "tgk_", key[:-1] + ("a" if key[-1] != "a" else "b"), key + "a", "tgk_000_nobody_secret"):
        answer = client.call(f"/ipfs/{CID}", bad)
        assert answer.status == 401, bad
        assert problem(answer)["code"] == "unauthenticated"
        assert "www-authenticate" in answer.headers
    gateway.ctl("key", "revoke", "alice", gateway.ctl("key", "list", "alice")["keys"][0]["key_id"])
    wait_for(lambda: client.call(f"/ipfs/{CID}", key).status == 401, 8, "revocation")
    assert client.call(f"/ipfs/{CID}", headers=[("agent-key", "x")]).status == 401


def test_a_credential_never_reaches_the_worker_or_a_log(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}?token=hush", key).status == 200
    assert client.call(f"/ipfs/{CID}", headers=[("agent-key", key), ("authorization", "Bearer own")]).status == 200
    assert key not in str([stream.fields for stream in worker.requests])
    assert worker.requests[1].headers["authorization"] == "Bearer own"
    wait_for(lambda: len(gateway.log()) == 2, 5, "two lines")
    secret = key.rsplit("_", 1)[1]
    logs = json.dumps(gateway.log()) + gateway.process_log()
    assert secret not in logs and "hush" not in logs


def test_without_money_a_call_is_402_and_says_how_much(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 2000000}}})
    key = gateway.account(credits="1")
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 402
    told = problem(answer)
    assert told["code"] == "insufficient-credit"
    assert told["required"] == 2000000 and told["available"] == 1000000
    assert worker.requests == []


def test_limits_of_an_account_are_429_with_an_honest_retry_after(start_gateway, start_worker):
    release = threading.Event()

    async def slow(stream):
        import asyncio
        while not release.is_set():
            await asyncio.sleep(0.01)
        await stream.answer(200, b"done")

    worker = start_worker(slow)
    gateway = start_gateway([worker])
    key = gateway.account("alice", "10", "--concurrency", "1")
    client = Client(gateway.port)
    first = client.request(f"/ipfs/{CID}", key)
    wait_for(lambda: len(worker.requests) == 1, 5, "the first call at the worker")
    answer = client.call(f"/ipfs/{CID}", key)
    assert answer.status == 429
    assert problem(answer)["code"] == "quota-exceeded"
    assert int(answer.headers["retry-after"]) >= 1
    release.set()
    assert client.wait(first).status == 200
    assert client.call(f"/ipfs/{CID}", key).status == 200


def test_with_money_for_ten_calls_200_at_once_run_exactly_ten(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 1000000}}})
    key = gateway.account(credits="10")

    def twenty(_):
        client = Client(gateway.port)
        streams = [client.request(f"/ipfs/{CID}", key) for _ in range(20)]
        return [client.wait(stream).status for stream in streams]

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        statuses = sum(threads.map(twenty, range(10)), [])
    assert statuses.count(200) == 10
    assert statuses.count(402) == 190
    assert len(worker.requests) == 10
    after = gateway.settled()
    assert after["available_ucr"] == 0 and after["spent_ucr"] == 10000000


def test_a_ceiling_of_the_callers_own_is_never_passed(start_gateway, start_worker):
    async def endless(stream):
        await stream.head(200)
        while True:
            await stream.send(b"z" * 16384)

    worker = start_worker(endless)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"kib_out": 1000}}})
    key = gateway.account()
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key, headers=[("agent-max-cost", "1000000")])
    assert answer.reset is not None and not answer.ended
    after = gateway.settled()
    assert 0 < after["spent_ucr"] <= 1000000
    assert gateway.log_of(answer.headers["agent-invocation-id"])["outcome"] == "budget"
    for bad in ("-1", "1.5", "x", "", "9007199254740993"):
        assert Client(gateway.port).call(f"/ipfs/{CID}", key, headers=[("agent-max-cost", bad)]).status == 400


def test_the_caller_who_leaves_pays_for_what_ran(start_gateway, start_worker):
    gone = threading.Event()

    async def long(stream):
        await stream.head(200)
        await stream.send(b"a" * 10240)
        await stream.gone()
        gone.set()

    worker = start_worker(long)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 100, "kib_out": 10}}})
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    client.wait(stream, lambda answer: len(answer.body) == 10240)
    client.reset(stream)
    assert gone.wait(5), "the worker's stream was not reset"
    after = gateway.settled()
    assert after["spent_ucr"] == 100 + 10 * 10
    line = gateway.log_of(client.answers[stream].headers["agent-invocation-id"])
    assert line["outcome"] == "caller-left"


def test_what_never_ran_is_free(start_gateway, start_worker):
    async def broken(stream):
        await stream.body()
        await stream.reset()

    worker = start_worker(broken)
    gateway = start_gateway([worker])
    key = gateway.account()
    before = gateway.balance()
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key, method="POST", body=b"hello")
    assert answer.status == 502
    assert problem(answer)["code"] == "worker-broke"
    assert gateway.settled() == before


def store_pid(gateway):
    import pathlib
    children = pathlib.Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def test_with_the_store_away_calls_are_refused_and_those_under_way_settle_later(start_gateway, start_worker):
    release = threading.Event()

    async def slow(stream):
        import asyncio
        await stream.head(200)
        while not release.is_set():
            await asyncio.sleep(0.01)
        await stream.send(b"done")
        await stream.end()

    worker = start_worker(slow)
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    running = client.request(f"/ipfs/{CID}", key)
    client.wait(running, lambda answer: answer.status == 200)
    os.kill(store_pid(gateway), signal.SIGSTOP)
    try:
        refused = client.call(f"/ipfs/{CID}", key)
        assert refused.status == 503
        assert problem(refused)["code"] == "metering-unavailable"
        assert "retry-after" in refused.headers
        release.set()
        answer = client.wait(running)
        assert answer.ended and answer.body == b"done"
        assert "pending" in answer.trailers["agent-cost"]
    finally:
        os.kill(store_pid(gateway), signal.SIGCONT)
    wait_for(lambda: gateway.balance()["spent_ucr"] == 100, 15, "the settle")
    gateway.settled()


def test_the_store_killed_under_the_gateway_comes_back_and_nothing_is_lost(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key).status == 200
    os.kill(store_pid(gateway), signal.SIGKILL)
    wait_for(lambda: client.call(f"/ipfs/{CID}", key).status == 200, 15, "a call after the store came back")
    # every lane comes back by itself: the caller's may be sooner than the operator's
    wait_for(lambda: gateway.ctl("account", "show", "alice", check=False), 15, "the operator's lane")
    spent = sum(1 for line in gateway.log() if line["status"] == 200) * 100
    wait_for(lambda: gateway.balance()["spent_ucr"] == spent, 10, "exact sums")


def test_two_stores_never_write_one_file(start_gateway, start_worker):
    """A killed gateway's redis-server that lives on: the next run waits for its end."""
    gateway = start_gateway([start_worker()])
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    gateway.settled()
    old = store_pid(gateway)
    os.kill(old, signal.SIGSTOP)
    gateway.process.kill()
    gateway.process.wait(10)
    threading.Timer(1.0, os.kill, (old, signal.SIGCONT)).start()
    gateway.start()
    assert not os.path.exists(f"/proc/{old}/exe")
    assert gateway.balance()["spent_ucr"] == 100
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200


def test_a_gateway_killed_in_the_middle_of_calls_leaves_exact_sums(start_gateway, start_worker):
    async def stuck(stream):
        await stream.head(200)
        await stream.send(b"q" * 2048)
        await stream.gone()

    worker = start_worker(stuck)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 100, "kib_out": 10}}},
                            extra="checkpoint: 100ms")
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    client.wait(stream, lambda answer: len(answer.body) == 2048)
    wait_for(lambda: any(hold["cost_so_far_ucr"] == 120 for hold in gateway.ctl("holds", "alice")["holds"]), 10,
             "the checkpoint")
    gateway.process.kill()
    gateway.process.wait(10)
    client.close()
    gateway.start()
    after = wait_for(lambda: (shown := gateway.balance())["held_ucr"] == 0 and shown, 60, "the reaper")
    assert after["spent_ucr"] == 120


def test_calls_that_come_while_a_gateway_stops_are_settled_before_it_ends(start_gateway, start_worker):
    """With no time to drain, calls that begin after the old ones were ended still live when the lanes close."""
    async def stuck(stream):
        await stream.head(200)
        await stream.send(b"q" * 2048)
        await stream.gone()

    worker = start_worker(stuck, settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 100, "kib_out": 10}}},
                            pool_extra="streams: 1000", extra="lanes: 1")
    gateway.config.write_text(gateway.config.read_text().replace("drain: 3s", "drain: 0"))
    gateway.reload()
    wait_for(lambda: '"event":"reloaded"' in gateway.process_log(), 5, "the reload")
    key = gateway.account("alice", "1000")
    clients = [Client(gateway.port) for _ in range(8)]
    for client in clients:  # the links are up, and PINGs stay unanswered from here on
        client.wait(client.request(f"/ipfs/{CID}", key), lambda answer: len(answer.body) == 2048)
    gateway.process.terminate()
    time.sleep(0.7)
    for client in clients:
        for _ in range(60):
            try:
                client.request(f"/ipfs/{CID}", key)
            except OSError:
                break
    assert gateway.process.wait(20) == 0, gateway.process_log()[-4000:]
    for client in clients:
        client.close()
    lines = [line for line in gateway.log() if line.get("event") == "request"]
    assert len(lines) > 8
    gateway.start()
    assert gateway.settled()["spent_ucr"] == sum(line["cost_ucr"] for line in lines)
