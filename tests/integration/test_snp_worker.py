"""Workers in SEV-SNP behind the gateway: trusted with AMD's documents, refused without, challenged like all others."""
import pytest

from challenge import Challenger
from gateway import Tee
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
