"""Workers in SEV-SNP behind the gateway: trusted with AMD's documents, refused without, challenged like all others."""
import json
import re
import shutil
import subprocess
import time

import pytest

from challenge import Challenger
from gateway import BUILD, Tee, wait_for
from kds_server import KdsServer
from h2client import Client
from worker import Worker

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"


@pytest.fixture(scope="module")
def amd(tmp_path_factory):
    tee = Tee(tmp_path_factory.mktemp("amd"))
    tee.worker("vcek", "good", "--tee", "snp")
    tee.worker("vlek", "good", "--tee", "snp", "--key", "vlek", "--convention", "dstack8")
    tee.worker("debug", "debug", "--tee", "snp")
    return tee


@pytest.fixture
def start(amd, start_gateway):
    started = []

    def begin(name, tee=None, **options):
        folder = (tee or amd).folder
        worker = Worker(folder / f"{name}.crt.pem", folder / f"{name}.key.pem")
        started.append(worker)
        return worker, lambda: start_gateway([worker], tee=tee or amd, **options)

    yield begin
    for worker in started:
        worker.stop()
        assert worker.mistakes == []


@pytest.mark.parametrize("name", ["vcek", "vlek"])
@pytest.mark.parametrize("challenge", ["off", "required"])
def test_a_good_worker_gets_its_requests(start, amd, name, challenge):
    worker, gateway = start(name, attestation_extra=f", challenge: {challenge}")
    worker.attest = challenger = Challenger(amd, name)
    gateway = gateway()
    assert Client(gateway.port).call(f"/ipfs/{CID}", gateway.account()).status == 200
    assert len(worker.requests) == 1 and len(challenger.answers) == (challenge == "required")


def check_refused(gateway, worker, reason):
    answer = Client(gateway.port).call(f"/ipfs/{CID}", gateway.account())
    assert answer.status == 502 and worker.requests == []
    assert reason in str(gateway.log_of(answer.headers["agent-invocation-id"])["attempts"])


def test_a_debug_guest_gets_no_request(start):
    worker, gateway = start("debug")
    check_refused(gateway(), worker, "debug")


def test_another_chip_does_not_answer_the_challenge(start, amd):
    worker, gateway = start("vcek", attestation_extra=", challenge: required")
    worker.attest = challenger = Challenger(amd, "vcek")
    amd.worker("second", "good", "--tee", "snp")
    challenger.quote_of = "second"
    check_refused(gateway(), worker, "answer-other-instance")


def test_a_worker_under_a_revoked_issuer_gets_no_request(start, tmp_path):
    tee = Tee(tmp_path / "revoking")
    tee.worker("w", "revoked", "--tee", "snp")
    worker, gateway = start("w", tee=tee)
    check_refused(gateway(), worker, "revoked")


def list_of(tee, folder, *options):
    """AMD's list of another run of the same vendor's."""
    shutil.copytree(tee.folder, folder)
    again = Tee.__new__(Tee)
    again.folder = folder
    again.worker("nobody", "good", "--tee", "snp", *options)
    return json.loads((folder / "collateral/amd-milan-vcek.json").read_text())["crl"]


@pytest.fixture
def own(tmp_path):
    tee = Tee(tmp_path / "own")
    tee.worker("w", "good", "--tee", "snp")
    return tee


def test_a_file_with_an_older_list_is_refused_by_a_reload_and_by_a_start(start, own, tmp_path):
    worker, gateway = start("w", tee=own, extra="lanes: 1")
    gateway = gateway()
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    assert "lists" not in gateway.process_log()
    older = list_of(own, tmp_path / "older", "--time", str(int(time.time()) - 2 * 86400))
    kept = {file: file.read_text() for file in (own.folder / "collateral").glob("*.json")}
    for file, text in kept.items():
        document = json.loads(text)
        if document.get("tee") == "snp":
            file.write_text(json.dumps({**document, "crl": older}))
    gateway.reload()
    wait_for(lambda: '"event":"reload-refused"' in gateway.process_log(), 5, "the refusal")
    assert "an old document: its list was issued at" in gateway.process_log()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    gateway.stop()
    done = subprocess.run([BUILD / "src/teegate", "-c", gateway.config], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "an old document" in done.stderr
    for file, text in kept.items():
        file.write_text(text)
    gateway.start()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200


@pytest.fixture
def serve(own):
    started = []

    def begin(**options):
        document = json.loads((own.folder / "collateral/snp-w.json").read_text())
        server = KdsServer(document, (own.folder / "snp/w/report.bin").read_bytes(), **options)
        started.append(server)
        return server

    yield begin
    for server in started:
        server.stop()


def start_fetching(start, own, url, retry="1s"):
    """A gateway that has no collateral but what it fetches from there."""
    named = f"collateral: {own.folder / 'collateral'}, "
    worker, gateway = start("w", tee=own, extra=f"lanes: 1\ncollateral: {{endpoints: ['{url}'], retry: {retry}}}\n",
                            before=lambda text: text.replace(named, ""))
    return worker, gateway()


def test_amds_documents_are_fetched_by_the_gateway_itself(start, own, serve):
    server = serve()
    worker, gateway = start_fetching(start, own, server.url)
    assert server.asked == []
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    assert [path.rsplit("/", 1)[1] for path in server.asked] == ["crl", "cert_chain", server.leaf_target()]
    metrics = subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, "metrics"], capture_output=True,
                             text=True, timeout=20, check=True).stdout
    (left,) = re.findall(r"^teegate_collateral_expires_seconds (\d+)$", metrics, re.M)
    assert 0 < int(left) <= 31 * 86400
    assert '"event":"collateral-fetched","tee":"snp","product":"Milan"' in gateway.process_log()
    gateway.stop()
    server.change = lambda part, status, fields, body: (503, {}, b"")
    gateway.start()  # from the store
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200


def test_without_amds_documents_a_worker_waits_and_heals(start, own, serve):
    server = serve(change=lambda part, status, fields, body: (429, {}, b""))
    worker, gateway = start_fetching(start, own, server.url)
    key = gateway.account()
    answer = Client(gateway.port).call(f"/ipfs/{CID}", key)
    assert answer.status == 503 and b"not-yet-verified" in answer.body and worker.requests == []
    assert "status 429" in gateway.process_log()
    server.change = None
    wait_for(lambda: Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200, 15, "a trusted worker")
