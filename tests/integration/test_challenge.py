"""With `attestation.challenge: required` a worker gets a request only after it has answered the challenge of that very
connection; each way of not answering it is refused with a reason of its own."""
import asyncio
import json

import h2.errors
import pytest

from challenge import Challenger, base64url, exporter
from gateway import Tee, wait_for
from h2client import Client
from worker import Worker

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
REQUIRED = {"attestation_extra": ", challenge: required"}

ANY_CODE = {"accept": [{"tee": "tdx", "any_code": True}], "tcb": {"accepted_status": ["UpToDate"]}}


@pytest.fixture
def challenged(start_gateway, start_worker, tee):
    """A worker that answers challenges, rightly until a test changes that, behind a gateway that wants them."""

    def start(change=lambda challenger: None, **options):
        worker = start_worker(name="w-good", **options)
        worker.attest = challenger = Challenger(tee, "w-good")
        change(challenger)
        gateway = start_gateway([worker], **REQUIRED)
        return gateway, worker, challenger

    return start


def call(gateway, key=None):
    return Client(gateway.port).call(f"/ipfs/{CID}", key or gateway.account())


def challenge_lines(gateway):
    lines = [json.loads(line) for line in gateway.process_log().splitlines()]
    return [line for line in lines if line.get("event") == "challenge"]


def check_refused(gateway, worker, reason, says):
    """One call: 502, nothing reached the worker but the challenge, and log, counter and admin say why."""
    key = gateway.account()
    before = gateway.balance()
    answer = call(gateway, key)
    assert answer.status == 502
    assert json.loads(answer.body)["code"] == "untrusted"
    assert worker.requests == []
    line = gateway.log_of(answer.headers["agent-invocation-id"])
    assert line["outcome"] == "untrusted"
    assert f"{reason}: " in str(line["attempts"]) and says in str(line["attempts"])
    told = challenge_lines(gateway)[0]
    assert told["trusted"] is False and told["reason"] == reason and says in told["detail"] and told["took_ms"] >= 0
    assert gateway.settled() == before


def test_a_worker_that_answers_its_challenge_gets_the_request(challenged):
    gateway, worker, challenger = challenged()
    key = gateway.account()
    assert call(gateway, key).status == 200
    assert len(worker.requests) == 1 and len(worker.challenges) == worker.connections
    assert len(set(challenger.nonces)) == len(challenger.nonces) and len(challenger.nonces[0]) == 32
    told = challenge_lines(gateway)[0]
    assert told["trusted"] is True and told["worker"] and told["pool"] == "demo"
    # The same connection is challenged once, whatever goes over it.
    for _ in range(5):
        assert call(gateway, key).status == 200
    assert len(worker.challenges) == worker.connections


def test_challenges_are_off_unless_asked_for(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker])
    assert call(gateway).status == 200
    assert worker.challenges == []


def test_a_worker_that_does_not_know_the_path_is_refused_with_what_to_do(start_gateway, start_worker):
    worker = start_worker()
    gateway = start_gateway([worker], **REQUIRED)
    check_refused(gateway, worker, "challenge-unknown", "attestation.challenge: off")


def test_an_answer_of_another_connection_is_refused(challenged):
    """The relay: whoever holds the worker's key has its TEE answer over a connection of its own."""
    gateway, worker, _ = challenged(lambda c: setattr(c, "exporter", lambda ssl: bytes(32)))
    check_refused(gateway, worker, "answer-not-bound", "exporter")


def test_an_exporter_of_another_label_is_another_connection(challenged):
    gateway, worker, _ = challenged(lambda c: setattr(c, "exporter", lambda ssl: exporter(ssl, b"EXPORTER-other")))
    check_refused(gateway, worker, "answer-not-bound", "exporter")


def test_an_answer_to_another_nonce_is_refused(challenged):
    gateway, worker, _ = challenged(lambda c: setattr(c, "nonce", lambda nonce: bytes(32)))
    check_refused(gateway, worker, "answer-not-bound", "nonce")


def test_an_answer_for_another_key_is_refused(challenged, tee):
    tee.worker("second")
    gateway, worker, _ = challenged(lambda c: setattr(c, "spki", Challenger(tee, "second").spki))
    check_refused(gateway, worker, "answer-not-bound", "key")


def test_evidence_of_the_other_direction_is_refused(challenged):
    gateway, worker, _ = challenged(lambda c: setattr(c, "label", b"teegate-challenge-gateway-v1\0"))
    check_refused(gateway, worker, "answer-not-bound", "label")


def test_a_replayed_answer_is_refused(challenged, start_gateway):
    """Recorded on one connection, word for word, and sent on the next."""
    gateway, worker, challenger = challenged()
    assert call(gateway).status == 200
    recorded = challenger.answers[0].decode()
    worker.requests.clear()
    challenger.change = lambda answer: recorded
    second = start_gateway([worker], name="second", **REQUIRED)
    check_refused(second, worker, "answer-not-bound", "nonce")


def test_the_challenge_sent_back_is_refused(challenged):
    gateway, worker, challenger = challenged()
    challenger.change = lambda answer: json.dumps({"nonce": base64url(challenger.nonces[-1])})
    check_refused(gateway, worker, "answer-malformed", "sent back")


@pytest.mark.parametrize("text,says", [
    ("", "empty"),
    ("tdx", "not JSON"),
    ("[]", "not a JSON object"),
    ('{"tee":"tdx"', "JSON"),
    ('{"tee":"tdx","evidence":"%%%"}', "base64url"),
    ('{"tee":"other","evidence":"AAAA"}', "tee"),
])
def test_what_is_not_an_answer_is_refused(challenged, text, says):
    gateway, worker, challenger = challenged()
    challenger.change = lambda answer: text
    check_refused(gateway, worker, "answer-malformed", says)


def test_evidence_that_the_policy_does_not_accept_is_refused_by_the_verdicts_word(challenged):
    for_debug = challenged(lambda c: setattr(c, "variant", "debug"))
    check_refused(*for_debug[:2], "debug", "in the answer to the challenge")


def test_a_damaged_quote_is_refused(challenged):
    gateway, worker, _ = challenged(lambda c: setattr(c, "variant", "bad-signature"))
    check_refused(gateway, worker, "quote-signature", "in the answer to the challenge")


def test_other_code_that_the_policy_accepts_too_is_refused(start_gateway, tmp_path):
    tee = Tee(tmp_path / "lenient")
    worker = Worker(*tee.worker("w"))
    (tee.folder / "policy.json").write_text(json.dumps(ANY_CODE))
    worker.attest = Challenger(tee, "w")
    worker.attest.variant = "unlisted"
    gateway = start_gateway([worker], tee=tee, **REQUIRED)
    check_refused(gateway, worker, "answer-other-code", "measurements")
    worker.stop()


def test_another_machine_of_the_same_code_is_refused(challenged, tee):
    """The diversion: a genuine TEE answers for this connection, but not the one the certificate is of."""
    tee.worker("w-elsewhere")
    gateway, worker, _ = challenged(lambda c: setattr(c, "quote_of", "w-elsewhere"))
    check_refused(gateway, worker, "answer-other-instance", "machine")


def test_a_late_answer_is_refused_and_five_seconds_are_enough(challenged):
    gateway, worker, _ = challenged()

    async def never(stream):
        await stream.gone()

    worker.attest = never
    check_refused(gateway, worker, "challenge-late", "5000 ms")
    assert worker.challenges[0].reset_code is not None or worker.challenges[0].connection.closed


def test_half_an_answer_is_refused(challenged):
    gateway, worker, challenger = challenged()

    async def half(stream):
        answer = await challenger.answer_to(await stream.body(), stream.ssl_object)
        await stream.head(200, [("content-length", str(len(answer)))])
        await stream.send(answer[:len(answer) // 2])
        await stream.reset(h2.errors.ErrorCodes.CANCEL)

    worker.attest = half
    check_refused(gateway, worker, "challenge-cut-short", "bytes")


def test_an_answer_above_64_KiB_is_refused_and_one_of_64_KiB_is_read(challenged):
    gateway, worker, challenger = challenged()
    challenger.change = lambda answer: answer + " " * (65536 + 1 - len(answer))
    check_refused(gateway, worker, "challenge-too-large", "65536")
    challenger.change = lambda answer: answer + " " * (65536 - len(answer))
    key = gateway.account("bob")
    wait_for(lambda: call(gateway, key).status == 200, 10, "the refusal's end")


@pytest.mark.parametrize("status", [204, 302, 500, 503])
def test_another_status_is_no_answer(challenged, status):
    gateway, worker, _ = challenged()

    async def answer(stream):
        await stream.answer(status)

    worker.attest = answer
    check_refused(gateway, worker, "challenge-status", f"status {status}")


# --- HTTP/1.1 ---------------------------------------------------------------------------------------------------------


async def read_request(reader):
    """Method and path of the next request, and its body; (None, b"") at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return lines[0].rsplit(" ", 1)[0], await reader.readexactly(int(fields.get("content-length", 0)))


def http11(challenger, requests, cut=None):
    async def serve(reader, writer):
        try:
            while True:
                line, body = await read_request(reader)
                if line == "POST /.well-known/attest":
                    answer = await challenger.answer_to(body, writer.get_extra_info("ssl_object"))
                else:
                    requests.append(line)
                    answer = b"hello"
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer[:cut])
                await writer.drain()
                if cut:
                    return
        except asyncio.IncompleteReadError:
            pass

    return serve


def test_a_worker_of_http11_is_challenged_over_the_connection_it_then_serves(start_gateway, start_worker, tee):
    requests = []
    worker = start_worker(name="w-good", alpn=("http/1.1",))
    challenger = Challenger(tee, "w-good")
    worker.raw = http11(challenger, requests)
    gateway = start_gateway([worker], **REQUIRED)
    key = gateway.account()
    for _ in range(3):
        answer = call(gateway, key)
        assert answer.status == 200 and answer.body == b"hello"
    assert requests == [f"GET /ipfs/{CID}"] * 3
    assert len(challenger.nonces) == worker.connections


def test_half_an_answer_of_http11_is_refused(start_gateway, start_worker, tee):
    requests = []
    worker = start_worker(name="w-good", alpn=("http/1.1",))
    worker.raw = http11(Challenger(tee, "w-good"), requests, cut=100)
    gateway = start_gateway([worker], **REQUIRED)
    check_refused(gateway, worker, "challenge-cut-short", "100 bytes")
    assert requests == []


# --- beside others ----------------------------------------------------------------------------------------------------


def test_the_worker_that_answers_serves_beside_one_that_does_not(start_gateway, start_worker, tee):
    good, silent = start_worker(name="w-good"), start_worker(name="w-silent")
    good.attest = Challenger(tee, "w-good")
    gateway = start_gateway([silent, good], **REQUIRED)
    key = gateway.account()
    for _ in range(10):
        assert call(gateway, key).status == 200
    assert silent.requests == [] and len(good.requests) == 10


def test_a_call_under_way_goes_on_when_a_reload_wants_challenges(start_gateway, start_worker, tee):
    release = asyncio.Event()

    async def slow(stream):
        await stream.head(200)
        await stream.send(b"one ")
        await release.wait()
        await stream.send(b"two")
        await stream.end()

    worker = start_worker(handler=slow, name="w-good")
    worker.attest = Challenger(tee, "w-good")
    gateway = start_gateway([worker])
    key = gateway.account()
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor() as pool:
        first = pool.submit(call, gateway, key)
        wait_for(lambda: worker.requests, 5, "the first call")
        gateway.write_config([worker], attestation_extra=", challenge: required")
        gateway.reload()
        wait_for(lambda: '"event":"reloaded"' in gateway.process_log(), 5, "reload")
        assert worker.challenges == []
        second = pool.submit(call, gateway, key)
        wait_for(lambda: len(worker.requests) == 2, 10, "the second call")
        assert len(worker.challenges) == 1 and worker.connections == 2
        worker.loop.call_soon_threadsafe(release.set)
        assert first.result(10).body == second.result(10).body == b"one two"
    assert worker.requests[0].connection is not worker.requests[1].connection
