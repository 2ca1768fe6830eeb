"""teegate -t names file, line, key, what was found and what is allowed; a bad reload changes nothing."""
import socket
import subprocess

import pytest

from gateway import BUILD, wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
OTHER = "bafkreifq7pvydk3hwb6p5stsglqtbbnwhvyxwtlrgprgfor24465im5zam"


def check(file):
    return subprocess.run([BUILD / "src/teegate", "-t", "-c", file], capture_output=True, text=True, timeout=20)


@pytest.fixture
def running(start_gateway, start_worker):
    return start_gateway([start_worker()])


def test_a_good_file_passes(running):
    done = check(running.config)
    assert done.returncode == 0, done.stderr
    assert "the configuration is good" in done.stdout
    assert "simulated" in done.stdout  # it says that the roots are not the vendors'


@pytest.mark.parametrize("addition,parts", [
    ("lanse: 2\n", ["lanse", "unknown key"]),
    ("lanes: two\n", ["lanes", '"two"', "a whole number from 0 to 256"]),
    ("callers: {head_timeout: fast}\n", ["callers.head_timeout", '"fast"', "duration"]),
    ("lanes: [\n", ["not YAML"]),
])
def test_what_is_wrong_is_named_with_its_line(running, addition, parts):
    running.config.write_text(running.config.read_text() + addition)
    line = len(running.config.read_text().splitlines()) - addition.count("\n") + 1
    done = check(running.config)
    assert done.returncode != 0
    for part in [str(running.config), *parts]:
        assert part in done.stderr
    if "not YAML" not in parts:
        assert f":{line}:" in done.stderr


@pytest.mark.parametrize("old,new,parts", [
    ("policy.json", "nowhere.json", ["nowhere.json", "No such file"]),
    ("gw.crt.pem", "missing.pem", ["missing.pem"]),
    ("/collateral,", "/no-collateral,", ["no-collateral"]),
    ("https://127.0.0.1", "http://127.0.0.1", ["https://"]),
])
def test_every_file_it_names_is_opened(running, old, new, parts):
    running.config.write_text(running.config.read_text().replace(old, new))
    done = check(running.config)
    assert done.returncode != 0
    for part in parts:
        assert part in done.stderr, done.stderr


def test_a_missing_file_is_named():
    done = check("/nonexistent/teegate.yaml")
    assert done.returncode != 0 and "/nonexistent/teegate.yaml" in done.stderr


def test_a_bad_reload_keeps_what_is_running_and_a_good_one_takes_hold(running, start_worker):
    key = running.account()
    good = running.config.read_text()
    running.config.write_text(good + "lanse: 2\n")
    running.reload()
    wait_for(lambda: '"event":"reload-refused"' in running.process_log(), 5, "the refusal")
    assert "lanse" in running.process_log()
    client = Client(running.port)
    assert client.call(f"/ipfs/{CID}", key).status == 200
    second = start_worker()
    running.write_config([second], agents={CID: {"pool": "demo", "price": {"call": 7}}})
    running.reload()
    wait_for(lambda: '"event":"reloaded"' in running.process_log(), 5, "the reload")
    answer = wait_for(lambda: (got := client.call(f"/ipfs/{CID}", key)).trailers.get("agent-cost") == "7" and got, 5, "new price")
    assert answer.status == 200
    assert client.call(f"/ipfs/{OTHER}", key).status == 404
    assert len(second.requests) >= 1


def test_two_processes_never_share_a_state_folder(running, tmp_path):
    text = running.config.read_text().replace("admin.sock", "other.sock")
    other = tmp_path / "gw" / "other.yaml"
    other.write_text(text)
    done = subprocess.run([BUILD / "src/teegate", "-c", other], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert "state" in done.stderr


def test_a_reload_refuses_what_it_cannot_apply_and_applies_the_rest(running):
    good = running.config.read_text()
    running.config.write_text(good + "log: {level: debug}\n")
    running.reload()
    wait_for(lambda: "they take a restart" in running.process_log(), 5, "the refusal")
    assert '"event":"reloaded"' not in running.process_log()
    running.config.write_text(good + "callers: {connections: 1}\n")
    running.reload()
    wait_for(lambda: '"event":"reloaded"' in running.process_log(), 5, "the reload")
    held = []
    try:
        for _ in range(64):  # one for each lane; the rest is closed at once
            held.append(socket.create_connection(("127.0.0.1", running.plain_port), timeout=5))
            held[-1].settimeout(0.2)

        def is_closed(connection):
            try:
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        assert any(is_closed(connection) for connection in held)
    finally:
        for connection in held:
            connection.close()


def test_generated_secrets_are_warned_of_when_other_gateways_may_share_the_store(running):
    assert "secrets_dir" not in check(running.config).stdout  # embedded: nobody shares it
    text = running.config.read_text() + f"redis: {{address: \"127.0.0.1:1\"}}\n"
    running.config.write_text(text)
    done = check(running.config)
    assert done.returncode == 0 and "warning: secrets_dir" in done.stdout and "were generated" in done.stdout
    folder = running.folder / "state/secrets"
    for name in ("invocation-keys", "agent-caller-key"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(line for line in lines if not line.startswith("#")))
    assert "secrets_dir" not in check(running.config).stdout
    running.config.write_text(text + "secrets_dir: nowhere\n")
    done = check(running.config)
    assert done.returncode == 0 and "will be generated" in done.stdout
    assert not (running.folder / "nowhere").exists()  # -t changes nothing
    (folder / "invocation-keys").chmod(0o644)
    running.config.write_text(text)
    done = check(running.config)
    assert done.returncode != 0 and "invocation-keys" in done.stderr and "chmod" in done.stderr


def test_a_certificate_is_asked_of_callers_only_over_tls(running):
    text = running.config.read_text()
    running.config.write_text(text.replace('{address: "127.0.0.1:0"}', '{address: "127.0.0.1:0", tls: {client: request}}'))
    done = check(running.config)
    assert done.returncode != 0 and "tls.client only with tls.certificate" in done.stderr
    running.config.write_text(text.replace("gw.key.pem}", "gw.key.pem, client: maybe}"))
    done = check(running.config)
    assert done.returncode != 0 and "off|request|require" in done.stderr
