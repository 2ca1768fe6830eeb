"""attest-verify --fetch against local servers that answer correctly, late, truncated, with an old document, with
another platform's, and not at all."""
import base64
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from collateral_server import CollateralServer, edited

BUILD = pathlib.Path(os.environ["TEEGATE_BUILD"])
PROGRAM = BUILD / "attest-verify/attest-verify"


def simulate(folder, *options):
    subprocess.run([PROGRAM, "simulate", folder, *options], check=True, capture_output=True)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vendor")
    simulate(folder)
    simulate(folder, "--worker", "enclave", "--tee", "sgx")
    return folder


@pytest.fixture(scope="module")
def document(vendor):
    return json.loads((vendor / "collateral/tdx.json").read_text())


@pytest.fixture
def serve():
    started = []

    def start(*arguments, **options):
        server = CollateralServer(*arguments, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def fetch(vendor, urls, *options, worker="worker", roots=True):
    """Exit status, verdict and standard error of one call."""
    call = [PROGRAM, "cert", vendor / f"{worker}.crt.pem", "--policy", vendor / "policy.json"]
    call += ["--roots", vendor / "roots"] if roots else []
    for url in urls:
        call += ["--fetch-from", url]
    done = subprocess.run([*call, *options], capture_output=True, text=True, timeout=60)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def refused_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def number(text, value):
    return re.sub(r'"tcbEvaluationDataNumber":\d+', f'"tcbEvaluationDataNumber":{value}', text)


@pytest.mark.parametrize("tee,worker", [("tdx", "worker"), ("sgx", "enclave")])
@pytest.mark.parametrize("options", [{}, {"old_names": True}, {"hex_lists": False}])
def test_a_worker_is_trusted_with_what_was_fetched(vendor, serve, tee, worker, options):
    server = serve(json.loads((vendor / f"collateral/{tee}.json").read_text()), tee=tee, **options)
    status, verdict, said = fetch(vendor, [server.url], worker=worker)
    assert (status, verdict["reason"], said.count("\n")) == (0, "trusted", 1), said
    assert len(server.asked) == 4


def test_a_base_may_be_spelt_as_pccs_clients_spell_it(vendor, serve, document):
    server = serve(document)
    assert fetch(vendor, [server.url + "/sgx/certification/v4/"])[0] == 0


def test_nothing_is_asked_for_a_chain_that_does_not_end_in_a_trust_anchor(vendor, serve, document):
    server = serve(document)
    status, verdict, _ = fetch(vendor, [server.url], roots=False)
    assert (status, verdict["reason"]) == (1, "root-unknown")
    assert server.asked == []


def cut(part, status, fields, body):
    return status, {**fields, "Content-Length": str(len(body) + 10)} if part == "qe" else fields, body


def half(part, status, fields, body):
    return status, fields, body[:len(body) // 2] if part == "tcb" else body


def large(part, status, fields, body):
    return status, fields, body + b" " * (2 * 1024 * 1024) if part == "tcb" else body


def endless_large(part, status, fields, body):
    return status, {**fields, "Content-Length": "99999999999"} if part == "tcb" else fields, body


def large_head(part, status, fields, body):
    return status, {**fields, **{f"X-{i}": "x" * 1000 for i in range(140)}} if part == "tcb" else fields, body


def both_names(part, status, fields, body):
    return status, {**fields, "SGX-TCB-Info-Issuer-Chain": "x"} if part == "tcb" else fields, body


def same_name_twice(part, status, fields, body):
    return status, {**fields, "tcb-info-issuer-chain": "x"} if part == "tcb" else fields, body


def nul_in_chain(part, status, fields, body):
    return status, {"TCB-Info-Issuer-Chain": fields["TCB-Info-Issuer-Chain"] + "%00x"} if part == "tcb" else fields, body


def no_chain(part, status, fields, body):
    return status, {} if part == "tcb" else fields, body


def unsigned(part, status, fields, body):
    return status, fields, re.sub(rb',"signature":"[0-9A-Fa-f]*"', b"", body) if part == "qe" else body


def flipped(part, status, fields, body):
    return status, fields, body.replace(b'"svn":5', b'"svn":4', 1) if part == "tcb" else body


def broken_list(part, status, fields, body):
    return status, fields, body[:-1] + bytes([body[-1] ^ 1]) if part == "pckcrl" else body


def elsewhere(part, status, fields, body):
    return 302, {"Location": "http://127.0.0.1:1/"}, b""


def not_found(part, status, fields, body):
    return 404, {}, b"no such platform"


def empty(part, status, fields, body):
    return 200, {}, b""


MISBEHAVIOURS = [(cut, "QE identity was cut off"), (half, "TCB info:"), (large, "TCB info is larger than 2 MiB, or its head"),
                 (endless_large, "TCB info is larger than 2 MiB, or its head"), (large_head, "TCB info is larger than 2 MiB, or its head"),
                 (both_names, "its issuer chain came twice"), (same_name_twice, "its issuer chain came twice"),
                 (nul_in_chain, "its issuer chain is no text"),
                 (no_chain, "TCB info came without its issuer chain"), (unsigned, "QE identity: no signed object"),
                 (flipped, "collateral-signature"), (broken_list, "crl-untrusted"),
                 (elsewhere, "answered with status 302"), (not_found, "answered with status 404"),
                 (empty, "TCB info came without its issuer chain")]


@pytest.mark.parametrize("change,words", MISBEHAVIOURS, ids=[change.__name__ for change, _ in MISBEHAVIOURS])
def test_the_second_endpoint_answers_when_the_first_misbehaves(vendor, serve, document, change, words):
    bad, good = serve(document, change=change), serve(document)
    status, verdict, said = fetch(vendor, [bad.url, good.url])
    assert (status, verdict["reason"]) == (0, "trusted")
    assert bad.url in said and words in said, said
    status, verdict, said = fetch(vendor, [bad.url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert bad.url in verdict["detail"] and words in verdict["detail"], verdict


def test_an_answer_of_just_two_mebibytes_is_not_too_large(vendor, serve, document):
    pad = lambda part, status, fields, body: (status, fields, body.ljust(2 * 1024 * 1024) if part == "tcb" else body)
    assert fetch(vendor, [serve(document, change=pad).url])[0] == 0


def test_the_second_endpoint_answers_when_nobody_listens_at_the_first(vendor, serve, document):
    status, verdict, said = fetch(vendor, [refused_port(), serve(document).url])
    assert (status, verdict["reason"]) == (0, "trusted")
    assert "TCB info" in said


def test_the_second_endpoint_answers_when_the_first_is_late(vendor, serve, document):
    late, good = serve(document, stall_s=25), serve(document)
    begun = time.monotonic()
    status, verdict, said = fetch(vendor, [late.url, good.url])
    assert (status, verdict["reason"]) == (0, "trusted")
    assert "TCB info came too late" in said
    assert 19 < time.monotonic() - begun < 25


def test_a_document_of_another_platform_is_not_taken(vendor, serve, document):
    other = edited(vendor, document, "tcb_info", lambda text: re.sub('"fmspc":"..', '"fmspc":"ff', text))
    server = serve(other, change=lambda part, *answer: answer)
    status, verdict, _ = fetch(vendor, [server.url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "collateral-mismatch: the document is of FMSPC ff" in verdict["detail"]


def test_a_document_that_has_ended_is_not_taken(vendor, serve, document, tmp_path):
    ended = edited(vendor, document, "tcb_info",
                   lambda text: re.sub('"nextUpdate":"20..', '"nextUpdate":"2020', text))
    status, verdict, said = fetch(vendor, [serve(ended).url], "--store", tmp_path / "store")
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "collateral-expired" in verdict["detail"]
    assert not list((tmp_path / "store").glob("*.json"))


@pytest.mark.parametrize("part", ["pck_crl", "root_ca_crl"])
def test_a_list_that_has_ended_is_not_taken(vendor, serve, document, tmp_path, part):
    shutil.copytree(vendor, tmp_path / "ended")
    simulate(tmp_path / "ended", "--collateral-days", "-1")
    old = json.loads((tmp_path / "ended/collateral/tdx.json").read_text())
    status, verdict, _ = fetch(vendor, [serve({**document, part: old[part]}).url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "collateral-expired" in verdict["detail"]


def test_an_answer_is_used_though_the_store_is_locked_and_that_is_said(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    with open(store / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, verdict, said = fetch(vendor, [serve(document).url], "--store", store)
    assert (status, verdict["reason"]) == (0, "trusted")
    assert "cannot be locked" in said
    assert [path.name for path in store.iterdir()] == ["lock"]


def test_an_evaluation_number_never_goes_back(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    assert fetch(vendor, [serve(document).url], "--store", store)[0] == 0
    next(store.glob("*.json")).unlink()
    for part in ("tcb_info", "qe_identity"):
        old = serve(edited(vendor, document, part, lambda text: number(text, 19)))
        status, verdict, _ = fetch(vendor, [old.url], "--store", store)
        assert (status, verdict["reason"]) == (1, "collateral-missing")
        assert "an old document" in verdict["detail"] and "19" in verdict["detail"] and "20" in verdict["detail"]
        assert fetch(vendor, [old.url])[0] == 0  # nothing was seen without a store
    assert fetch(vendor, [old.url, serve(document).url], "--store", store)[0] == 0
    next(store.glob("*.json")).unlink()
    newer = serve(edited(vendor, document, "tcb_info", lambda text: number(text, 21)))
    assert fetch(vendor, [newer.url], "--store", store)[0] == 0
    next(store.glob("*.json")).unlink()
    assert "but 21 and 20 were seen" in fetch(vendor, [serve(document).url], "--store", store)[1]["detail"]


def test_a_stored_document_older_than_what_was_seen_is_not_used(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    assert fetch(vendor, [serve(document).url], "--store", store)[0] == 0
    kept = next(store.glob("*.json")).read_bytes()
    (seen,) = store.glob("*.seen")
    assert seen.read_text() == "tcb 20\nqe 20\n"
    seen.write_text("tcb 21\nqe 20\n")
    status, verdict, said = fetch(vendor, [refused_port()], "--store", store)
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "the stored document: an old document" in said
    assert next(store.glob("*.json")).read_bytes() == kept


@pytest.mark.parametrize("text", ["", "tcb 20\n", "tcb x\nqe 20\n", "tcb 4294967296\nqe 20\n", "tcb 20\nqe 20\nmore\n", "x" * 70])
def test_a_broken_list_of_numbers_accepts_nothing(vendor, serve, document, tmp_path, text):
    store = tmp_path / "store"
    assert fetch(vendor, [serve(document).url], "--store", store)[0] == 0
    next(store.glob("*.seen")).write_text(text)
    status, verdict, said = fetch(vendor, [serve(document).url], "--store", store)
    assert (status, verdict) == (2, None)  # older ones than were seen could pass
    assert ".seen" in said


def test_the_store_is_used_until_next_update_and_never_after(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    server = serve(document)
    assert fetch(vendor, [server.url], "--store", store)[0] == 0
    server.stop()
    nobody = refused_port()
    end = json.loads((vendor / "collateral/tdx.json").read_text())["tcb_info"]
    end = re.search(r'"nextUpdate":"([^"]+)"', end).group(1)
    end = int(subprocess.run(["date", "-u", "-d", end, "+%s"], capture_output=True, text=True, check=True).stdout)
    status, verdict, said = fetch(vendor, [nobody], "--store", store)
    assert (status, verdict["reason"]) == (0, "trusted") and nobody not in said
    for second in (end - 1, end):
        status, verdict, said = fetch(vendor, [nobody], "--store", store, "--time", str(second))
        assert (status, verdict["reason"]) == (0, "trusted") and nobody not in said, (verdict, said)
    status, verdict, said = fetch(vendor, [nobody], "--store", store, "--time", str(end + 1))
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "the stored document: collateral-expired" in said and nobody in said


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=pccs", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "crt.pem"], check=True, capture_output=True)
    return folder / "crt.pem", folder / "key.pem"


def test_an_endpoint_with_an_unknown_certificate_is_not_taken_unless_it_is_named(vendor, serve, document, tls):
    server = serve(document, tls=tls)
    status, verdict, said = fetch(vendor, [server.url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "certificate" in verdict["detail"].lower() and server.asked == []
    assert fetch(vendor, [server.url], "--fetch-ca", tls[0])[0] == 0


def test_authorities_for_fetching_without_fetching_are_a_wrong_call(vendor, tmp_path):
    status, _, said = fetch(vendor, [], "--fetch-ca", tmp_path / "x")
    assert status == 2 and "--fetch" in said
    assert not (tmp_path / "x").exists()


def test_a_proxy_of_the_environment_is_not_used(vendor, serve, document, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, refused_port())
    assert fetch(vendor, [serve(document).url])[0] == 0


def test_two_processes_share_one_store(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    server = serve(document)
    call = [PROGRAM, "cert", vendor / "worker.crt.pem", "--policy", vendor / "policy.json", "--roots", vendor / "roots",
            "--fetch-from", server.url, "--store", store]
    running = [subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    assert len(list(store.iterdir())) == 3
    assert fetch(vendor, [refused_port()], "--store", store)[0] == 0


def test_files_of_the_store_are_the_owners_alone(vendor, serve, document, tmp_path):
    store = tmp_path / "store"
    assert fetch(vendor, [serve(document).url], "--store", store)[0] == 0
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    names = sorted(path.name for path in store.iterdir())
    fmspc = json.loads(document["tcb_info"])["fmspc"].lower()
    assert names == ["lock", f"tdx-{fmspc}-platform.json", f"tdx-{fmspc}.seen"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in store.iterdir())


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 100, b" " * (2 * 1024 * 1024 + 1)],
                         ids=["empty", "cut", "zeros", "large"])
def test_a_damaged_stored_document_is_fetched_anew(vendor, serve, document, tmp_path, damage):
    store = tmp_path / "store"
    server = serve(document)
    assert fetch(vendor, [server.url], "--store", store)[0] == 0
    kept = next(store.glob("*.json"))
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert fetch(vendor, [server.url], "--store", store)[0] == 0
    assert kept.read_bytes() == whole
    assert len(server.asked) == 8


@pytest.mark.parametrize("url,words", [
    ("http://192.0.2.1", "allowed is https"), ("http://localhost.example", "allowed is https"),
    ("ftp://127.0.0.1", "allowed is https"), ("file:///etc/passwd", "endpoint"), ("http://user@127.0.0.1", "no user"),
    ("https://h/?a=b", "no user, query or fragment"), ("https://h/#a", "no user, query or fragment"),
    ("https://" + "h" * 600, "too long"), ("", "not a URL"), ("http://128.0.0.1", "allowed is https"),
    ("http://[::2]", "allowed is https")])
def test_an_endpoint_that_may_not_be_asked_is_a_wrong_call(vendor, url, words):
    status, verdict, said = fetch(vendor, [url])
    assert (status, verdict) == (2, None)
    assert words in said, said


@pytest.mark.parametrize("url", ["http://127.8.9.1:1", "http://[::1]:1", "http://localhost:1"])
def test_a_loopback_address_may_be_asked_without_tls(vendor, url):
    status, verdict, _ = fetch(vendor, [url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")


def test_eight_endpoints_are_allowed_and_nine_are_not(vendor):
    nobody = refused_port()
    assert fetch(vendor, [nobody] * 8)[0] == 1
    status, _, said = fetch(vendor, [nobody] * 9)
    assert status == 2 and "more than 8" in said


def test_a_store_that_is_no_folder_is_a_wrong_call(vendor, tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "absent/below", ""):
        status, _, said = fetch(vendor, [refused_port()], "--store", path)
        assert status == 2 and "store:" in said


VECTORS = pathlib.Path(__file__).resolve().parents[3] / "shared/vectors/attest/dcap"


def genuine():
    return sorted(VECTORS.iterdir()) if VECTORS.is_dir() else []


@pytest.mark.skipif(not genuine(), reason="LEFT OUT: genuine evidence is not here")
@pytest.mark.parametrize("case", genuine(), ids=[case.name for case in genuine()])
def test_genuine_evidence_gets_the_same_verdict_with_what_was_fetched(serve, tmp_path, case):
    expected = json.loads((case / "expected.json").read_text())
    document = json.loads((case / "collateral.json").read_text())
    tee = json.loads(document["tcb_info"]).get("id", "SGX").lower()
    server = serve(document, tee=tee, ca="processor" if is_of_processor_ca(document) else "platform")
    call = [PROGRAM, "quote", case / "quote.bin", "--padded", "--time", str(expected["verify_time"])]
    given = subprocess.run([*call, "--collateral", case / "collateral.json"], capture_output=True, text=True)
    fetched = subprocess.run([*call, "--fetch-from", server.url, "--store", tmp_path / "store"], capture_output=True, text=True)
    assert json.loads(fetched.stdout) == json.loads(given.stdout), fetched.stderr
    assert json.loads(given.stdout)["reason"] in ("policy-missing", "tcb-unmatched")
    kept = json.loads(next((tmp_path / "store").glob("*.json")).read_text())
    assert {name: value.strip().lower() for name, value in kept.items()} \
        == {name: document[name].strip().lower() for name in kept}


def is_of_processor_ca(document):
    der = base64.b64decode(document["pck_crl_issuer_chain"].split("-----")[2])
    return b"Intel SGX PCK Processor CA" in der
