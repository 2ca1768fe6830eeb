"""The metering store over TLS with an ACL user, behind Sentinels, as a Cluster; the sums stay exact when it moves."""
import concurrent.futures
import json
import threading
import time

import pytest

import redis_servers
from gateway import wait_for
from h2client import Client
from redis_servers import RedisError, Server

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
RIGHTS = ["~tg:*", "&*", "+@read", "+@write", "+@scripting", "+ping", "+auth", "+info", "+role", "+time", "+client"]


@pytest.fixture
def servers():
    started = []
    yield started
    for server in started:
        server.stop()


class Load:
    """Callers that call until they are told to stop; how each call came out."""

    def __init__(self, gateway, key, threads=4):
        self.gateway, self.key = gateway, key
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.statuses = []
        self.charged = 0
        self.broken = 0
        self.times = []
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)
        self.threads = [self.pool.submit(self.run) for _ in range(threads)]

    def run(self):
        client = Client(self.gateway.port)
        while not self.over.is_set():
            begun = time.monotonic()
            answer = client.call(f"/ipfs/{CID}", self.key)
            with self.lock:
                self.statuses.append(answer.status)
                self.times.append(time.monotonic() - begun)
                self.broken += answer.status == 200 and not answer.ended
            if answer.status != 200:
                assert answer.status == 503, answer.status
                assert json.loads(answer.body)["code"] == "metering-unavailable"
                assert 1 <= int(answer.headers["retry-after"]) <= 5
                time.sleep(0.02)

    def count(self, status):
        with self.lock:
            return self.statuses.count(status)

    def more(self, status, count, what):
        target = self.count(status) + count
        wait_for(lambda: self.count(status) >= target or any(t.done() for t in self.threads), 20, what)
        for thread in self.threads:
            if thread.done():
                thread.result()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.result(30)


def check_sums(gateway, load):
    """Each whole answer was charged, once, and nothing is held."""
    assert load.broken == 0
    wait_for(lambda: gateway.balance()["held_ucr"] == 0, 20, "no live hold")
    wait_for(lambda: gateway.balance()["spent_ucr"] == 100 * load.count(200), 5,
             f"{load.count(200)} calls paid (now {gateway.balance()})")
    charges = [entry["invocation"] for entry in gateway.ctl("spend", "alice")["entries"]
               if entry["kind"] == "chg"]
    assert len(set(charges)) == len(charges)
    after = gateway.balance()
    assert after["available_ucr"] + after["spent_ucr"] == 10_000_000


def readyz(gateway):
    import http.client
    import socket

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(gateway.socket))

    connection = Local("localhost")
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_store_over_tls_with_a_client_certificate_and_an_acl_user(tmp_path, start_gateway, start_worker, servers):
    tls = redis_servers.make_tls(tmp_path / "tls")
    port = redis_servers.free_port()
    server = Server(tmp_path / "redis", "--port", "0", "--tls-port", port, "--tls-cert-file", tls / "server.crt",
                    "--tls-key-file", tls / "server.key", "--tls-ca-cert-file", tls / "ca.crt", port=port,
                    context=redis_servers.context_of(tls))
    servers.append(server)
    server.say("ACL", "SETUSER", "gate", "on", ">open sesame", *RIGHTS)
    server.say("ACL", "SETUSER", "default", "off")
    server.auth = ("gate", "open sesame")
    (tmp_path / "password").write_text("open sesame\n")
    (tmp_path / "wrong").write_text("open barley\n")

    def redis(password="password", **options):
        keys = {"ca": str(tls / "ca.crt"), "certificate": str(tls / "client.crt"), "key": str(tls / "client.key")}
        keys.update(options)
        return "redis: " + json.dumps({"address": f"127.0.0.1:{port}", "user": "gate",
                                       "password_file": str(tmp_path / password),
                                       "tls": {k: v for k, v in keys.items() if v}})

    gateway = start_gateway([start_worker()], extra=redis())
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    assert gateway.settled()["spent_ucr"] == 100
    assert "open sesame" not in gateway.process_log() + gateway.ctl("account", "show", "alice").__str__()

    # What is wrong is told in words, and no call is taken.
    rows = (("gw-secret", redis("wrong"), "refused the password"),
            ("gw-ca", redis(ca=str(tls / "client.crt")), "TLS failed"),
            ("gw-name", redis(name="elsewhere.example"), "certificate is not for elsewhere.example"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        others = list(pool.map(lambda row: start_gateway([], name=row[0], extra=row[1]), rows))
    for row, other in zip(rows, others):
        status, body = readyz(other)
        assert status == 503 and row[2] in body, body
        assert "sesame" not in body and "barley" not in body + other.process_log()


def test_a_store_that_may_delete_money_is_not_used(tmp_path, start_gateway, start_worker, servers):
    server = Server(tmp_path / "redis", "--maxmemory-policy", "allkeys-lru")
    servers.append(server)
    gateway = start_gateway([start_worker()], extra=f"redis: 127.0.0.1:{server.port}")
    status, body = readyz(gateway)
    assert status == 503 and "maxmemory-policy is allkeys-lru" in body
    answer = Client(gateway.port).call(f"/ipfs/{CID}", "tgk_000_" + "a" * 16 + "_" + "b" * 32)
    assert answer.status in (401, 503)
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    wait_for(lambda: readyz(gateway)[0] == 200, 3, "readiness")


def test_after_an_old_backup_no_call_is_taken_until_an_operator_has_looked(start_gateway, start_worker):
    gateway = start_gateway([start_worker()])
    key = gateway.account()
    gateway.stop()
    (gateway.state / "store-distrusted").touch()  # as the run leaves it that found out
    gateway.start()
    status, body = readyz(gateway)
    assert status == 503 and "an operator has to look" in body
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 503 and json.loads(answer.body)["code"] == "metering-unavailable"
    gateway.ctl("credit", "adjust", "alice", "-1", "--ref", "backup", "--note", "spent after the backup")
    assert gateway.ctl("store", "accept", "--i-know", "yes") == {"accepted": True}
    assert gateway.ctl("store", "accept", "--i-know", "yes") == {"accepted": False}
    assert readyz(gateway)[0] == 200
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    assert not (gateway.state / "store-distrusted").exists()
    assert gateway.settled()["spent_ucr"] == 100


def test_a_master_that_dies_is_followed_by_its_replica_and_the_sums_are_exact(tmp_path, start_gateway, start_worker,
                                                                             servers):
    master, replica, sentinels = redis_servers.watched_pair(tmp_path / "redis")
    servers += [master, replica, *sentinels]
    gateway = start_gateway([start_worker()], extra="redis: " + json.dumps(
        {"master": "money", "sentinels": [f"127.0.0.1:{sentinel.port}" for sentinel in sentinels]}))
    key = gateway.account()
    wait_for(lambda: replica.info("slave_repl_offset") == master.info("master_repl_offset"), 5, "the replica")
    load = Load(gateway, key)
    load.more(200, 50, "calls before")
    master.kill()
    load.more(503, 1, "a refusal")
    wait_for(lambda: replica.info("role") == "master", 15, "a new master")
    promoted = time.monotonic()
    load.more(200, 50, "calls after")
    assert time.monotonic() - promoted < 4
    load.stop()
    assert max(load.times) < 2
    check_sums(gateway, load)
    assert replica.info("role") == "master"


def keys_of(node, slot):
    return node.say("CLUSTER", "GETKEYSINSLOT", slot, 1000)


def move(source, target, nodes, slot, pause=0.0):
    """Moves a slot key by key, under whoever uses it."""
    target.say("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.say("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    time.sleep(pause)
    while keys := keys_of(source, slot):
        for key in keys:
            source.say("MIGRATE", "127.0.0.1", target.port, key, 0, 1000)
    time.sleep(pause)
    for node in (target, source, *nodes):
        node.say("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def test_a_slot_that_moves_under_load_costs_nobody_a_credit(tmp_path, start_gateway, start_worker, servers):
    nodes = redis_servers.cluster(tmp_path / "redis")
    servers += nodes
    gateway = start_gateway([start_worker()], extra="redis: " + json.dumps(
        {"cluster": [f"127.0.0.1:{nodes[0].port}", f"127.0.0.1:{redis_servers.free_port()}"]}))
    key = gateway.account()
    for name in ("bob", "carol", "dave", "erin"):  # of other buckets, so of other servers
        gateway.account(name)
    assert len(gateway.ctl("account", "list")["accounts"]) == 5
    slot = nodes[0].say("CLUSTER", "KEYSLOT", "tg:{b%03d}:x" % int(key.split("_")[1], 10))
    index = slot * 3 // 16384
    load = Load(gateway, key)
    load.more(200, 30, "calls before")
    for round in range(4):
        source, target = nodes[(index + round) % 3], nodes[(index + round + 1) % 3]
        move(source, target, nodes, slot, pause=0.15)
        load.more(200, 20, "calls with the slot elsewhere")
    load.stop()
    check_sums(gateway, load)
    seen = "".join(node.say("INFO", "errorstats") for node in nodes)
    assert all(f"errorstat_{word}:" in seen for word in ("MOVED", "ASK", "TRYAGAIN")), seen
    assert "store-gone-back" not in gateway.process_log()


def test_a_cluster_server_that_dies_is_waited_for(tmp_path, start_gateway, start_worker, servers):
    nodes = redis_servers.cluster(tmp_path / "redis")
    servers += nodes
    gateway = start_gateway([start_worker()], extra="redis: " + json.dumps(
        {"cluster": [f"127.0.0.1:{node.port}" for node in nodes]}))
    key = gateway.account()
    slot = nodes[0].say("CLUSTER", "KEYSLOT", "tg:{b%03d}:x" % int(key.split("_")[1], 10))
    home = next(node for node in nodes if keys_of_or_none(node, slot))
    load = Load(gateway, key)
    load.more(200, 30, "calls before")
    home.kill()
    load.more(503, 2, "refusals")
    home.start()
    load.more(200, 30, "calls after")
    load.stop()
    check_sums(gateway, load)


def keys_of_or_none(node, slot):
    try:
        return keys_of(node, slot)
    except RedisError:
        return None
