"""Idempotency-Key: the same request twice is one call, whatever breaks between."""
import asyncio
import base64
import concurrent.futures
import hashlib
import json
import os
import signal
import subprocess
import threading

from gateway import wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
AGENT = {"pool": "demo", "price": {"call": 100}}


def problem(answer):
    assert answer.headers["content-type"].startswith("application/problem+json"), (answer.status, answer.body)
    return json.loads(answer.body)


def code(answer):
    return problem(answer)["code"]


def keyed(key="k1", *more):
    return [("idempotency-key", key), *more]


def digest(body, name="sha-256"):
    value = base64.b64encode(hashlib.new(name.replace("-", ""), body).digest()).decode()
    return ("content-digest", f"{name}=:{value}:")


class Count:
    """Answers at once, or when told to, and counts how often it was asked."""

    def __init__(self, waits=False, status=200):
        self.count = 0
        self.bodies = []
        self.status = status
        self.goes_on = threading.Event()
        if not waits:
            self.goes_on.set()

    async def __call__(self, stream):
        self.count += 1
        body = await stream.body()
        if stream.reset_code is not None:
            return
        self.bodies.append(body)
        while not self.goes_on.is_set() and stream.reset_code is None:
            await asyncio.sleep(0.005)
        await stream.answer(self.status, b"answer %d" % self.count)


def test_a_request_asked_again_is_neither_run_nor_charged_again(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client = Client(gateway.port)
    first = client.call(f"/ipfs/{CID}/a?b", key, method="POST", body=b"x", headers=keyed('"k1"'))
    assert first.status == 200 and {**first.headers, **first.trailers}["agent-cost"] == "100"
    for spelling in ("k1", '"k1"'):
        again = client.call(f"/ipfs/{CID}/a?b", key, method="POST", body=b"x", headers=keyed(spelling))
        told = problem(again)
        assert again.status == 409 and told["code"] == "idempotency-result-not-stored"
        assert told["invocation"] == first.headers["agent-invocation-id"] == again.headers["agent-invocation-id"]
        assert (told["original-status"], told["original-cost"], told["original-outcome"]) == (200, 100, "ok")
        assert told["retryable"] is False and "retry-after" not in again.headers
    other = client.call(f"/ipfs/{CID}/a?b", key, method="POST", body=b"x", headers=keyed("k2"))
    assert other.status == 200 and other.headers["agent-invocation-id"] != told["invocation"]
    assert count.count == 2
    assert gateway.settled()["spent_ucr"] == 200
    # Whose key it is counts: another account's is another call.
    bob = gateway.account("bob")
    assert client.call(f"/ipfs/{CID}/a?b", bob, method="POST", body=b"x", headers=keyed("k1")).status == 200
    told = json.loads(client.call(f"/v1/invocations/{told['invocation']}", key).body)
    assert told["charge_ucr"] == 100


def test_another_request_under_the_same_key_is_refused(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client = Client(gateway.port)
    path = f"/ipfs/{CID}/a?b"
    assert client.call(path, key, method="POST", body=b"x", headers=keyed()).status == 200
    others = [dict(path=path, method="PUT", body=b"x"), dict(path=f"/ipfs/{CID}/a?c", method="POST", body=b"x"),
              dict(path=f"/ipfs/{CID}/a", method="POST", body=b"x"), dict(path=path, method="POST", body=b"y"),
              dict(path=path, method="POST", body=b""), dict(path=path, method="POST", body=b"x", more=("agent-max-cost", "500"))]
    for other in others:
        path_of, more = other.pop("path"), other.pop("more", None)
        answer = client.call(path_of, key, headers=keyed("k1", *([more] if more else [])), **other)
        assert answer.status == 422 and code(answer) == "idempotency-mismatch", other
    # The same CID in another spelling is the same request.
    spelled = "f01551220" + base64.b32decode(CID[1:].upper() + "=" * (-len(CID[1:]) % 8))[4:].hex()
    assert client.call(f"/ipfs/{spelled}/a?b", key, method="POST", body=b"x", headers=keyed()).status == 409
    assert count.count == 1 and gateway.settled()["spent_ucr"] == 100


def test_a_key_that_is_none_is_refused_for_free(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client = Client(gateway.port)
    for bad in ('""', "", '"a', 'a"', '"a" b', "a b", "a,b", "a;b=1", '"a\\b"', "x" * 256, '"' + "x" * 256 + '"', "caf\u00e9"):
        answer = client.call(f"/ipfs/{CID}", key, headers=keyed(bad))
        assert answer.status == 400 and code(answer) == "bad-idempotency-key", bad
    twice = client.call(f"/ipfs/{CID}", key, headers=[*keyed("a"), *keyed("a")])
    assert twice.status == 400
    assert count.count == 0
    for good in ("x" * 255, '"' + "x" * 255 + '"', '"a b,c;d"', "8e03978e-40d5-43dd-bc93-6894a57f9324"):
        client.call(f"/ipfs/{CID}", key, headers=keyed(good))
    assert count.count == 3


def test_while_the_first_runs_the_second_is_told_to_come_back(start_gateway, start_worker):
    count = Count(waits=True)
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client, other = Client(gateway.port), Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key, headers=keyed())
    wait_for(lambda: count.count == 1, 5, "the call at its worker")
    for _ in range(3):
        answer = other.call(f"/ipfs/{CID}", key, headers=keyed())
        assert answer.status == 409 and code(answer) == "idempotency-in-progress"
        assert int(answer.headers["retry-after"]) >= 1 and problem(answer)["retryable"] is True
    assert other.call(f"/ipfs/{CID}/other", key, headers=keyed()).status == 422
    count.goes_on.set()
    assert client.wait(stream).status == 200
    assert code(other.call(f"/ipfs/{CID}", key, headers=keyed())) == "idempotency-result-not-stored"
    assert count.count == 1 and gateway.settled()["spent_ucr"] == 100


def test_a_call_that_never_ran_may_be_asked_again(start_gateway, start_worker):
    count = Count()
    worker = start_worker(count)
    gateway = start_gateway([worker], extra="place_timeout: 200ms")
    key = gateway.account()
    poor = gateway.account("poor", "0")
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", poor, headers=keyed()).status == 402
    gateway.ctl("credit", "add", "poor", "1", "--ref", "late")
    assert client.call(f"/ipfs/{CID}", poor, headers=keyed()).status == 200
    gateway.stop()
    gateway.write_config(["https://127.0.0.1:9"])
    gateway.start()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key, headers=keyed()).status in (502, 503)
    gateway.settled()
    gateway.stop()
    gateway.write_config([worker])
    gateway.start()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key, headers=keyed()).status == 200
    assert count.count == 2 and gateway.settled()["spent_ucr"] == 100


def test_many_at_once_over_two_gateways_are_one_call(start_gateway, start_worker, tmp_path):
    count = Count(waits=True)
    worker = start_worker(count)
    first = start_gateway([worker])
    key = first.account()
    socket = wait_for(lambda: next(iter(first.state.glob("**/redis*.sock")), None), 5, "the store's socket")
    second = start_gateway([worker], name="second", extra=f"redis: {{address: 'unix:{socket}'}}")
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        def ask(i):
            return Client((first, second)[i % 2].port).call(f"/ipfs/{CID}", key, method="POST", body=b"x", headers=keyed())

        asked = [pool.submit(ask, i) for i in range(32)]
        wait_for(lambda: sum(one.done() for one in asked) == 31, 15, "31 refusals")
        count.goes_on.set()
        answers = [one.result() for one in asked]
    assert sorted(answer.status for answer in answers) == [200] + [409] * 31
    assert count.count == 1 and first.settled()["spent_ucr"] == 100
    for gateway in (first, second):
        again = Client(gateway.port).call(f"/ipfs/{CID}", key, method="POST", body=b"x", headers=keyed())
        assert code(again) == "idempotency-result-not-stored"


def test_neither_a_killed_gateway_nor_a_restarted_store_makes_two_of_one(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key, headers=keyed()).status == 200
    count.goes_on.clear()
    stream = Client(gateway.port)
    stream.request(f"/ipfs/{CID}", key, headers=keyed("k2"))
    wait_for(lambda: count.count == 2, 5, "the second call at its worker")
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait(10)
    gateway.start()
    client = Client(gateway.port)
    count.goes_on.set()
    again = client.call(f"/ipfs/{CID}", key, headers=keyed())
    assert code(again) == "idempotency-result-not-stored" and problem(again)["original-cost"] == 100
    # The one that died with its gateway runs, as far as anybody knows, until it is reaped; then it has run.
    codes = set()

    def is_reaped():
        codes.add(code(client.call(f"/ipfs/{CID}", key, headers=keyed("k2"))))
        return "idempotency-result-not-stored" in codes

    wait_for(is_reaped, 60, "the orphan's end")
    assert codes <= {"idempotency-in-progress", "idempotency-result-not-stored"}
    told = problem(client.call(f"/ipfs/{CID}", key, headers=keyed("k2")))
    assert told["original-outcome"] == "orphan" and told["original-status"] == 0
    assert count.count == 2 and gateway.settled()["spent_ucr"] == 100 + told["original-cost"]


def test_a_large_body_is_held_to_its_digest(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client = Client(gateway.port)
    large, exact = os.urandom(65537), os.urandom(65536)

    def post(body, *fields, declared=True, name="k1"):
        fields = [*fields, *([("content-length", str(len(body)))] if declared else [])]
        stream = client.request(f"/ipfs/{CID}", key, method="POST", headers=keyed(name, *fields), end=False)
        # The answer may come before the body is taken.
        while body and not client.answers[stream].ended:
            room = min(client.h2.local_flow_control_window(stream), 16384)
            if room > 0:
                client.send(stream, body[:room], end=len(body) <= room)
                body = body[room:]
            else:
                client.read()
        return client.wait(stream)

    for declared in (True, False):
        answer = post(large, declared=declared)
        assert answer.status == 400 and code(answer) == "content-digest-needed"
    assert count.count == 0
    assert post(exact, declared=False, name="exact").status == 200
    assert post(exact, name="exact").status == 409  # however its length was told
    assert count.bodies[-1] == exact
    for name in ("sha-256", "sha-512"):
        for declared in (True, False):
            tag = f"{name}{declared}"
            assert post(large, digest(large, name), declared=declared, name=tag).status == 200
            assert count.bodies[-1] == large
            assert post(large, digest(large, name), declared=not declared, name=tag).status == 409
            assert post(large, digest(large + b"x", name), name=tag).status == 422
    seen = count.count
    spent = gateway.settled()["spent_ucr"]
    # A lie is found at its end, whose end the worker never sees.
    answer = post(large, digest(exact), name="lie")
    assert answer.status == 400 and code(answer) == "content-digest-mismatch"
    wait_for(lambda: count.count == seen + 1, 5, "the worker's part")
    assert len(count.bodies) == seen
    assert gateway.settled()["spent_ucr"] == spent + 100  # it ran
    assert code(post(large, digest(exact), name="lie")) == "idempotency-result-not-stored"
    # Small bodies are looked at before anything is held.
    answer = post(b"abc", digest(b"abd"), name="small")
    assert answer.status == 400 and code(answer) == "content-digest-mismatch" and count.count == seen + 1
    assert post(b"abc", digest(b"abc", "sha-512"), name="small").status == 200
    for bad in ("sha-256=abc", "sha-256=:abc:", "sha-256=:" + "A" * 43 + "B:", "sha-256", ":", "sha-256=::"):
        answer = post(b"abc", ("content-digest", bad), name="bad")
        assert answer.status == 400 and code(answer) == "bad-request", bad


def test_a_caller_who_waits_for_100_continue_is_told_to_go_on(start_gateway, start_worker):
    count = Count()
    gateway = start_gateway([start_worker(count)])
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key, method="POST", headers=keyed("k", ("expect", "100-continue")), end=False)
    # The body is part of the fingerprint, so it is asked for before the hold.
    client.send(stream, b"body")
    assert client.wait(stream).status == 200 and count.bodies == [b"body"]


def test_a_browser_may_send_the_key(start_gateway, start_worker):
    gateway = start_gateway([start_worker(Count())])
    fields = [("origin", "https://app.example"), ("access-control-request-method", "POST"),
              ("access-control-request-headers", "authorization,idempotency-key")]
    answer = Client(gateway.port).call(f"/ipfs/{CID}", method="OPTIONS", headers=fields)
    assert answer.status == 204 and "idempotency-key" in answer.headers["access-control-allow-headers"]


def test_an_agents_keys_are_not_its_callers(start_gateway, start_worker):
    leaf = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    seen = []

    async def act(stream):
        await stream.body()
        token = stream.headers.get("agent-invocation-token")
        if token is None:
            seen.append("leaf")
            await stream.answer(200, b"leaf")
            return

        def call():
            fields = keyed("k1", ("authorization", f"Agent {token}"))
            return [Client(gateway.port).call(f"/ipfs/{leaf}", headers=fields) for _ in range(2)]

        answers = await asyncio.get_running_loop().run_in_executor(None, call)
        await stream.answer(200, json.dumps([answer.status for answer in answers]).encode())

    gateway = start_gateway([start_worker(act)])
    key = gateway.account()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{leaf}", key, headers=keyed("k1")).status == 200
    answer = client.call(f"/ipfs/{CID}", key, headers=keyed("root", ("agent-sub-budget", "500")))
    assert json.loads(answer.body) == [200, 409]
    answer = client.call(f"/ipfs/{CID}", key, headers=keyed("root2", ("agent-sub-budget", "500")))
    assert json.loads(answer.body) == [200, 409]
    assert seen == ["leaf"] * 3


STORING = {"*": {**AGENT, "store_answers": "64KiB"}}


class Varied:
    """An answer of which no two are alike, as large as the path asks."""

    def __init__(self):
        self.count = 0

    async def __call__(self, stream):
        await stream.body()
        self.count += 1
        size = int(stream.path.split("?")[0].rsplit("/", 1)[1])
        body = (b"%d:" % self.count + os.urandom(size))[:size]
        fields = [("content-type", "application/x-test"), ("x-count", str(self.count)), ("set-cookie", "a=b")]
        if "length" in stream.path:
            fields.append(("content-length", str(size)))
        trailers = None if "length" in stream.path else [("x-sum", hashlib.sha256(body).hexdigest())]
        await stream.answer(404 if "missing" in stream.path else 200, body, headers=fields, trailers=trailers)


def test_a_stored_answer_is_given_again_as_it_was(start_gateway, start_worker):
    varied = Varied()
    gateway = start_gateway([start_worker(varied)], agents=STORING)
    key = gateway.account()
    client = Client(gateway.port)
    paths = [f"/ipfs/{CID}/{size}{query}" for size in (0, 1, 1000, 16384, 16385, 60000)
             for query in ("", "?length", "?missing")]
    for path in paths:
        fields = keyed(path)
        first = client.call(path, key, method="POST", body=b"x", headers=fields)
        told = {**first.headers, **first.trailers}
        for tls in (True, False):
            other = Client(gateway.port if tls else gateway.plain_port, tls=tls)
            again = other.call(path, key, method="POST", body=b"x", headers=fields)
            assert (again.status, again.body, again.ended) == (first.status, first.body, True), path
            assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
            for name in ("x-count", "content-type", "agent-invocation-id", "agent-worker", "agent-measurement"):
                assert again.headers[name] == first.headers[name], (path, name)
            assert again.headers["agent-cost"] == told["agent-cost"].split(";")[0] == "100"
            assert again.trailers.get("x-sum") == first.trailers.get("x-sum")
            assert "set-cookie" not in again.headers and "ratelimit" not in again.headers
    assert varied.count == len(paths)
    assert gateway.settled()["spent_ucr"] == 100 * len(paths)
    line = wait_for(lambda: [one for one in gateway.log() if one["outcome"] == "replayed"], 5, "its log line")[0]
    assert line["cost_ucr"] == 0 and line["charged"] is False
    # Another fingerprint is told nothing of it.
    assert client.call(paths[0], key, method="POST", body=b"y", headers=keyed(paths[0])).status == 422


def test_what_is_too_large_or_of_another_agent_is_not_stored(start_gateway, start_worker):
    varied = Varied()
    agents = {**STORING, "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy": AGENT}
    gateway = start_gateway([start_worker(varied)], agents=agents)
    key = gateway.account()
    client = Client(gateway.port)
    for path in (f"/ipfs/{CID}/65536", f"/ipfs/{CID}/200000", f"/ipfs/{CID}/65536?length",
                 "/ipfs/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy/10"):
        assert client.call(path, key, headers=keyed(path)).status == 200
        again = client.call(path, key, headers=keyed(path))
        assert code(again) == "idempotency-result-not-stored", path
    assert varied.count == 4
    # Without a key nothing is kept at all.
    assert client.call(f"/ipfs/{CID}/10", key).status == 200
    assert gateway.ctl("account", "show", "alice")["spent_ucr"] == 500


def redis_of(gateway, *words):
    socket = next(iter(gateway.state.glob("**/redis*.sock")))
    return subprocess.run(["redis-cli", "-s", socket, *words], check=True, capture_output=True).stdout


def test_a_stored_answer_is_sealed_and_another_place_does_not_open_it(start_gateway, start_worker):
    async def secret(stream):
        await stream.body()
        await stream.answer(200, b"the secret answer", headers=[("x-hidden", "hidden-field")])

    gateway = start_gateway([start_worker(secret)], agents=STORING)
    key = gateway.account()
    client = Client(gateway.port)
    ids = [client.call(f"/ipfs/{CID}/{i}", key, headers=keyed(str(i))).headers["agent-invocation-id"] for i in range(3)]
    names = redis_of(gateway, "KEYS", "*rsp:*").split()
    assert sorted(name.decode().rsplit(":", 1)[1] for name in names) == sorted(ids)
    for name in names:
        text = redis_of(gateway, "GET", name)
        assert b"secret" not in text and b"hidden" not in text
        assert 86000 < int(redis_of(gateway, "TTL", name)) <= 86400
    bucket = names[0].decode().rsplit(":", 1)[0]
    redis_of(gateway, "COPY", f"{bucket}:{ids[0]}", f"{bucket}:{ids[1]}", "REPLACE")
    redis_of(gateway, "SETRANGE", f"{bucket}:{ids[2]}", "60", "x")
    assert client.call(f"/ipfs/{CID}/0", key, headers=keyed("0")).body == b"the secret answer"
    for i in (1, 2):
        assert code(client.call(f"/ipfs/{CID}/{i}", key, headers=keyed(str(i)))) == "idempotency-result-not-stored"
    assert b"secret" not in (gateway.folder / "access.log").read_bytes()


def test_a_stored_answer_outlives_the_gateway(start_gateway, start_worker):
    varied = Varied()
    gateway = start_gateway([start_worker(varied)], agents=STORING)
    key = gateway.account()
    first = Client(gateway.port).call(f"/ipfs/{CID}/5000", key, headers=keyed())
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait(10)
    gateway.start()
    again = Client(gateway.port).call(f"/ipfs/{CID}/5000", key, headers=keyed())
    assert again.body == first.body and varied.count == 1
    gateway.settled()
    # When the answer is gone before the call is forgotten, that is said; nothing runs.
    redis_of(gateway, "DEL", *redis_of(gateway, "KEYS", "*rsp:*").split())
    assert code(Client(gateway.port).call(f"/ipfs/{CID}/5000", key, headers=keyed())) == "idempotency-result-not-stored"
    told = json.loads(Client(gateway.port).call("/.well-known/teegate").body)
    assert told["idempotency_key"]["lifetime_s"] == 86400
