"""A caller can prove what it paid for: every settled call has a receipt that verifies offline and equals its ledger entry."""
import base64
import concurrent.futures
import hashlib
import json
import os
import signal
import subprocess

import httpx

from gateway import BUILD, wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


def unwrap(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def record_of(receipt):
    return json.loads(unwrap(receipt.split(".")[0]))


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def keys_of(gateway):
    keys = gateway.folder / "keys.json"
    keys.write_text(httpx.get(f"{gateway.base}/.well-known/teegate", verify=False).text)
    return keys


def verify(gateway, receipt, *arguments, status=0):
    file = gateway.folder / "receipt.txt"
    file.write_text(receipt)
    done = subprocess.run([BUILD / "attest-verify/attest-verify", "receipt", file, "--keys", keys_of(gateway),
                           *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else None


def shown(gateway, key, invocation):
    answer = httpx.get(f"{gateway.base}/v1/invocations/{invocation}", headers={"authorization": f"Bearer {key}"},
                       verify=False)
    return answer.json() if answer.status_code == 200 else None


def check_entry(record, entry):
    assert record["sequence"] == entry["sequence"]
    assert record["charge"] == -entry["value_ucr"]
    assert record["invocation"] == entry["invocation"]
    assert record["cid"] == entry["cid"] and record["outcome"] == entry["outcome"]
    assert record["status"] == entry["status"] and record["ended"] == entry["time_ms"]
    assert record["ceiling"] == entry["ceiling_ucr"]


def test_trailers_have_a_receipt_of_what_passed_and_the_ledger_agrees(start_gateway, start_worker, tee):
    async def reply(stream):
        await stream.body()
        await stream.head()
        for i in range(5):
            await stream.send(b"x" * 700 * (i + 1))
        await stream.end([("agent-usage", "tokens=7")])

    worker = start_worker(reply)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {
        "call": 100, "kib_out": 5, "units": {"tokens": {"price": 0.5, "cap": 10}}}}})
    key = gateway.account()
    answer = Client(gateway.port).call(f"/ipfs/{CID}/a", key, method="POST", body=b"y" * 100000)
    assert answer.ended and answer.trailers["agent-outcome"] == "ok"
    receipt = answer.trailers["agent-receipt"]
    assert len(receipt) <= 2048
    record = record_of(receipt)
    assert record["invocation"] == answer.headers["agent-invocation-id"] == record["root"]
    assert record["account"] == "alice" and record["cid"] == CID
    assert record["charge"] == int(answer.trailers["agent-cost"])
    assert record["usage"]["in"] == 100000 and record["usage"]["out"] == len(answer.body)
    assert record["usage"]["units"] == {"tokens": 7}
    assert record["request"] == {"sha256": digest(b"y" * 100000), "whole": True}
    assert record["response"] == {"sha256": digest(answer.body), "whole": True}
    assert record["attempts"] == 1 and record["sequence"] == 2
    assert record["policy"] == digest((gateway.tee.folder / "policy.json").read_bytes())
    check_entry(record, gateway.ctl("spend", "alice")["entries"][0])
    # Asked for later, the record is the same, byte for byte; the signature is another one's.
    later = shown(gateway, key, record["invocation"])["receipt"]
    assert later.split(".")[0] == receipt.split(".")[0]


def test_a_small_answer_over_http1_has_it_as_a_field_and_a_stream_as_a_trailer(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    answer = httpx.post(f"{gateway.base}/ipfs/{CID}", headers={"authorization": f"Bearer {key}"}, content=b"abc",
                        verify=False)
    assert answer.status_code == 200
    if "agent-receipt" not in answer.headers:  # the head went before the end had come
        shown(gateway, key, answer.headers["agent-invocation-id"])
        return
    record = record_of(answer.headers["agent-receipt"])
    assert record["response"] == {"sha256": digest(answer.content), "whole": True}
    assert record["request"] == {"sha256": digest(b"abc"), "whole": True}
