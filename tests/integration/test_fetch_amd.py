"""attest-verify --fetch of SEV-SNP against local services that answer correctly, late, truncated, with an old list,
with another chip's certificate, and not at all."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from kds_server import KdsServer

BUILD = pathlib.Path(os.environ["TEEGATE_BUILD"])
PROGRAM = BUILD / "attest-verify/attest-verify"
DAY = 86400


def simulate(folder, *options):
    subprocess.run([PROGRAM, "simulate", folder, "--tee", "snp", *options], check=True, capture_output=True)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amd")
    simulate(folder)
    simulate(folder, "--worker", "other")
    simulate(folder, "--worker", "turin", "--product", "turin")
    simulate(folder, "--worker", "envelope", "--convention", "dstack8")
    simulate(folder, "--worker", "cloud", "--convention", "dstack8-v0", "--key", "vlek")
    simulate(folder, "--worker", "bare-cloud", "--key", "vlek")
    return folder


def document_of(vendor, worker="worker"):
    return json.loads((vendor / f"collateral/snp-{worker}.json").read_text())


def report_of(vendor, worker="worker"):
    return (vendor / f"snp/{worker}/report.bin").read_bytes()


@pytest.fixture
def serve(vendor):
    started = []

    def start(worker="worker", document=None, **options):
        server = KdsServer(document or document_of(vendor, worker), report_of(vendor, worker), **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def fetch(vendor, urls, *options, worker="worker", command="cert", roots=True):
    """Exit status, verdict and standard error of one call."""
    evidence = vendor / f"{worker}.crt.pem" if command == "cert" else vendor / f"snp/{worker}/report.bin"
    call = [PROGRAM, command, evidence, "--policy", vendor / "policy.json"]
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


def renewed(vendor, tmp_path, *options, worker="worker"):
    """What AMD says of the same chip in another run: another list, and nothing else is looked at."""
    shutil.copytree(vendor, tmp_path / "again")
    simulate(tmp_path / "again", "--worker", "nobody", *options)
    later = json.loads((tmp_path / "again/collateral/amd-milan-vcek.json").read_text())
    return {**document_of(vendor, worker), "crl": later["crl"]}


@pytest.mark.parametrize("worker", ["worker", "turin"])
@pytest.mark.parametrize("command", ["cert", "snp"])
def test_a_report_is_trusted_with_what_was_fetched(vendor, serve, worker, command):
    server = serve(worker)
    status, verdict, said = fetch(vendor, [server.url], worker=worker, command=command)
    assert (status, verdict["reason"], said.count("\n")) == (0, "trusted", 1), said
    assert [path.rsplit("/", 1)[1] for path in server.asked] == ["crl", "cert_chain", server.leaf_target()]


def test_a_base_may_be_spelt_as_kds_clients_spell_it(vendor, serve):
    assert fetch(vendor, [serve().url + "/vcek/v1/"])[0] == 0


@pytest.mark.parametrize("worker,kind", [("envelope", "vcek"), ("cloud", "vlek")])
def test_what_the_evidence_brings_is_not_asked_for(vendor, serve, tmp_path, worker, kind):
    server = serve(worker, kind=kind)
    status, verdict, said = fetch(vendor, [server.url], "--store", tmp_path / "store", worker=worker)
    assert (status, verdict["reason"]) == (0, "trusted"), said
    assert server.parts_asked() == ["crl", "cert_chain"]
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == \
        ["lock", f"snp-milan-{kind}.json", f"snp-milan-{kind}.seen"]


def test_nobody_is_asked_for_a_vlek_that_did_not_come(vendor, serve):
    server = serve("bare-cloud", kind="vlek")
    status, verdict, _ = fetch(vendor, [server.url], worker="bare-cloud")
    assert (status, verdict["reason"], server.asked) == (1, "collateral-missing", [])
    assert "its cloud only" in verdict["detail"]
    leaf = vendor / "snp/bare-cloud"
    assert fetch(vendor, [server.url], "--collateral", leaf, worker="bare-cloud", command="snp")[0] == 0


def test_nothing_is_asked_for_a_certificate_whose_key_is_not_bound(vendor, serve, tmp_path):
    simulate(tmp_path / "v", "--variant", "other-key")
    server = serve()
    status, verdict, _ = fetch(tmp_path / "v", [server.url])
    assert (status, verdict["reason"], server.asked) == (1, "key-not-bound", [])


def test_an_unknown_root_is_not_taken_from_the_service(vendor, serve):
    status, verdict, said = fetch(vendor, [serve().url], roots=False)
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "root-unknown" in verdict["detail"]


def of_part(which, change):
    def changed(part, status, fields, body):
        return change(status, fields, body) if part == which else (status, fields, body)
    return changed


def flip_last(status, fields, body):
    return status, fields, body[:-1] + bytes([body[-1] ^ 1])


MISBEHAVIOURS = {
    "cut": (of_part("leaf", lambda s, f, b: (s, {**f, "Content-Length": str(len(b) + 10)}, b)), "VCEK was cut off"),
    "half-list": (of_part("crl", lambda s, f, b: (s, f, b[:len(b) // 2])), "crl: not one DER"),
    "half-chain": (of_part("chain", lambda s, f, b: (s, f, b[:len(b) // 2])), "AMD certificate chain: not two PEM"),
    "three-in-chain": (of_part("chain", lambda s, f, b: (s, f, b + b)), "AMD certificate chain: not two PEM"),
    "leaf-and-more": (of_part("leaf", lambda s, f, b: (s, f, b + b"\0")), "VCEK: not one certificate"),
    "broken-list": (of_part("crl", flip_last), "crl-untrusted"),
    "broken-leaf": (of_part("leaf", flip_last), "chain-untrusted"),
    "too-many-asked": (of_part("leaf", lambda s, f, b: (429, {}, b"")), "VCEK answered with status 429"),
    "not-found": (lambda part, s, f, b: (404, {}, b""), "AMD CRL answered with status 404"),
    "elsewhere": (lambda part, s, f, b: (302, {"Location": "http://127.0.0.1:1/"}, b""), "status 302"),
    "empty": (lambda part, s, f, b: (200, {}, b""), "AMD certificate chain: not two PEM"),
    "large": (of_part("crl", lambda s, f, b: (s, f, b + bytes(2 * 1024 * 1024))), "AMD CRL is larger than 2 MiB"),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_the_second_endpoint_answers_when_the_first_misbehaves(vendor, serve, name):
    change, words = MISBEHAVIOURS[name]
    bad, good = serve(change=change), serve()
    status, verdict, said = fetch(vendor, [bad.url, good.url])
    assert (status, verdict["reason"]) == (0, "trusted"), said
    assert bad.url in said and words in said, said
    status, verdict, _ = fetch(vendor, [bad.url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert words in verdict["detail"], verdict


def test_the_second_endpoint_answers_when_the_first_is_late_or_away(vendor, serve):
    late, good = serve(stall_s=25), serve()
    begun = time.monotonic()
    status, verdict, said = fetch(vendor, [refused_port(), late.url, good.url])
    assert (status, verdict["reason"]) == (0, "trusted")
    assert "AMD CRL came too late" in said and 19 < time.monotonic() - begun < 25


def test_another_chips_certificate_is_not_taken(vendor, serve):
    mixed = {**document_of(vendor), "leaf": document_of(vendor, "other")["leaf"]}
    status, verdict, _ = fetch(vendor, [serve(document=mixed).url])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "collateral-mismatch: the document is of another chip" in verdict["detail"]


def test_the_store_is_used_until_the_lists_end_and_then_only_the_list_is_asked_for(vendor, serve, tmp_path):
    store = tmp_path / "store"
    server = serve()
    assert fetch(vendor, [server.url], "--store", store)[0] == 0
    status, verdict, said = fetch(vendor, [refused_port()], "--store", store)
    assert (status, verdict["reason"], said.count("\n")) == (0, "trusted", 1)
    end = verdict["expires"]
    for second in (end - 1, end):
        assert fetch(vendor, [refused_port()], "--store", store, "--time", str(second))[0] == 0
    status, verdict, said = fetch(vendor, [refused_port()], "--store", store, "--time", str(end + 1))
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "the stored document: collateral-expired" in said
    fresh = serve(document=renewed(vendor, tmp_path, "--time", str(end)))
    status, verdict, said = fetch(vendor, [fresh.url], "--store", store, "--time", str(end + 1))
    assert (status, fresh.parts_asked()) == (1, ["crl"]), said  # the worker's own certificate has ended, not AMD's
    assert verdict["reason"] == "certificate-expired"


def test_a_list_never_goes_back(vendor, serve, tmp_path):
    store = tmp_path / "store"
    now = int(time.time())
    assert fetch(vendor, [serve().url], "--store", store)[0] == 0
    (seen,) = store.glob("*.seen")
    first = int(seen.read_text().split()[1])
    assert now - 3 * 3600 < first < now
    next(store.glob("*.json")).unlink()
    old = serve(document=renewed(vendor, tmp_path, "--time", str(now - 2 * DAY)))
    status, verdict, _ = fetch(vendor, [old.url], "--store", store)
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "an old document: its list was issued at" in verdict["detail"] and str(first) in verdict["detail"]
    assert fetch(vendor, [old.url])[0] == 0  # nothing was seen without a store
    assert fetch(vendor, [old.url, serve().url], "--store", store)[0] == 0


def test_a_revocation_reaches_a_stored_document_when_it_is_renewed(vendor, serve, tmp_path):
    store = tmp_path / "store"
    assert fetch(vendor, [serve().url], "--store", store)[0] == 0
    end = fetch(vendor, [refused_port()], "--store", store)[1]["expires"]
    revoked = serve(document=renewed(vendor, tmp_path, "--time", str(end), "--variant", "revoked"))
    status, verdict, said = fetch(vendor, [revoked.url], "--store", store, "--time", str(end + 1))
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "revoked: AMD has revoked" in verdict["detail"], verdict


def test_a_service_of_intel_alone_is_passed_over_by_name(vendor):
    status, verdict, _ = fetch(vendor, ["https://api.trustedservices.intel.com"])
    assert (status, verdict["reason"]) == (1, "collateral-missing")
    assert "none of the endpoints has collateral of snp" in verdict["detail"]


def test_a_masked_chip_or_a_nameless_product_is_said(vendor, serve, tmp_path):
    report = bytearray(report_of(vendor))
    for name, at, blank in (("masked", 0x1a0, 64), ("nameless", 0x188, 3)):
        changed = bytearray(report)
        changed[at:at + blank] = bytes(blank)
        if name == "nameless":
            changed[0] = 2
        (vendor / f"snp/{name}").mkdir(exist_ok=True)
        (vendor / f"snp/{name}/report.bin").write_bytes(changed)
        server = serve()
        status, verdict, _ = fetch(vendor, [server.url], worker=name, command="snp")
        assert (status, server.asked) == (1, [])
        assert ("chip id is zero" if name == "masked" else "version 2 does not say") in verdict["detail"]
