"""Agents calling agents on the caller's budget: the token, the tree's money, what ends with a call."""
import asyncio
import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import pathlib
import signal
import ssl
import subprocess
import threading
import time

import pytest

from gateway import wait_for
from h2client import Client

ROOT = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
LEAF = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
PRICES = {ROOT: {"pool": "demo", "price": {"call": 100}}, LEAF: {"pool": "demo", "price": {"call": 30}}}


def problem(answer):
    assert answer.headers["content-type"].startswith("application/problem+json"), (answer.status, answer.body)
    return json.loads(answer.body)


def cost(answer):
    """In the head of a short answer, else in the trailers."""
    return {**answer.headers, **answer.trailers}["agent-cost"].split(";")[0]


def bearer(token):
    return [("authorization", f"Agent {token}")]


def budgeted(token, amount):
    return [*bearer(token), ("agent-sub-budget", str(amount))]


def budget(amount, *more):
    return [("agent-sub-budget", str(amount)), *more]


def narrow(token, caveat):
    """What an agent does without asking anybody (docs/subcalls.md)."""
    head, tag = token.rsplit(".", 1)
    key = base64.urlsafe_b64decode(tag + "=")
    tag = hmac.new(key, caveat.encode(), hashlib.sha256).digest()
    return f"{head}.{caveat}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


class Script:
    """A worker's handler: ROOT does what a test says with its token, anything else answers at once."""

    def __init__(self, act=None):
        self.act = act
        self.gateway = None
        self.seen = []

    async def __call__(self, stream):
        await stream.body()
        self.seen.append(stream.headers)
        if self.act is None or ROOT not in stream.path:
            await stream.answer(200, b"leaf")
            return
        loop = asyncio.get_running_loop()
        said = await loop.run_in_executor(None, self.act, self.gateway, stream.headers)
        await stream.answer(200, json.dumps(said).encode())


class Hold:
    """ROOT runs until told to end; its token is handed out."""

    def __init__(self):
        self.tokens = []
        self.seen = []
        self.ended = threading.Event()

    async def __call__(self, stream):
        await stream.body()
        self.seen.append(stream.headers)
        if ROOT not in stream.path:
            await stream.answer(200, b"leaf")
            return
        self.tokens.append(stream.headers.get("agent-invocation-token"))
        while not self.ended.is_set() and stream.reset_code is None:
            await asyncio.sleep(0.005)
        await stream.answer(200, b"root")

    def open(self, gateway, key, sub, *more):
        """A root call that runs; its client, stream and token."""
        client = Client(gateway.port)
        count = len(self.tokens)
        stream = client.request(f"/ipfs/{ROOT}", key, headers=budget(sub, *more))
        wait_for(lambda: len(self.tokens) > count, 5, "the root at its worker")
        return client, stream, self.tokens[-1]

    def close(self, client, stream):
        self.ended.set()
        answer = client.wait(stream)
        self.ended.clear()
        return answer


def test_an_agent_calls_others_and_its_caller_gets_one_bill(start_gateway, start_worker):
    def act(gateway, headers):
        token = headers["agent-invocation-token"]
        answers = [Client(gateway.port).call(f"/ipfs/{LEAF}/{i}", headers=bearer(token)) for i in range(2)]
        return [(answer.status, cost(answer), answer.headers["agent-invocation-id"])
                for answer in answers]

    script = Script(act)
    script.gateway = gateway = start_gateway([start_worker(script)], agents=PRICES)
    key = gateway.account()
    before = gateway.balance()
    forged = [("agent-invocation-token", "tgt1.forged"), ("agent-caller", "mallory")]
    answer = Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(500, *forged))
    assert answer.status == 200
    said = json.loads(answer.body)
    assert [row[:2] for row in said] == [[200, "30"], [200, "30"]]
    assert cost(answer) == "100"  # its own: the tree's is asked for
    root = answer.headers["agent-invocation-id"]
    after = gateway.settled()
    assert before["available_ucr"] - after["available_ucr"] == 160 and after["spent_ucr"] == 160
    bill = json.loads(Client(gateway.port).call(f"/v1/invocations/{root}", key).body)
    assert (bill["charge_ucr"], bill["subcalls_ucr"], bill["total_ucr"]) == (100, 60, 160)
    assert bill["root"] == root and "parent" not in bill
    child = json.loads(Client(gateway.port).call(f"/v1/invocations/{said[0][2]}", key).body)
    assert (child["parent"], child["root"], child["total_ucr"]) == (root, root, 30)
    line = gateway.log_of(said[0][2])
    assert line["parent"] == root and line["account"] == "alice" and line["cost_ucr"] == 30
    # What the workers saw of who asks: one name for one agent, another for another, never the account.
    names = [headers["agent-caller"] for headers in script.seen]
    assert names[1] == names[2] != names[0] and "mallory" not in names
    assert "alice" not in str(script.seen) and key not in str(script.seen)
    tokens = [headers.get("agent-invocation-token") for headers in script.seen]
    assert tokens[0].startswith("tgt1.") and "forged" not in tokens[0]
    assert tokens[1] is None and "authorization" not in script.seen[1]
    log = json.dumps(gateway.log()) + gateway.process_log()
    assert tokens[0] not in log and tokens[0].rsplit(".", 1)[1] not in log


def test_without_a_sub_budget_there_is_no_token(start_gateway, start_worker):
    script = Script()
    gateway = start_gateway([start_worker(script)], agents=PRICES)
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{ROOT}", key).status == 200
    assert Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(0)).status == 200
    assert all("agent-invocation-token" not in headers for headers in script.seen)
    for bad in ("-1", "1.5", "x", "", "1000000000000000"):
        answer = Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(bad))
        assert answer.status == 400 and problem(answer)["code"] == "bad-budget", bad
    answer = Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(10_000_000))
    assert answer.status == 402
    assert problem(answer)["required"] == 10_000_100
    assert gateway.settled()["spent_ucr"] == 200


def test_an_account_may_have_a_sub_budget_for_calls_that_name_none(start_gateway, start_worker):
    script = Script()
    gateway = start_gateway([start_worker(script)], agents=PRICES)
    key = gateway.account("alice", "10", "--sub-budget", "0.0005")
    assert gateway.ctl("account", "show", "alice")["limits"]["sub_budget_ucr"] == 500
    for sub, has in ((None, True), (0, False), (5, True)):
        fields = [] if sub is None else budget(sub)
        assert Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=fields).status == 200
        assert ("agent-invocation-token" in script.seen[-1]) == has
    assert gateway.settled()["spent_ucr"] == 300


def test_the_token_dies_with_the_call_and_is_good_for_nothing_else(start_gateway, start_worker):
    hold = Hold()
    gateway = start_gateway([start_worker(hold)], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 200
    for path in ("/v1/account", "/v1/invocations/abc"):
        answer = other.call(path, headers=bearer(token))
        assert answer.status == 401 and problem(answer)["code"] == "unauthenticated"
        assert "Agent" in answer.headers["www-authenticate"]
    assert other.call(f"/ipfs/{LEAF}", token).status == 401  # as a bearer's key
    assert other.call(f"/ipfs/{LEAF}", headers=[("agent-key", token)]).status == 401
    assert other.call(f"/ipfs/{LEAF}", headers=[("agent-key", key), *bearer(token)]).status == 400
    for at in range(0, len(token), 7):
        bad = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
        assert other.call(f"/ipfs/{LEAF}", headers=bearer(bad)).status == 401, at
    assert hold.close(client, stream).status == 200
    answer = other.call(f"/ipfs/{LEAF}", headers=bearer(token))
    assert answer.status == 403 and problem(answer)["code"] == "parent-not-running"
    # Cancelled: the same.
    client, stream, token = hold.open(gateway, key, 500)
    client.reset(stream)
    assert gateway.settled()["spent_ucr"] == 100 + 30 + 100
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 403


def test_the_budget_ends_where_it_ends(start_gateway, start_worker):
    hold = Hold()
    gateway = start_gateway([start_worker(hold)], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 70)
    other = Client(gateway.port)
    statuses = [other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status for _ in range(3)]
    assert statuses == [200, 200, 402]
    answer = other.call(f"/ipfs/{LEAF}", headers=bearer(token))
    told = problem(answer)
    assert told["code"] == "parent-budget-exhausted" and (told["required"], told["remaining"]) == (30, 10)
    assert "available" not in told and "ratelimit" not in answer.headers
    hold.close(client, stream)
    assert gateway.settled()["spent_ucr"] == 160


def test_a_narrowed_token_stays_narrow(start_gateway, start_worker):
    hold = Hold()
    gateway = start_gateway([start_worker(hold)], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)

    def call(token, cid=LEAF, *fields):
        answer = other.call(f"/ipfs/{cid}", headers=[*bearer(token), *fields])
        return answer.status if answer.status == 200 else problem(answer)["code"]

    assert call(narrow(token, f"cid={LEAF}")) == 200
    assert call(narrow(token, f"cid={ROOT}")) == "agent-not-allowed"
    assert call(narrow(narrow(token, f"cid={ROOT}"), f"cid={LEAF}")) == "agent-not-allowed"
    assert call(narrow(token, "max=30")) == 200
    assert call(narrow(token, "max=29")) == "parent-budget-exhausted"
    assert call(narrow(token, "max=30"), LEAF, ("agent-sub-budget", "1")) == "parent-budget-exhausted"
    assert call(narrow(narrow(token, "max=29"), "max=1000")) == "parent-budget-exhausted"
    assert call(narrow(token, f"exp={int(time.time() * 1000) - 1}")) == "token-expired"
    assert call(narrow(token, "deep=0")) == "depth-exceeded"
    assert call(narrow(token, "nonsense=1")) == "unauthenticated"
    hold.close(client, stream)
    assert gateway.settled()["spent_ucr"] == 160


def test_a_loop_and_a_chain_too_deep_are_refused_within_the_roots_budget(start_gateway, start_worker):
    """Each agent of a chain calls the next with all it has left: the depth ends it, and so does the third
    time of one CID."""
    chain = ["bafkreidon73zkcrwdb5iafqtijxildoonbwnpv7dyd6ef3qdgads2jc4su",
             "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4",
             "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"]

    def next_of(path, loop):
        if loop:
            return ROOT
        return {ROOT: LEAF, LEAF: chain[0], chain[0]: chain[1], chain[1]: chain[2],
                chain[2]: LEAF}[path.split("/")[2]]

    class Deep:
        gateway = None
        loop = False

        async def __call__(self, stream):
            await stream.body()
            token = stream.headers.get("agent-invocation-token")
            if token is None:
                await stream.answer(200, b"[]")
                return
            left = int(json.loads(base64.urlsafe_b64decode(token.split(".")[2] + "=="))["max"])

            def go():
                sub = [("agent-sub-budget", str(max(left - 10, 0)))]
                return Client(self.gateway.port).call(f"/ipfs/{next_of(stream.path, self.loop)}",
                                                      headers=[*bearer(token), *sub])

            answer = await asyncio.get_running_loop().run_in_executor(None, go)
            said = json.loads(answer.body)
            said = [200, *said] if answer.status == 200 else [said["code"]]
            await stream.answer(200, json.dumps(said).encode())

    deep = Deep()
    agents = {"*": {"pool": "demo", "price": {"call": 10}}}
    deep.gateway = gateway = start_gateway([start_worker(deep)], agents=agents)
    key = gateway.account()
    answer = Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(1000))
    assert json.loads(answer.body) == [200, 200, 200, 200, "depth-exceeded"]
    assert gateway.settled()["spent_ucr"] == 50
    deep.loop = True
    answer = Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(1000))
    assert json.loads(answer.body) == [200, "loop"]
    assert gateway.settled()["spent_ucr"] == 70


def test_a_bomb_of_calls_is_bounded_by_the_roots_budget_and_the_children_at_once(start_gateway, start_worker):
    hold = Hold()
    release = threading.Event()

    async def handler(stream):
        if ROOT in stream.path:
            await hold(stream)
            return
        while not release.is_set():
            await asyncio.sleep(0.005)
        await stream.answer(200, b"leaf")

    gateway = start_gateway([start_worker(handler)], agents=PRICES)
    key = gateway.account("alice", "10", "--concurrency", "1")
    client, stream, token = hold.open(gateway, key, 10_000)
    other = Client(gateway.port)
    bomb = [other.request(f"/ipfs/{LEAF}", headers=bearer(token)) for _ in range(40)]
    wait_for(lambda: gateway.balance()["held_ucr"] == 10_100, 5, "nothing but the root's hold")
    assert gateway.ctl("account", "show", "alice")["live_calls"] == 1  # children take no slot of the caller's
    threading.Timer(0.5, release.set).start()
    answers = [other.wait(one) for one in bomb]
    assert [answer.status for answer in answers].count(200) == 16
    refused = [answer for answer in answers if answer.status != 200]
    assert {problem(answer)["code"] for answer in refused} == {"quota-exceeded"}
    assert problem(refused[0])["violated-policies"] == ["subcalls"] and "retry-after" in refused[0].headers
    hold.close(client, stream)
    assert gateway.settled()["spent_ucr"] == 100 + 16 * 30


def test_a_child_ends_no_later_than_its_parent(start_gateway, start_worker):
    seen = []

    async def handler(stream):
        seen.append(stream.headers)
        if ROOT in stream.path:
            await asyncio.sleep(0.3)
            token = stream.headers["agent-invocation-token"]
            await asyncio.get_running_loop().run_in_executor(
                None, lambda: Client(gateway.port).call(f"/ipfs/{LEAF}", headers=bearer(token)))
        await stream.answer(200, b"x")

    agents = {ROOT: {"pool": "demo", "price": {"call": 100}, "limits": {"time": "20s"}},
              LEAF: {"pool": "demo", "price": {"call": 30}, "limits": {"time": "60s"}}}
    gateway = start_gateway([start_worker(handler)], agents=agents)
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{ROOT}", key, headers=budget(100)).status == 200
    parent, child = (int(headers["agent-deadline"]) for headers in seen)
    assert parent <= 20_000 and child <= parent - 300 + 5


def test_a_child_that_outlives_its_parent_is_paid_and_nothing_leaks(start_gateway, start_worker):
    hold = Hold()
    release = threading.Event()

    async def handler(stream):
        if ROOT in stream.path:
            await hold(stream)
            return
        while not release.is_set():
            await asyncio.sleep(0.005)
        await stream.answer(200, b"leaf")

    worker = start_worker(handler)
    gateway = start_gateway([worker], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)
    child = other.request(f"/ipfs/{LEAF}", headers=bearer(token))
    wait_for(lambda: len(worker.requests) == 2, 5, "the child at the worker")
    root = hold.close(client, stream).headers["agent-invocation-id"]
    wait_for(lambda: gateway.balance()["held_ucr"] == 30, 5, "the child's own hold alone")
    release.set()
    assert other.wait(child).status == 200
    after = gateway.settled()
    assert after["spent_ucr"] == 130 and after["available_ucr"] == 10_000_000 - 130
    bill = json.loads(Client(gateway.port).call(f"/v1/invocations/{root}", key).body)
    assert bill["total_ucr"] == 130


def test_a_tree_never_costs_more_than_its_roots_hold_whenever_it_is_cancelled(start_gateway, start_worker):
    """The root's caller leaves at every moment of a tree that works as fast as it can."""
    async def handler(stream):
        await stream.body()
        token = stream.headers.get("agent-invocation-token")
        if token is None:
            await stream.answer(200, b"leaf")
            return

        def go():
            client = Client(gateway.port)
            streams = [client.request(f"/ipfs/{LEAF}", headers=budgeted(token, 40))
                       for _ in range(4)]
            return [client.wait(one).status for one in streams]

        statuses = await asyncio.get_running_loop().run_in_executor(None, go)
        await stream.answer(200, json.dumps(statuses).encode())

    gateway = start_gateway([start_worker(handler)], agents={"*": {"pool": "demo", "price": {"call": 10}}})
    key = gateway.account()
    spent = 0
    for step in range(30):
        client = Client(gateway.port)
        stream = client.request(f"/ipfs/{ROOT}", key, headers=budget(120))
        time.sleep(0.002 * step)  # the moment is the point: any is good
        client.reset(stream)
        client.close()
        after = gateway.settled()
        assert 0 <= after["spent_ucr"] - spent <= 130, step
        spent = after["spent_ucr"]
        assert after["available_ucr"] + spent == 10_000_000


def test_a_gateway_killed_in_the_middle_of_a_tree_leaves_exact_sums(start_gateway, start_worker):
    hold = Hold()
    release = threading.Event()

    async def handler(stream):
        if ROOT in stream.path:
            await hold(stream)
            return
        if "slow" in stream.path:
            while not release.is_set() and not stream.connection.closed:
                await asyncio.sleep(0.005)
        await stream.answer(200, b"leaf")

    worker = start_worker(handler)
    gateway = start_gateway([worker], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 200
    other.request(f"/ipfs/{LEAF}/slow", headers=budgeted(token, 50))
    wait_for(lambda: len(worker.requests) == 3, 5, "the slow child at the worker")
    gateway.process.kill()
    gateway.process.wait()
    release.set()
    hold.ended.set()
    gateway.start()
    after = gateway.settled()  # parent and child, in whatever order the reaper found them
    assert after["spent_ucr"] == 30 and after["available_ucr"] == 10_000_000 - 30
    assert gateway.ctl("account", "show", "alice")["live_calls"] == 0
    assert Client(gateway.port).call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 403


def test_a_child_that_ends_while_the_store_is_away_settles_below_its_parent_later(start_gateway, start_worker):
    hold = Hold()
    release = threading.Event()

    async def handler(stream):
        if ROOT in stream.path:
            await hold(stream)
            return
        await stream.head(200)
        while not release.is_set():
            await asyncio.sleep(0.005)
        await stream.send(b"leaf")
        await stream.end()

    gateway = start_gateway([start_worker(handler)], agents=PRICES)
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)
    child = other.request(f"/ipfs/{LEAF}", headers=bearer(token))
    other.wait(child, lambda answer: answer.status == 200)
    store = int(pathlib.Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text())
    os.kill(store, signal.SIGSTOP)
    try:
        refused = other.call(f"/ipfs/{LEAF}", headers=bearer(token))
        assert refused.status == 503 and problem(refused)["code"] == "metering-unavailable"
        release.set()
        assert "pending" in other.wait(child).trailers["agent-cost"]
    finally:
        os.kill(store, signal.SIGCONT)
    wait_for(lambda: gateway.balance()["spent_ucr"] == 30, 15, "the child's settle")
    wait_for(lambda: gateway.balance()["held_ucr"] == 570, 15, "its rest with its parent, the refused one released")
    root = hold.close(client, stream).headers["agent-invocation-id"]
    assert gateway.settled()["spent_ucr"] == 130
    bill = json.loads(Client(gateway.port).call(f"/v1/invocations/{root}", key).body)
    assert bill["total_ucr"] == 130


def test_a_listener_that_requires_a_certificate_takes_no_one_without(start_gateway, start_worker, tee):
    gateway = start_gateway([start_worker()], agents=PRICES, tls_extra=", client: require")
    key = gateway.account()
    assert Client(gateway.port, certificate=tee.worker("w-any")).call(f"/ipfs/{LEAF}", key).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError, EOFError)):
        answer = Client(gateway.port).call(f"/ipfs/{LEAF}", key)
        assert answer.status is not None


def test_over_tls_with_a_key_the_token_is_bound_to_the_workers(start_gateway, start_worker, tee):
    hold = Hold()
    worker = start_worker(hold, name="w-bound")
    own = (tee.folder / "w-bound.crt.pem", tee.folder / "w-bound.key.pem")
    stranger = tee.worker("w-stranger")
    gateway = start_gateway([worker], agents=PRICES, tls_extra=", client: request", pool_extra="bound_tokens: true")
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)

    def call(certificate, port=gateway.port, tls=True):
        answer = Client(port, tls=tls, certificate=certificate).call(f"/ipfs/{LEAF}", headers=bearer(token))
        return answer.status if answer.status == 200 else problem(answer)["code"]

    assert call(own) == 200
    assert call(stranger) == "worker-key"
    assert call(None) == "worker-key"
    assert call(None, gateway.plain_port, tls=False) == "worker-key"
    # A key of the caller's own works with any certificate, or none: it is nobody's token.
    assert Client(gateway.port, certificate=stranger).call(f"/ipfs/{LEAF}", key).status == 200
    hold.close(client, stream)


def test_a_token_that_is_not_bound_is_a_bearers_but_another_workers_key_is_refused(start_gateway, start_worker, tee):
    hold = Hold()
    worker = start_worker(hold, name="w-bound")
    stranger = tee.worker("w-stranger")
    gateway = start_gateway([worker], agents=PRICES, tls_extra=", client: request")
    key = gateway.account()
    client, stream, token = hold.open(gateway, key, 500)
    assert Client(gateway.port).call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 200
    answer = Client(gateway.port, certificate=stranger).call(f"/ipfs/{LEAF}", headers=bearer(token))
    assert answer.status == 403 and problem(answer)["code"] == "worker-key"
    hold.close(client, stream)


class Store:
    """A redis-server of the test's own, for gateways that share one."""

    def __init__(self, folder):
        folder.mkdir()
        self.socket = folder / "redis.sock"
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "",
                                         "--appendonly", "yes", "--dir", str(folder)], stdout=subprocess.DEVNULL)
        wait_for(self.socket.exists, 5, "redis-server")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def two_gateways(tmp_path, start_gateway, workers, agents):
    store = Store(tmp_path / "store")
    extra = f"redis: {{address: \"unix:{store.socket}\"}}\nsecrets_dir: {tmp_path}/secrets"
    gateways = [start_gateway(workers, name=f"gw{i}", agents=agents, extra=extra) for i in range(2)]
    return store, gateways


def test_over_two_gateways_money_for_ten_runs_exactly_ten_of_200(tmp_path, start_gateway, start_worker):
    worker = start_worker()
    store, gateways = two_gateways(tmp_path, start_gateway, [worker],
                                   {"*": {"pool": "demo", "price": {"call": 1000000}}})
    key = gateways[0].account(credits="10")

    def twenty(i):
        client = Client(gateways[i % 2].port)
        streams = [client.request(f"/ipfs/{ROOT}", key) for _ in range(20)]
        return [client.wait(stream).status for stream in streams]

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        statuses = sum(threads.map(twenty, range(10)), [])
    assert statuses.count(200) == 10 and statuses.count(402) == 190
    assert len(worker.requests) == 10
    for gateway in gateways:
        after = gateway.settled()
        assert after["available_ucr"] == 0 and after["spent_ucr"] == 10000000
    store.stop()


def test_a_token_of_one_gateway_is_good_at_another_of_the_same_redis(tmp_path, start_gateway, start_worker):
    hold = Hold()
    store, gateways = two_gateways(tmp_path, start_gateway, [start_worker(hold)], PRICES)
    key = gateways[0].account()
    client, stream, token = hold.open(gateways[0], key, 500)
    other = Client(gateways[1].port)
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 200
    answer = hold.close(client, stream)
    answer = other.call(f"/ipfs/{LEAF}", headers=bearer(token))
    assert answer.status == 403 and problem(answer)["code"] == "parent-not-running"
    assert gateways[1].settled()["spent_ucr"] == 130
    names = [headers["agent-caller"] for headers in hold.seen]
    assert other.call(f"/ipfs/{LEAF}", key).status == 200
    assert hold.seen[-1]["agent-caller"] == names[1]  # the same stranger, whichever gateway and way
    store.stop()


def test_keys_are_made_private_changed_by_reload_and_checked(tmp_path, start_gateway, start_worker):
    hold = Hold()
    gateway = start_gateway([start_worker(hold)], agents=PRICES)
    key = gateway.account()
    keys = gateway.folder / "state/secrets/invocation-keys"
    assert keys.stat().st_mode & 0o777 == 0o600
    client, stream, token = hold.open(gateway, key, 500)
    other = Client(gateway.port)
    old = keys.read_text()
    secret = old.split()[-1]
    assert secret not in gateway.process_log()

    def reload(text):
        keys.write_text(text)
        count = gateway.process_log().count('"reload')
        gateway.reload()
        wait_for(lambda: gateway.process_log().count('"reload') > count, 5, "the reload")

    fresh = "k2 " + "ab" * 32 + "\n"
    reload(fresh + old.splitlines()[-1] + "\n")
    wait_for(lambda: other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 200, 5, "both keys")
    second_client, second, second_token = hold.open(gateway, key, 500)
    assert second_token.startswith("tgt1.k2.")
    reload(fresh + "k3 " + "zz" * 32 + "\n")  # refused: the old ones stay
    assert "reload-refused" in gateway.process_log() and "abab" not in gateway.process_log()
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(second_token)).status == 200
    reload(fresh)
    wait_for(lambda: other.call(f"/ipfs/{LEAF}", headers=bearer(token)).status == 401, 5, "the old key to be gone")
    assert other.call(f"/ipfs/{LEAF}", headers=bearer(second_token)).status == 200
    hold.ended.set()
    assert client.wait(stream).status == 200 and second_client.wait(second).status == 200
