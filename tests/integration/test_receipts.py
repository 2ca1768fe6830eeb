"""A caller can prove what it paid for: every settled call has a receipt that verifies offline and equals its ledger entry."""
import asyncio
import base64
import concurrent.futures
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading

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


def certain(call):
    """An answer whose cost was certain in time for its trailers: a busy machine may need another call."""
    return wait_for(lambda: "agent-receipt" in (answer := call()).trailers and answer, 20, "a certain cost")


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
    answer = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}/a", key, method="POST", body=b"y" * 100000))
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
    assert record["attempts"] == 1 and record["sequence"] >= 2
    assert record["policy"] == digest((gateway.tee.folder / "policy.json").read_bytes())
    check_entry(record, gateway.ctl("spend", "alice")["entries"][0])
    # Asked for later, the record is the same, byte for byte; the signature is another one's.
    later = shown(gateway, key, record["invocation"])["receipt"]
    assert later.split(".")[0] == receipt.split(".")[0]
    request, response = gateway.folder / "request", gateway.folder / "response"
    request.write_bytes(b"y" * 100000)
    response.write_bytes(answer.body)
    for each in (receipt, later):
        told = verify(gateway, each, "--evidence", gateway.tee.folder / "w-good.crt.pem",
                      "--request-body", request, "--response-body", response)
        assert told["verdict"] == "trusted" and told["record"] == record
        assert told["checked"] == ["signature", "path", "evidence", "request-body", "response-body"]
    response.write_bytes(answer.body[:-1])
    assert verify(gateway, receipt, "--response-body", response, status=1)["reason"] == "receipt-response-body"
    gateway.tee.worker("w-other")
    other = gateway.tee.folder / "w-other.crt.pem"
    assert verify(gateway, receipt, "--evidence", other, status=1)["reason"] == "receipt-evidence"
    assert "record" in verify(gateway, receipt) and "record" not in verify(gateway, receipt[:-1] + "B", status=1)


def test_a_changed_receipt_is_refused_whatever_was_changed(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    receipts = []
    for _ in range(2):
        answer = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key))
        receipts.append(answer.trailers["agent-receipt"])
    parts = [receipt.split(".") for receipt in receipts]
    verify(gateway, receipts[0] + "\n")
    for i in range(5):  # a part of another call's
        if parts[0][i] == parts[1][i]:
            continue
        assert verify(gateway, ".".join(parts[0][:i] + [parts[1][i]] + parts[0][i + 1:]), status=1)
    forged = record_of(receipts[0]) | {"charge": 1}
    text = base64.urlsafe_b64encode(json.dumps(forged, separators=(",", ":")).encode()).rstrip(b"=").decode()
    assert verify(gateway, ".".join([text] + parts[0][1:]), status=1)["reason"] == "receipt-path"
    assert verify(gateway, "", status=1)["reason"] == "receipt-malformed"
    assert verify(gateway, "A" * 5000, status=1)["reason"] == "receipt-malformed"
    other = start_gateway([worker], name="other")
    assert verify(other, receipts[0], status=1)["reason"] == "receipt-key-unknown"


def test_a_small_answer_over_http1_has_it_as_a_field(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()

    def once():
        answer = httpx.post(f"{gateway.base}/ipfs/{CID}", headers={"authorization": f"Bearer {key}"}, content=b"abc",
                            verify=False)
        assert answer.status_code == 200
        return "agent-receipt" in answer.headers and answer

    answer = wait_for(once, 10, "an answer whose end came with its head")
    record = verify(gateway, answer.headers["agent-receipt"])["record"]
    assert record["response"] == {"sha256": digest(answer.content), "whole": True}
    assert record["request"] == {"sha256": digest(b"abc"), "whole": True}
    assert record["usage"]["out"] == len(answer.content)


def test_http1_with_chunks_has_it_as_a_trailer_and_without_te_afterwards(start_gateway, start_worker):
    async def reply(stream):
        await stream.body()
        await stream.head(200, [("content-type", "text/event-stream")])
        for i in range(20):
            await stream.send(b"data: %d\n\n" % i)
        await stream.end()

    worker = start_worker(reply)
    gateway = start_gateway([worker])
    key = gateway.account()
    body, trailers = wait_for(lambda: "agent-receipt" in (got := raw_http1(gateway, key, "TE: trailers\r\n"))[1] and got,
                              20, "a certain cost")
    record = verify(gateway, trailers["agent-receipt"])["record"]
    assert record["response"] == {"sha256": digest(body), "whole": True}
    assert trailers["agent-cost"] == str(record["charge"])
    body, trailers = wait_for(lambda: (got := raw_http1(gateway, key, ""))[0] and got, 20, "an answer")
    assert trailers == {}
    gateway.settled()
    line = gateway.ctl("spend", "alice")["entries"][0]
    receipt = shown(gateway, key, line["invocation"])["receipt"]
    assert verify(gateway, receipt)["record"]["response"] == {"sha256": digest(body), "whole": True}


def raw_http1(gateway, key, extra):
    """Body and trailers of one chunked answer."""
    with socket.create_connection(("127.0.0.1", gateway.plain_port), timeout=10) as raw:
        raw.sendall(f"GET /ipfs/{CID} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{extra}"
                    "Connection: close\r\n\r\n".encode())
        data = b"".join(iter(lambda: raw.recv(65536), b""))
    head, rest = data.split(b"\r\n\r\n", 1)
    if b" 503 " in head:  # the store was too slow for the hold
        return None, {}
    assert b" 200 " in head and b"chunked" in head
    body = b""
    while True:
        size, rest = rest.split(b"\r\n", 1)
        if int(size, 16) == 0:
            break
        body, rest = body + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    fields = [line.split(": ", 1) for line in rest.decode().split("\r\n") if line]
    return body, {name.lower(): value for name, value in fields}


def test_a_call_that_is_broken_off_has_a_receipt_of_what_passed(start_gateway, start_worker):
    async def reply(stream):
        await stream.head()
        await stream.send(b"x" * 5000)
        await stream.gone()

    worker = start_worker(reply)
    gateway = start_gateway([worker], agents={"*": {"pool": "demo", "price": {"call": 100, "kib_out": 1}}})
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    answer = client.wait(stream, lambda answer: len(answer.body) == 5000)
    client.reset(stream)
    wait_for(lambda: gateway.balance()["spent_ucr"] > 0, 10, "the charge")
    receipt = shown(gateway, key, answer.headers["agent-invocation-id"])["receipt"]
    record = verify(gateway, receipt)["record"]
    assert record["outcome"] == "caller-left" and record["charge"] == 105
    assert record["response"] == {"sha256": digest(b"x" * 5000), "whole": False}
    assert record["request"] == {"sha256": digest(b""), "whole": True}
    check_entry(record, gateway.ctl("spend", "alice")["entries"][0])


def test_an_orphan_has_a_receipt_of_its_last_checkpoint(start_gateway, start_worker):
    async def reply(stream):
        await stream.head()
        await stream.send(b"x" * 5000)
        await stream.gone()

    worker = start_worker(reply)
    gateway = start_gateway([worker], extra="checkpoint: 100ms")
    key = gateway.account()
    client = Client(gateway.port)
    answer = client.wait(client.request(f"/ipfs/{CID}", key), lambda answer: len(answer.body) == 5000)
    wait_for(lambda: gateway.ctl("holds", "alice")["holds"][0]["cost_so_far_ucr"] > 0, 10, "a checkpoint")
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    gateway.start()
    wait_for(lambda: gateway.balance()["spent_ucr"] > 0, 30, "the reaping")
    receipt = shown(gateway, key, answer.headers["agent-invocation-id"])["receipt"]
    record = verify(gateway, receipt)["record"]
    assert record["outcome"] == "orphan" and record["charge"] == 100
    assert record["request"] == record["response"] == {"sha256": "", "whole": False}
    assert record["worker_key"] == "" and record["sequence"] >= 2


def test_calls_that_are_free_or_not_metered_have_one_too(start_gateway, start_worker):
    worker = start_worker()
    other = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    gateway = start_gateway([worker], agents={CID: {"pool": "demo", "price": {}},
                                              other: {"pool": "demo", "metered": False}})
    key = gateway.account(credits="0")
    client = Client(gateway.port)
    free = verify(gateway, certain(lambda: client.call(f"/ipfs/{CID}", key)).trailers["agent-receipt"])["record"]
    assert free["charge"] == 0 and free["ceiling"] == 0 and free["sequence"] >= 1
    answer = certain(lambda: client.call(f"/ipfs/{other}", key))
    record = verify(gateway, answer.trailers["agent-receipt"])["record"]
    assert record["charge"] == 0 and record["sequence"] == 0 and record["cid"] == other
    assert record["response"]["sha256"] == digest(answer.body)


def test_under_load_signatures_are_shared_and_sequences_have_no_gap(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker], extra="lanes: 1")
    key = gateway.account()

    def many(_):
        client = Client(gateway.port)
        ids = [client.request(f"/ipfs/{CID}", key) for _ in range(60)]
        return [client.wait(id) for id in ids]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [answer for some in pool.map(many, range(4)) for answer in some if answer.status == 200]
    gateway.settled()
    trailed = sum("agent-receipt" in answer.trailers for answer in answers)
    receipts = [answer.trailers.get("agent-receipt") or shown(gateway, key, answer.headers["agent-invocation-id"])["receipt"]
                for answer in answers]
    entries = {entry["sequence"]: entry for entry in gateway.ctl("spend", "alice", "--count", "1000")["entries"]}
    records = [record_of(receipt) for receipt in receipts]
    assert sorted(record["sequence"] for record in records) == list(range(2, 2 + len(answers)))
    for record in records:
        check_entry(record, entries[record["sequence"]])
    sizes = [json.loads(unwrap(receipt.split(".")[3]))["size"] for receipt in receipts]
    print(f"{trailed} receipts in trees of up to {max(sizes)}")
    metrics = httpx.Client(transport=httpx.HTTPTransport(uds=str(gateway.socket))).get("http://x/metrics").text
    counted = {name: int(re.search(rf"^teegate_{name}_total (\d+)", metrics, re.M)[1])
               for name in ("receipts", "receipt_roots")}
    assert counted["receipts"] == trailed > 0
    assert counted["receipt_roots"] < trailed / 1.5, counted
    biggest = receipts[sizes.index(max(sizes))]
    assert verify(gateway, biggest)["size"] == max(sizes)
    for receipt in receipts[::24]:
        verify(gateway, receipt)


def test_a_rotated_key_signs_and_the_one_before_still_verifies(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    key = gateway.account()
    before = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key)).trailers["agent-receipt"]
    first = gateway.ctl("receipts", "keys")["signing_kid"]
    assert oct(os.stat(gateway.state / "receipt-key").st_mode & 0o777) == "0o600"
    rotated = gateway.ctl("receipts", "rotate")
    assert rotated["signing_kid"] != first and [each["kid"] for each in rotated["keys"]][1:] == [first]
    after = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key)).trailers["agent-receipt"]
    assert verify(gateway, before)["kid"] == first
    assert verify(gateway, after)["kid"] == rotated["signing_kid"]
    gateway.stop()
    gateway.start()
    shown_keys = json.loads(keys_of(gateway).read_text())["receipt_keys"]["keys"]
    assert [each["kid"] for each in shown_keys][:2] == [rotated["signing_kid"], first]
    assert all(each["kty"] == "OKP" and each["crv"] == "Ed25519" and "d" not in each for each in shown_keys)
    verify(gateway, before)


def test_every_gateway_shows_the_keys_of_all(start_gateway, start_worker):
    worker = start_worker()
    one = start_gateway([worker], name="one")
    store = next(one.state.rglob("redis.sock"))
    two = start_gateway([worker], name="two", extra=f"redis: {{address: 'unix:{store}'}}")
    key = one.account()
    receipt = certain(lambda: Client(one.port).call(f"/ipfs/{CID}", key)).trailers["agent-receipt"]
    kid = one.ctl("receipts", "keys")["signing_kid"]
    wait_for(lambda: kid in keys_of(two).read_text(), 15, "the other gateway's key")
    assert verify(two, receipt)["kid"] == kid
    two.stop()


def test_digests_can_be_turned_off(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker], extra="receipts: {body_digests: false}")
    key = gateway.account()
    answer = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key, method="POST", body=b"abc"))
    record = verify(gateway, answer.trailers["agent-receipt"])["record"]
    assert record["request"] == record["response"] == {"sha256": "", "whole": True}
    (gateway.folder / "body").write_bytes(answer.body)
    told = verify(gateway, answer.trailers["agent-receipt"], "--response-body", gateway.folder / "body", status=1)
    assert told["reason"] == "receipt-response-body"


def test_a_settle_that_comes_late_has_its_receipt_afterwards(start_gateway, start_worker):
    go = threading.Event()

    async def reply(stream):
        await stream.body()
        while not go.is_set():
            await asyncio.sleep(0.01)
        await stream.answer(200, b"late")

    worker = start_worker(reply)
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key, method="POST", body=b"abc")
    wait_for(lambda: len(worker.requests) == 1, 10, "the call at the worker")
    store = int(subprocess.run(["pgrep", "-P", str(gateway.process.pid), "redis-server"], capture_output=True,
                               check=True, text=True).stdout)
    os.kill(store, signal.SIGSTOP)
    try:
        go.set()
        answer = client.wait(stream)
    finally:
        os.kill(store, signal.SIGCONT)
    assert answer.body == b"late" and answer.trailers["agent-cost"] == "100;status=pending"
    assert "agent-receipt" not in answer.trailers
    gateway.settled()
    receipt = shown(gateway, key, answer.headers["agent-invocation-id"])["receipt"]
    record = verify(gateway, receipt, "--evidence", gateway.tee.folder / "w-good.crt.pem")["record"]
    assert record["response"] == {"sha256": digest(b"late"), "whole": True}
    assert record["request"] == {"sha256": digest(b"abc"), "whole": True}
    assert record["outcome"] == "ok" and record["attempts"] == 1


def test_a_call_that_only_the_journal_knew_has_its_receipt_after_the_crash(start_gateway, start_worker):
    go = threading.Event()

    async def reply(stream):
        while not go.is_set():
            await asyncio.sleep(0.01)
        await stream.answer(200, b"journalled")

    worker = start_worker(reply)
    gateway = start_gateway([worker])
    key = gateway.account()
    client = Client(gateway.port)
    stream = client.request(f"/ipfs/{CID}", key)
    wait_for(lambda: len(worker.requests) == 1, 10, "the call at the worker")
    store = int(subprocess.run(["pgrep", "-P", str(gateway.process.pid), "redis-server"], capture_output=True,
                               check=True, text=True).stdout)
    os.kill(store, signal.SIGSTOP)
    go.set()
    answer = client.wait(stream)
    assert answer.body == b"journalled" and answer.ended
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    os.kill(store, signal.SIGKILL)  # stopped, it cannot end by itself
    gateway.start()
    wait_for(lambda: gateway.balance()["spent_ucr"] == 100, 30, "the charge from the journal")
    receipt = shown(gateway, key, answer.headers["agent-invocation-id"])["receipt"]
    record = verify(gateway, receipt)["record"]
    assert record["outcome"] == "ok" and record["response"] == {"sha256": digest(b"journalled"), "whole": True}


def test_calls_below_a_call_have_receipts_that_name_the_tree(start_gateway, start_worker):
    async def reply(stream):
        await stream.body()
        token = stream.headers.get("agent-invocation-token")
        said = b"leaf"
        if token is not None:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(None, lambda: certain(lambda: Client(gateway.port).call(
                f"/ipfs/{CID}/below", headers=[("authorization", f"Agent {token}")])))
            said = answer.trailers["agent-receipt"].encode()
        await stream.answer(200, said)

    gateway = start_gateway([start_worker(reply)])
    key = gateway.account()
    answer = certain(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key, headers=[("agent-sub-budget", "5000")]))
    root = verify(gateway, answer.trailers["agent-receipt"])["record"]
    child = verify(gateway, answer.body.decode())["record"]
    assert root["parent"] == "" and root["root"] == root["invocation"]
    assert child["parent"] == child["root"] == root["invocation"] and child["account"] == "alice"
    gateway.settled()
    for record, receipt in ((root, answer.trailers["agent-receipt"]), (child, answer.body.decode())):
        again = shown(gateway, key, record["invocation"])["receipt"]
        assert again.split(".")[0] == receipt.split(".")[0]
