"""The demo worker's agents, invoked through the gateway by the CID of their bytes."""
import hashlib
import json
import pathlib
import subprocess

import pytest

from gateway import BUILD, wait_for
from h2client import Client

DEMO = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "demo"


def cid_of(agent):
    told = subprocess.run(["node", DEMO / "cid.mjs", DEMO / "agents" / agent], check=True, capture_output=True, text=True)
    return told.stdout.split()[0]


@pytest.fixture
def demo(start_gateway, tee, tmp_path):
    certificate, key = tee.worker("demo")
    state = tmp_path / "agents-state"
    state.mkdir()
    log = open(tmp_path / "worker.out", "wb")
    worker = subprocess.Popen(["node", DEMO / "worker.mjs", "--cert", certificate, "--key", key, "--port", "0", "--host",
                               "127.0.0.1", "--agents", DEMO / "agents", "--state", state, "--tee", tee.folder,
                               "--attest-verify", BUILD / "attest-verify/attest-verify", "--gateway",
                               f"@{tmp_path}/gateway.url", "--gateway-ca", tmp_path / "gw/gw.crt.pem"], stdout=log)
    try:
        def listening():
            assert worker.poll() is None
            lines = (tmp_path / "worker.out").read_text().splitlines()
            return lines and json.loads(lines[0])["listening"]

        port = wait_for(listening, 15, "the worker's port")
        gateway = start_gateway([f"https://127.0.0.1:{port}"], attestation_extra=", challenge: required",
                                agents={"*": {"pool": "demo", "price": {"call": 10, "units": {"tokens": {"price": 2, "cap": 1000}}}}})
        (tmp_path / "gateway.url").write_text(f"{gateway.base}\n")
        yield gateway, gateway.account(), Client(gateway.port)
    finally:
        worker.terminate()
        worker.wait(15)
        log.close()


def test_echo_gets_the_json_contract(demo):
    gateway, key, client = demo
    answer = client.call(f"/ipfs/{cid_of('echo.mjs')}/a/b?x=1&x=2&y=3", key, method="POST", body=b"hello")
    told = json.loads(answer.body)
    assert answer.status == 200
    assert told["method"] == "POST" and told["body"] == "hello"
    assert told["queries"] == {"x": ["1", "2"], "y": ["3"]}


def test_tokens_stream_and_are_charged_by_the_unit(demo):
    gateway, key, client = demo
    answer = client.call(f"/ipfs/{cid_of('tokens.mjs')}?n=5&ms=5", key)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.count(b"data: ") == 6 and b"event: done" in answer.body
    assert answer.trailers["agent-cost"] == str(10 + 5 * 2)
    assert "tokens=5" in answer.trailers["agent-usage"]
    assert gateway.settled()["spent_ucr"] == 20


def test_counter_keeps_its_state_from_call_to_call(demo):
    _, key, client = demo
    cid = cid_of("counter.mjs")
    first = json.loads(client.call(f"/ipfs/{cid}", key, method="POST", body=b'{"add": 2}').body)
    second = json.loads(client.call(f"/ipfs/{cid}", key, method="POST", body=b'{"add": 3}').body)
    assert first == {"count": 2, "calls": 1} and second == {"count": 5, "calls": 2}


def test_upload_sees_every_byte(demo):
    _, key, client = demo
    blob = hashlib.shake_128(b"demo").digest(3 * 1024 * 1024)
    told = json.loads(client.call(f"/ipfs/{cid_of('upload.mjs')}", key, method="POST", body=blob).body)
    assert told == {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}


def test_a_cid_nobody_has_is_the_workers_404(demo):
    _, key, client = demo
    answer = client.call("/ipfs/bafkreifq7pvydk3hwb6p5stsglqtbbnwhvyxwtlrgprgfor24465im5zam", key)
    assert answer.status == 404


def test_the_planner_calls_two_others_and_there_is_one_bill(demo):
    gateway, key, client = demo
    agents = [cid_of("echo.mjs"), cid_of("upload.mjs")]
    path = f"/ipfs/{cid_of('planner.mjs')}?agent={agents[0]}&agent={agents[1]}"
    assert client.call(path, key, method="POST", body=b"task").status == 409  # no budget, no calls
    answer = client.call(path, key, method="POST", body=b"task", headers=[("agent-sub-budget", "5000")])
    assert answer.status == 200, answer.body
    told = json.loads(answer.body)["answers"]
    assert [each["agent"] for each in told] == agents
    assert told[0]["said"]["body"] == "task"
    assert told[1]["said"] == {"bytes": 4, "sha256": hashlib.sha256(b"task").hexdigest()}
    assert gateway.settled()["spent_ucr"] == 40
    bill = json.loads(client.call(f"/v1/invocations/{answer.headers['agent-invocation-id']}", key).body)
    assert (bill["charge_ucr"], bill["subcalls_ucr"], bill["total_ucr"]) == (10, 20, 30)
