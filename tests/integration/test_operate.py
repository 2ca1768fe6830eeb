"""What an operator does to holds and sees of prices and the store."""
import subprocess
import threading

from gateway import BUILD, wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


def run(gateway, *arguments):
    return subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, *map(str, arguments)],
                          capture_output=True, text=True, timeout=40)


def store_of(gateway):
    return next(path for path in gateway.state.rglob("*") if path.is_socket())


def redis(gateway, *arguments):
    return subprocess.run(["redis-cli", "-s", store_of(gateway), *map(str, arguments)], check=True,
                          capture_output=True, text=True).stdout.strip()


def test_a_hold_nobody_ends_is_released_at_its_checkpoint_once(start_gateway, start_worker):
    release = threading.Event()

    async def slow(stream):
        import asyncio
        while not release.is_set():
            await asyncio.sleep(0.01)
        await stream.answer(200, b"done")

    gateway = start_gateway([start_worker(slow)], agents={"*": {"pool": "demo", "price": {"call": 100, "ms": 1}}})
    key = gateway.account()
    gateway.account("bob")
    client = Client(gateway.port)
    call = client.request(f"/ipfs/{CID}", key)
    holds = wait_for(lambda: gateway.ctl("holds", "alice")["holds"], 5, "the hold")
    invocation = holds[0]["invocation"]
    assert run(gateway, "holds", "release", "bob", invocation).returncode == 1
    assert run(gateway, "holds", "release", "alice", "abc").returncode == 1
    assert run(gateway, "holds", "release", "alice", "../x").returncode == 1
    told = gateway.ctl("holds", "release", "alice", invocation)
    assert told["released"] and told["charged_ucr"] == 0  # the price of a call comes with its end or a checkpoint
    assert gateway.ctl("holds", "alice")["holds"] == []
    assert gateway.balance()["held_ucr"] == 0
    again = gateway.ctl("holds", "release", "alice", invocation)
    assert again["released"] is False and again["charged_ucr"] == told["charged_ucr"]
    release.set()
    assert client.wait(call).status == 200
    entry = gateway.ctl("spend", "alice")["entries"][0]
    assert entry["outcome"] == "orphan" and entry["invocation"] == invocation
    assert gateway.balance() == {"available_ucr": 10000000, "held_ucr": 0, "spent_ucr": 0}
    assert '"event":"admin"' in gateway.process_log() and "/holds/" in gateway.process_log()


def test_prices_are_shown_as_they_were_written(start_gateway, start_worker):
    agents = {"*": {"pool": "demo", "price": {"call": 100, "kib_out": 0.25, "units": {"tokens": {"price": "0.000001", "cap": 10}}}},
              CID: {"pool": "demo", "metered": False}}
    gateway = start_gateway([start_worker()], agents=agents)
    told = gateway.ctl("price", "list")
    assert told["complete"] and [agent["cid"] for agent in told["agents"]] == ["*", CID]
    assert told["agents"][0]["call_pcr"] == 100000000 and told["agents"][1]["metered"] is False
    shown = run(gateway, "price", "list").stdout.splitlines()
    assert shown[0].split() == ["POOL", "METERED", "CALL", "MS", "MIB-MS", "KIB-IN", "KIB-OUT", "UNITS", "LEAST",
                                "MEM-MIB", "AGENT"]
    assert "100" in shown[1].split() and "0.25" in shown[1].split() and "tokens=0.000001/10" in shown[1]


def test_a_store_that_may_throw_money_away_is_named(start_gateway, start_worker):
    gateway = start_gateway([start_worker()])
    done = run(gateway, "store", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    told = gateway.ctl("store", "check")
    assert told["good"] and len(told["servers"]) == 1 and len(told["scripts"]) == 16
    server = told["servers"][0]
    assert server["aof"] and server["role"] == "master" and server["maxmemory_policy"] == "noeviction"
    assert abs(server["clock_ahead_ms"]) < 2000 and server["problems"] == []
    redis(gateway, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    redis(gateway, "CONFIG", "SET", "appendonly", "no")
    done = run(gateway, "store", "check")
    assert done.returncode == 1 and "noeviction" in done.stdout and "append-only" in done.stdout
    redis(gateway, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis(gateway, "CONFIG", "SET", "appendonly", "yes")
    assert wait_for(lambda: run(gateway, "store", "check").returncode == 0, 5, "a good store")
