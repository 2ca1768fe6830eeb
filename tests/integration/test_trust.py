"""A worker whose evidence does not verify gets no request: 502 untrusted, and the log says which check failed."""
import pytest

from gateway import Tee
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
