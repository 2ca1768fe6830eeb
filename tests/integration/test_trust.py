"""A worker whose evidence does not verify gets no request: 502 untrusted, and the log says which check failed."""
import base64
import hashlib
import json
import ssl
import subprocess
import urllib.parse

import pytest

from gateway import BUILD, Tee
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


@pytest.mark.parametrize("variant,check", [
    ("no-evidence", "no-evidence"),
    ("other-key", "key-not-bound"),
    ("debug", "debug"),
    ("unlisted", "measurement-not-listed"),
    ("outdated", "tcb-not-accepted"),
    ("bad-signature", "quote-signature"),
])
def test_a_worker_that_does_not_verify_gets_no_request(start_gateway, start_worker, variant, check):
    worker = start_worker(variant=variant)
    gateway = start_gateway([worker])
    key = gateway.account()
    before = gateway.balance()
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 502
    assert b'"code":"untrusted"' in answer.body.replace(b": ", b":")
    assert worker.requests == []
    line = gateway.log_of(answer.headers["agent-invocation-id"])
    assert line["outcome"] == "untrusted"
    assert check in str(line["attempts"])
    assert gateway.settled() == before


def test_expired_collateral_trusts_nobody(start_gateway, start_worker, tmp_path):
    tee = Tee(tmp_path / "expired")
    certificate, key_file = tee.worker("w", "good", "--collateral-days", "-1")
    from worker import Worker
    worker = Worker(certificate, key_file)
    gateway = start_gateway([worker], tee=tee)
    key = gateway.account()
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 502
    assert worker.requests == []
    assert "collateral-expired" in str(gateway.log_of(answer.headers["agent-invocation-id"])["attempts"])
    worker.stop()


def test_a_revoked_worker_gets_no_request(start_gateway, tmp_path):
    from worker import Worker
    tee = Tee(tmp_path / "revoking")
    worker = Worker(*tee.worker("w", "revoked"))
    gateway = start_gateway([worker], tee=tee)
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account())
    assert answer.status == 502
    assert worker.requests == []
    assert "revoked" in str(gateway.log_of(answer.headers["agent-invocation-id"])["attempts"])
    worker.stop()


def test_the_trusted_worker_answers_beside_a_refused_one(start_gateway, start_worker):
    bad = start_worker(variant="debug")
    good = start_worker()
    gateway = start_gateway([bad, good])
    key = gateway.account()
    client = Client(gateway.port)
    for _ in range(10):
        assert client.call(f"/ipfs/{CID}", key).status == 200
    assert bad.requests == []
    assert len(good.requests) == 10


def test_without_simulated_roots_the_simulated_vendor_is_unknown(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace(f", roots: {gateway.tee.folder}/roots", ""))
    gateway.reload()
    from gateway import wait_for
    wait_for(lambda: '"event":"reloaded"' in gateway.process_log(), 5, "reload")
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 502
    assert worker.requests == []
    assert "root-unknown" in str(gateway.log_of(answer.headers["agent-invocation-id"])["attempts"])


def test_a_caller_can_audit_the_evidence_of_the_worker_that_answered(start_gateway, start_worker, tmp_path):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    name = client.call(f"/ipfs/{CID}", key).headers["agent-worker"]
    path = f"/v1/workers/{urllib.parse.quote(name, safe='')}/evidence"
    for _ in range(8):  # whichever lane the connection lands on
        answer = Client(gateway.port).call(path, key)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    shown = json.loads(answer.body)
    assert shown["worker"] == name and "does not authenticate your connection" in shown["notice"]
    (one,) = shown["evidence"]
    assert one["pool"] == "demo" and one["verdict"]["verdict"] == "trusted"
    policy = gateway.tee.folder / "policy.json"
    assert one["policy_sha256"] == hashlib.sha256(policy.read_bytes()).hexdigest()
    presented = ssl.get_server_certificate(("127.0.0.1", worker.port))
    assert ssl.PEM_cert_to_DER_cert(one["certificate"]) == ssl.PEM_cert_to_DER_cert(presented)
    quote = base64.b64decode(one["quotes"][0]["quote"])
    assert hashlib.sha256(quote).hexdigest() == one["verdict"]["evidence_sha256"]
    # What is shown judges the same elsewhere.
    (tmp_path / "shown.pem").write_text(one["certificate"])
    done = subprocess.run([BUILD / "attest-verify/attest-verify", "cert", tmp_path / "shown.pem", "--policy", policy,
                           "--collateral", gateway.tee.folder / "collateral", "--roots", gateway.tee.folder / "roots"],
                          capture_output=True, text=True)
    assert json.loads(done.stdout)["verdict"] == "trusted"
    assert gateway.ctl("workers", "evidence", name)["evidence"] == shown["evidence"]
    table = subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, "workers", "evidence", name],
                           capture_output=True, text=True)
    assert table.returncode == 0 and "BEGIN CERTIFICATE" in table.stdout and "trusted" in table.stdout


def test_evidence_is_for_those_with_a_key_and_of_workers_that_were_judged(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    path = f"/v1/workers/127.0.0.1:{worker.port}/evidence"
    client = Client(gateway.port)
    assert client.call(path, key).status == 404
    assert client.call(f"/ipfs/{CID}", key).status == 200
    assert client.call(path, key).status == 200
    assert client.call(path, None).status == 401
    assert client.call(path, "tgk_1_a_b").status == 401
    assert client.call(path, key, method="POST").status == 405
    assert client.call("/v1/workers/nobody/evidence", key).status == 404
    assert client.call("/v1/workers/" + "x" * 200 + "/evidence", key).status == 404
    read_only = gateway.ctl("key", "mint", "alice", "--scopes", "read")["key"]
    assert client.call(path, read_only).status == 200


def test_a_refused_workers_evidence_says_what_is_wrong_with_it(start_gateway, start_worker):
    worker = start_worker(variant="debug")
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    assert client.call(f"/ipfs/{CID}", key).status == 502
    shown = json.loads(client.call(f"/v1/workers/127.0.0.1:{worker.port}/evidence", key).body)
    assert shown["evidence"][0]["verdict"]["verdict"] == "refused"
    assert shown["evidence"][0]["verdict"]["reason"] == "debug"
