"""The gateway's own collateral: fetched from servers that answer correctly, late, truncated, old or not at all; renewed
before it ends; links judged again when it, the policy or a revocation list changes."""
import asyncio
import json
import re
import subprocess
import threading
import time

import pytest

from collateral_server import CollateralServer, edited
from gateway import BUILD, Tee, wait_for
from h2client import Client
from worker import Worker, echo

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


@pytest.fixture
def vendor(tmp_path):
    """A vendor of this test's own, whose documents are here and not in the gateway's configuration."""
    return Tee(tmp_path / "vendor")


@pytest.fixture
def worker(vendor):
    one = Worker(*vendor.worker("w"))
    yield one
    one.stop()
    assert one.mistakes == []


@pytest.fixture
def serve():
    started = []

    def start(document, **options):
        server = CollateralServer(document, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def document_of(vendor):
    return json.loads((vendor.folder / "collateral/tdx.json").read_text())


def ends_in(vendor, document, seconds):
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    return edited(vendor.folder, document, "tcb_info", lambda text: re.sub('"nextUpdate":"[^"]*"', f'"nextUpdate":"{moment}"', text))


def numbered(vendor, document, value):
    return edited(vendor.folder, document, "tcb_info",
                  lambda text: re.sub(r'"tcbEvaluationDataNumber":\d+', f'"tcbEvaluationDataNumber":{value}', text))


def start_fetching(start_gateway, vendor, workers, urls, retry="1s", **options):
    """A gateway that has no collateral but what it fetches, and one lane: views are of the first."""
    extra = f"lanes: 1\ncollateral: {{endpoints: {json.dumps(urls)}, retry: {retry}}}\n"
    named = f"collateral: {vendor.folder / 'collateral'}, "
    return start_gateway(workers, tee=vendor, extra=extra, before=lambda text: text.replace(named, ""), **options)


def call(gateway, key):
    return Client(gateway.port).call(f"/ipfs/{CID}", key)


def state_of(gateway, index=0):
    return gateway.ctl("workers")["workers"][index]


def metric(gateway, name):
    done = subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, "metrics"],
                          capture_output=True, text=True, timeout=20, check=True)
    found = re.search(rf"^teegate_{name} (-?\d+)$", done.stdout, re.M)
    return int(found[1]) if found else None


def trusted(gateway, key, seconds=15):
    return wait_for(lambda: call(gateway, key).status == 200, seconds, "a trusted worker")


def test_the_first_call_waits_for_what_is_fetched(start_gateway, vendor, worker, serve):
    server = serve(document_of(vendor))
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    assert server.asked == []
    assert call(gateway, gateway.account()).status == 200
    assert len(server.asked) == 4
    assert metric(gateway, "collateral_fetches_total") == 1
    assert metric(gateway, "collateral_failures_total") == 0
    assert 86400 < metric(gateway, "collateral_expires_seconds") <= 366 * 86400
    assert '"event":"collateral-fetched"' in gateway.process_log()


def test_calls_that_come_together_cause_one_fetch(start_gateway, vendor, worker, serve):
    server = serve(document_of(vendor), stall_s=0.2)
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(call(gateway, key).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert len(server.asked) == 4


def truncated(part, status, fields, body):
    return status, {**fields, "Content-Length": str(len(body) + 10)}, body


def nothing(part, status, fields, body):
    return 503, {}, b""


@pytest.mark.parametrize("change", [truncated, nothing])
def test_missing_collateral_is_said_honestly_and_heals(start_gateway, vendor, worker, serve, change):
    server = serve(document_of(vendor), change=change)
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    before = gateway.balance()
    for _ in range(8):  # more than it takes to eject a worker
        answer = call(gateway, key)
        problem = json.loads(answer.body)
        assert (answer.status, problem["code"], problem["whose"], problem["retryable"]) == (503, "not-yet-verified", "attestation", True)
        assert "retry-after" in answer.headers
    assert worker.requests == []
    assert gateway.settled() == before
    assert state_of(gateway)["state"] == "attesting"
    assert state_of(gateway)["proof"]["reason"] == "collateral-missing"
    assert server.url in gateway.process_log()
    assert metric(gateway, "collateral_failures_total") >= 1
    server.change = None
    trusted(gateway, key)
    assert '"event":"worker-rests"' not in gateway.process_log()
    assert state_of(gateway)["state"] == "ready"


def test_what_could_not_be_had_is_not_asked_for_again_at_once(start_gateway, vendor, worker, serve):
    server = serve(document_of(vendor), change=nothing)
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url], retry="10m")
    key = gateway.account()
    assert call(gateway, key).status == 503
    asked = len(server.asked)
    time.sleep(5.5)  # the link is tried again after 5 s, and its certificate judged again
    assert call(gateway, key).status == 503
    assert len(server.asked) == asked


def test_an_endpoint_that_cannot_be_reached_is_asked_again_within_seconds(start_gateway, vendor, worker, serve):
    """Unlike one that has answered, which is left alone for ten minutes here."""
    away = serve(document_of(vendor))
    away.stop()
    gateway = start_fetching(start_gateway, vendor, [worker], [away.url], retry="10m")
    key = gateway.account()
    assert call(gateway, key).status == 503
    serve(document_of(vendor), port=away.http.server_port)
    trusted(gateway, key, 20)


def test_the_second_endpoint_answers_when_the_first_does_not(start_gateway, vendor, worker, serve):
    bad, good = serve(document_of(vendor), change=nothing), serve(document_of(vendor))
    gateway = start_fetching(start_gateway, vendor, [worker], [bad.url, good.url])
    assert call(gateway, gateway.account()).status == 200
    assert bad.asked and good.asked


def test_a_late_endpoint_holds_up_no_other_call(start_gateway, start_worker, tee, vendor, worker, serve):
    """One pool's worker waits for its vendor; the other's calls go on at once, on the same lane."""
    late = serve(document_of(vendor), stall_s=4)
    quick = start_worker()
    pools = f"""
  late:
    workers: [{json.dumps(worker.url)}]
    attestation: {{policy: {vendor.folder}/policy.json, roots: {vendor.folder}/roots}}
"""
    gateway = start_gateway([quick], pool_extra=pools, agents={"*": {"pool": "demo"}, CID: {"pool": "late"}},
                            extra=f"lanes: 1\ncollateral: {{endpoints: ['{late.url}'], retry: 1s}}\n")
    key = gateway.account()
    other = "/ipfs/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    assert Client(gateway.port).call(other, key).status == 200
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(call(gateway, key)))
    waiting.start()
    wait_for(lambda: late.asked, 5, "the fetch to begin")
    for _ in range(20):
        begun = time.monotonic()
        assert Client(gateway.port).call(other, key).status == 200
        assert time.monotonic() - begun < 1
    assert answers == []
    waiting.join()
    assert answers[0].status == 503 and b"not-yet-verified" in answers[0].body
    trusted(gateway, key, 30)


def test_a_document_older_than_the_one_seen_is_not_taken(start_gateway, vendor, worker, serve):
    server = serve(numbered(vendor, document_of(vendor), 21))
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    assert call(gateway, key).status == 200
    gateway.stop()
    for kept in (gateway.state / "collateral").rglob("*.json"):
        kept.unlink()
    server.document = document_of(vendor)  # 20
    gateway.start()
    answer = call(gateway, key)
    assert answer.status == 503
    assert "an old document" in gateway.process_log()
    server.document = numbered(vendor, document_of(vendor), 22)
    trusted(gateway, key)


def test_an_older_file_is_refused_by_a_reload_and_by_a_start(start_gateway, vendor, worker):
    file = vendor.folder / "collateral/tdx.json"
    original = file.read_text()
    file.write_text(json.dumps(numbered(vendor, json.loads(original), 30)))
    gateway = start_gateway([worker], tee=vendor, extra="lanes: 1")
    key = gateway.account()
    assert call(gateway, key).status == 200
    file.write_text(original)
    gateway.reload()
    wait_for(lambda: '"event":"reload-refused"' in gateway.process_log(), 5, "the refusal")
    assert "an old document: its evaluation numbers are 20 and 20, but 30 and 20 were seen" in gateway.process_log()
    assert call(gateway, key).status == 200
    gateway.stop()
    done = subprocess.run([BUILD / "src/teegate", "-c", gateway.config], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "an old document" in done.stderr
    file.write_text(json.dumps(numbered(vendor, json.loads(original), 31)))
    gateway.start()
    assert call(gateway, key).status == 200


def test_collateral_is_renewed_before_it_ends_and_the_link_lives_on(start_gateway, vendor, worker, serve):
    document = document_of(vendor)
    server = serve(ends_in(vendor, document, 12))
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    assert call(gateway, key).status == 200
    first = state_of(gateway)["proof"]["expires_at"]
    assert 0 < metric(gateway, "collateral_expires_seconds") <= 12
    server.document = ends_in(vendor, document, 3600)
    wait_for(lambda: state_of(gateway)["proof"]["expires_at"] > first, 10, "a renewed verdict")
    assert time.time() < first
    wait_for(lambda: time.time() > first + 1, 15, "the first end to pass")
    assert call(gateway, key).status == 200
    assert worker.connections == 1
    assert metric(gateway, "verdicts_turned_total") == 0


def test_collateral_that_cannot_be_renewed_is_warned_of_and_never_used_stale(start_gateway, vendor, worker, serve):
    server = serve(ends_in(vendor, document_of(vendor), 10))
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    assert call(gateway, key).status == 200
    ends = state_of(gateway)["proof"]["expires_at"]
    server.change = nothing
    wait_for(lambda: '"event":"collateral-ends-soon"' in gateway.process_log(), 10, "the warning")
    assert time.time() < ends
    assert call(gateway, key).status == 200
    wait_for(lambda: time.time() > ends + 1, 15, "its end")
    served = len(worker.requests)
    answer = call(gateway, key)
    assert answer.status == 503 and b"not-yet-verified" in answer.body
    assert len(worker.requests) == served
    server.change, server.document = None, ends_in(vendor, document_of(vendor), 3600)
    trusted(gateway, key)


@pytest.fixture
def to_be_revoked(vendor):
    """A worker whose platform is revoked by the vendor's files from now on, and the document of before."""
    before = document_of(vendor)
    one = Worker(*vendor.worker("w", "revoked"))
    yield one, before, document_of(vendor)
    one.stop()


def test_a_list_that_revokes_a_worker_in_mid_life_drains_its_link(start_gateway, vendor, to_be_revoked, serve):
    """Seen at the next renewal, and then within a second."""
    worker, document, revoking = to_be_revoked
    server = serve(ends_in(vendor, document, 12))
    gateway = start_fetching(start_gateway, vendor, [worker], [server.url])
    key = gateway.account()
    assert call(gateway, key).status == 200
    assert revoking["pck_crl"] != document["pck_crl"]
    server.document = ends_in(vendor, revoking, 3600)
    shown = wait_for(lambda: (one := state_of(gateway))["state"] == "refused" and one, 12, "the refusal")
    assert shown["proof"]["reason"] == "revoked"
    served = len(worker.requests)
    answer = call(gateway, key)
    assert answer.status == 502 and b"untrusted" in answer.body
    assert "revoked" in str(gateway.log_of(answer.headers["agent-invocation-id"])["attempts"])
    assert len(worker.requests) == served
    assert metric(gateway, "verdicts_turned_total") >= 1


def test_a_list_from_a_file_that_revokes_drains_at_the_reload(start_gateway, vendor, to_be_revoked):
    worker, before, revoking = to_be_revoked
    file = vendor.folder / "collateral/tdx.json"
    file.write_text(json.dumps(before))
    gateway = start_gateway([worker], tee=vendor, extra="lanes: 1")
    key = gateway.account()
    assert call(gateway, key).status == 200
    file.write_text(json.dumps(revoking))
    gateway.reload()
    shown = wait_for(lambda: (one := state_of(gateway))["state"] == "refused" and one, 2, "the refusal")
    assert shown["proof"]["reason"] == "revoked"
    assert call(gateway, key).status == 502


def test_a_policy_that_changes_keeps_the_links_that_it_still_trusts(start_gateway, vendor, worker):
    other = Worker(*vendor.worker("other", "unlisted"))
    policy = vendor.folder / "policy.json"
    strict = json.loads(policy.read_text())
    loose = {**strict, "accept": [{"tee": "tdx", "any_code": True}]}
    policy.write_text(json.dumps(loose))
    gateway = start_gateway([worker, other], tee=vendor, extra="lanes: 1")
    key = gateway.account()
    wait_for(lambda: call(gateway, key).status == 200 and worker.requests and other.requests, 10, "both to be used")
    opened = worker.connections
    policy.write_text(json.dumps(strict))
    gateway.reload()
    wait_for(lambda: state_of(gateway, 1)["state"] == "refused", 3, "the refusal")
    assert state_of(gateway, 1)["proof"]["reason"] == "measurement-not-listed"
    served = len(other.requests)
    for _ in range(10):
        assert call(gateway, key).status == 200
    assert len(other.requests) == served
    assert worker.connections == opened
    assert state_of(gateway, 0)["state"] == "ready"
    policy.write_text(json.dumps(loose))
    gateway.reload()
    wait_for(lambda: state_of(gateway, 1)["state"] == "idle", 3, "what was refused to be forgotten")

    async def slow(stream):
        await asyncio.sleep(0.3)
        await echo(stream)

    worker.handler = slow  # so that the other is the better choice
    wait_for(lambda: call(gateway, key).status == 200 and len(other.requests) > served, 10, "the other to be used again")
    other.stop()


@pytest.mark.parametrize("text,says", [
    ("endpoints: ['http://pccs.example']", "allowed is https"),
    ("endpoints: ['https://user@pccs.example']", "no user, query or fragment"),
    ("endpoints: 7", "endpoint"),
    ("endpoints: {a: b}", "a list of at most 8"),
    ("endpoints: [" + ",".join(["'https://pccs.example'"] * 9) + "]", "a list of at most 8"),
    ("ca_file: /nonexistent.pem", "No such file"),
    ("retry: 10ms", "a duration"),
    ("unknown: 1", "unknown key"),
])
def test_a_wrong_configuration_is_refused_by_the_check(start_gateway, vendor, worker, text, says):
    gateway = start_gateway([worker], tee=vendor, extra="lanes: 1")
    config = gateway.folder / "wrong.yaml"
    config.write_text(gateway.config.read_text() + f"\ncollateral: {{{text}}}\n")
    done = subprocess.run([BUILD / "src/teegate", "-t", "-c", config], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert says in done.stderr and "wrong.yaml:" in done.stderr, done.stderr


def test_nothing_is_fetched_for_files_and_other_roots_unless_an_endpoint_says_so(start_gateway, vendor, worker):
    hidden = vendor.folder / "collateral"
    gateway = start_gateway([worker], tee=vendor, before=lambda text: text.replace(f"collateral: {hidden}, ", ""))
    done = subprocess.run([BUILD / "src/teegate", "-t", "-c", gateway.config], capture_output=True, text=True, timeout=20)
    assert "none is fetched without collateral.endpoints" in done.stdout
    answer = call(gateway, gateway.account())
    assert answer.status == 502 and b"untrusted" in answer.body
    assert metric(gateway, "collateral_fetches_total") == 0
