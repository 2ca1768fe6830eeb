import pytest

from gateway import Gateway, Tee
from worker import Worker, echo


@pytest.fixture(scope="session")
def tee(tmp_path_factory):
    return Tee(tmp_path_factory.mktemp("tee"))


@pytest.fixture
def start_worker(tee):
    """Starts scripted workers; all are stopped at the end, and a mistake in a handler fails the test."""
    started = []

    def start(handler=echo, variant="good", name=None, **options):
        name = name or f"w-{variant}"
        certificate, key = tee.folder / f"{name}.crt.pem", tee.folder / f"{name}.key.pem"
        if not certificate.exists():
            tee.worker(name, variant)
        worker = Worker(certificate, key, handler, **options)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
        assert worker.mistakes == []


@pytest.fixture
def start_gateway(tmp_path, tee):
    started = []

    def start(workers, name="gw", **options):
        gateway = Gateway(tmp_path / name, options.pop("tee", tee), workers, **options)
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        code = gateway.stop()
        log = gateway.process_log()
        assert code == 0, log[-4000:]
        assert "AddressSanitizer" not in log and "runtime error" not in log and "ThreadSanitizer" not in log, log[-8000:]
