"""Refused for money or quota, in a way a program can act on."""
import asyncio
import json
import subprocess
import time

import pytest

from gateway import BUILD
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


def problem(answer):
    assert answer.headers["content-type"].startswith("application/problem+json"), (answer.status, answer.body)
    return json.loads(answer.body)


def limits(answer):
    """RateLimit and RateLimit-Policy as {name: {parameter: value}} (draft-ietf-httpapi-ratelimit-headers-10)."""
    def read(text):
        out = {}
        for item in text.split(", "):
            name, *parameters = item.split(";")
            out[name.strip('"')] = {key: value.strip('"') for key, value in (one.split("=") for one in parameters)}
        return out

    assert "ratelimit" not in answer.trailers and "ratelimit-policy" not in answer.trailers
    return read(answer.headers["ratelimit"]), read(answer.headers["ratelimit-policy"])


def test_402_says_how_much_and_where_to_add_it(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], extra='top_up: {url: "https://pay.example/add?to={account}&x=1"}')
    key = gateway.account("bob.b@x", "0.00005")
    client = Client(gateway.port)
    answer = client.call(f"/ipfs/{CID}", key)
    told = problem(answer)
    assert answer.status == 402 and told["code"] == "insufficient-credit"
    assert (told["required"], told["available"]) == (100, 50)
    assert told["top_up"] == {"url": "https://pay.example/add?to=bob.b@x&x=1"}
    gateway.ctl("credit", "add", "bob.b@x", "0.00005", "--ref", "r2")
    assert client.call(f"/ipfs/{CID}", key).status == 200
    # Where more money does not help nothing is said of it.
    capped = gateway.account("capped", "1", "--max-call", "0.00005")
    told = problem(client.call(f"/ipfs/{CID}", capped))
    assert told["code"] == "insufficient-credit" and "top_up" not in told


def test_without_a_place_to_top_up_nothing_is_told(start_gateway, start_worker):
    gateway = start_gateway([start_worker()])
    told = problem(Client(gateway.port).call(f"/ipfs/{CID}", gateway.account("poor", "0")))
    assert told["code"] == "insufficient-credit" and "top_up" not in told


@pytest.mark.parametrize("url", ["pay.example", "javascript:alert(1)", "https://", "https:///x", "https://a b", "https://a<b"])
def test_a_top_up_url_that_is_none_is_refused(start_gateway, start_worker, url):
    gateway = start_gateway([start_worker()])
    gateway.config.write_text(gateway.config.read_text() + f'\ntop_up: {{url: "{url}"}}\n')
    done = subprocess.run([BUILD / "src/teegate", "-t", "-c", gateway.config], capture_output=True, text=True)
    assert done.returncode != 0 and "top_up.url" in done.stderr, done.stderr


def test_a_rate_says_when_to_come_back_and_means_it(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account("ann", "10", "--rate", "30", "--burst", "3")  # one each two seconds
    client = Client(gateway.port)
    for left in (2, 1, 0):
        answer = client.call(f"/ipfs/{CID}", key)
        now, policy = limits(answer)
        assert answer.status == 200 and now["rate"]["r"] == str(left)
        assert policy["rate"] == {"q": "30", "w": "60"}
        assert ("t" in now["rate"]) == (left == 0)
    refused = client.call(f"/ipfs/{CID}", key)
    at = time.monotonic()
    told = problem(refused)
    now, _ = limits(refused)
    assert refused.status == 429 and told["violated-policies"] == ["rate"]
    assert told["type"].endswith("#quota-exceeded")
    after = int(refused.headers["retry-after"])
    assert 1 <= after <= 2 and after >= int(now["rate"]["t"]) and now["rate"]["r"] == "0"
    # A refusal takes nothing: asked again and again the time does not move away.
    for _ in range(5):
        assert client.call(f"/ipfs/{CID}", key).status == 429
    time.sleep(max(0, at + after - time.monotonic()))
    assert client.call(f"/ipfs/{CID}", key).status == 200
    assert len(worker.requests) == 4 and gateway.settled("ann")["spent_ucr"] == 400


def test_each_limit_has_its_name_and_a_time(start_gateway, start_worker):
    gateway = start_gateway([start_worker()])
    client = Client(gateway.port)
    now = time.gmtime()
    left_today = 86400 - (now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)
    for name, options in (("day", ("--day", "0.0001")), ("month", ("--month", "0.0001"))):
        key = gateway.account(name, "10", *options)
        assert client.call(f"/ipfs/{CID}", key).status == 200
        answer = client.call(f"/ipfs/{CID}", key)
        assert answer.status == 429 and problem(answer)["violated-policies"] == [f"spend-{name}"]
        after = int(answer.headers["retry-after"])
        assert after >= left_today - 5 and after <= (left_today if name == "day" else 31 * 86400)
        assert "ratelimit" not in answer.headers  # the draft has no unit for money
    gateway.ctl("account", "create", "frozen")
    frozen = gateway.ctl("key", "mint", "frozen")["key"]
    gateway.ctl("account", "suspend", "frozen")
    answer = client.call(f"/ipfs/{CID}", frozen)
    assert answer.status == 403 and problem(answer)["code"] == "account-suspended"
    credit = gateway.account("credit", "0", "--credit-line", "0.0002")
    assert [client.call(f"/ipfs/{CID}", credit).status for _ in range(3)] == [200, 200, 402]


def test_units_above_their_cap_are_not_charged_and_count_against_the_worker(start_gateway, start_worker):
    async def greedy(stream):
        await stream.body()
        units = stream.path.rsplit("/", 1)[1]
        field = [("agent-usage", f"tokens={units}")]
        trailing = "trailer" in stream.path
        await stream.answer(200, b"x", headers=[] if trailing else field, trailers=field if trailing else None)

    agents = {"*": {"pool": "demo", "price": {"call": 10, "units": {"tokens": {"price": 2, "cap": 100}}}}}
    gateway = start_gateway([start_worker(greedy)], agents=agents)
    key = gateway.account()
    client = Client(gateway.port)
    spent = 0
    for place in ("field", "trailer"):
        for asked, cap, reported, charged in ((None, 100, 100, 210), (None, 100, 101, 210), (5, 5, 6, 20),
                                              (5, 5, 5, 20), (500, 100, 999999999999999, 210)):
            fields = [] if asked is None else [("agent-max-units", f"tokens={asked}")]
            answer = client.call(f"/ipfs/{CID}/{place}/{reported}", key, headers=fields)
            told = {**answer.headers, **answer.trailers}
            assert answer.headers["agent-cost-ceiling"] == str(10 + 2 * cap)
            assert told["agent-cost"].split(";")[0] == str(charged), (place, asked, reported)
            assert f"tokens={min(cap, reported)}" in told["agent-usage"]
            spent += charged
    assert gateway.settled()["spent_ucr"] == spent
    assert [worker["over_reports"] for worker in gateway.ctl("workers")["workers"]] == [6]


def test_answers_that_failed_may_be_free(start_gateway, start_worker):
    async def fail(stream):
        await stream.body()
        await stream.answer(int(stream.path.rsplit("/", 1)[1]), b"x")

    gateway = start_gateway([start_worker(fail)], agents={"*": {"pool": "demo", "price": {"call": 100}, "free_on": "5xx"}})
    key = gateway.account()
    client = Client(gateway.port)
    for status, cost in ((200, 100), (499, 100), (500, 0), (599, 0)):
        fields = [("idempotency-key", str(status))]
        answer = client.call(f"/ipfs/{CID}/{status}", key, headers=fields)
        assert answer.status == status
        assert {**answer.headers, **answer.trailers}["agent-cost"].split(";")[0] == str(cost)
        # It ran all the same: asked again it does not.
        told = problem(client.call(f"/ipfs/{CID}/{status}", key, headers=fields))
        assert (told["original-status"], told["original-cost"]) == (status, cost)
    assert gateway.settled()["spent_ucr"] == 200


def test_a_rolling_stream_ends_with_its_money_charged_to_the_last_of_it(start_gateway, start_worker):
    async def forever(stream):
        await stream.body()
        await stream.head(200, [("content-type", "text/event-stream")])
        while stream.reset_code is None and not stream.connection.closed:
            await stream.send(b"data: tick\n\n")
            await asyncio.sleep(0.1)

    agents = {"*": {"pool": "demo", "price": {"call": 10, "ms": 1}, "hold": "rolling", "hold_step": "1s",
                    "limits": {"time": 0}}}
    gateway = start_gateway([start_worker(forever)], agents=agents)
    key = gateway.account("ann", "0.003")
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    answer = client.wait(stream, until=lambda answer: len(answer.chunks) > 5)
    held = gateway.balance("ann")["held_ucr"]
    assert 1011 <= held < 3000  # a step, not all there is
    answer = client.wait(stream)
    assert answer.reset is not None and not answer.ended
    assert b"event: error" in answer.body and b'"code":"budget"' in answer.body
    left = gateway.settled("ann")
    line = gateway.log_of(answer.headers["agent-invocation-id"])
    assert line["outcome"] == "budget" and line["cost_ucr"] == left["spent_ucr"] == line["ceiling_ucr"]
    assert 1800 <= left["spent_ucr"] <= 3000 and left["available_ucr"] == 3000 - left["spent_ucr"]
    # More of it in time, and it goes on.
    gateway.ctl("credit", "add", "ann", "1", "--ref", "more")
    stream = client.request(f"/ipfs/{CID}", key)
    client.wait(stream, until=lambda answer: len(answer.chunks) > 35)
    client.reset(stream)
    cost = gateway.settled("ann")["spent_ucr"] - left["spent_ucr"]
    assert 3000 <= cost <= 8000
