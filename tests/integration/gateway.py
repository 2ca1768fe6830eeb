"""A real gateway process with its embedded store, in a folder of its own."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("TEEGATE_BUILD", "build")).resolve()


def wait_for(condition, seconds=10, what="condition"):
    """Polls a condition until it holds; its value. Fails after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, f"{what} did not come within {seconds} s"
        time.sleep(0.01)


class Tee:
    """A simulated vendor and the certificates under it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.simulate()

    def simulate(self, *arguments):
        subprocess.run([BUILD / "attest-verify/attest-verify", "simulate", self.folder, *arguments],
                       check=True, stdout=subprocess.DEVNULL)

    def worker(self, name="worker", variant="good", *arguments):
        self.simulate("--worker", name, "--variant", variant, *arguments)
        return self.folder / f"{name}.crt.pem", self.folder / f"{name}.key.pem"


class Gateway:
    def __init__(self, folder, tee, workers, agents=None, extra="", pool_extra="", tls=True, state=None,
                 attestation_extra="", before=None, tls_extra="", env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.tee = tee
        self.config = self.folder / "teegate.yaml"
        self.socket = self.folder / "admin.sock"
        self.tls = tls
        self.tls_extra = tls_extra
        self.env = env  # of the process; None: the test's own
        self.state = state or self.folder / "state"
        if not (self.folder / "gw.crt.pem").exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", self.folder / "gw.key.pem", "-out", self.folder / "gw.crt.pem", "-days", "2",
                            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"],
                           check=True, stderr=subprocess.DEVNULL)
        self.write_config(workers, agents, extra, pool_extra, attestation_extra)
        if before:
            self.config.write_text(before(self.config.read_text()))
        self.process = None
        self.start()

    def write_config(self, workers, agents=None, extra="", pool_extra="", attestation_extra=""):
        urls = [worker if isinstance(worker, (str, dict)) else worker.url for worker in workers]
        tls = f", tls: {{certificate: gw.crt.pem, key: gw.key.pem{self.tls_extra}}}" if self.tls else ""
        agents = agents or {"*": {"pool": "demo", "price": {"call": 100}}}
        self.config.write_text(f"""
listen:
  - {{address: "127.0.0.1:0"{tls}}}
  - {{address: "127.0.0.1:0"}}
  - {{address: "[::1]:0"{tls}}}
admin: {{socket: {self.socket}}}
state_dir: {self.state}
drain: 3s
pools:
  demo:
    workers: {json.dumps(urls)}
    attestation: {{policy: {self.tee.folder}/policy.json, collateral: {self.tee.folder}/collateral, roots: {self.tee.folder}/roots{attestation_extra}}}
    {pool_extra}
agents: {json.dumps(agents)}
{extra}
""")

    def start(self):
        self.out = open(self.folder / "access.log", "ab")
        self.err = open(self.folder / "process.log", "ab")
        offset = self.err.tell()
        self.process = subprocess.Popen([BUILD / "src/teegate", "-c", self.config], stdout=self.out, stderr=self.err,
                                        env=self.env)

        def ready():
            assert self.process.poll() is None, (self.folder / "process.log").read_text()[-4000:]
            for line in (self.folder / "process.log").read_bytes()[offset:].splitlines():
                if b'"event":"ready"' in line:
                    return json.loads(line)

        ports = [int(address.rsplit(":", 1)[1]) for address in wait_for(ready, 15, "ready")["listen"]]
        self.port, self.plain_port, self.port6 = ports

    @property
    def base(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def ctl(self, *arguments, check=True):
        done = subprocess.run([BUILD / "src/teegatectl", "--socket", self.socket, *map(str, arguments), "-o", "json"],
                              capture_output=True, text=True, timeout=40)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else None

    def account(self, name="alice", credits="10", *limits):
        """An account with money and a key; the key's text."""
        self.ctl("account", "create", name, *limits)
        if credits != "0":
            self.ctl("credit", "add", name, credits, "--ref", f"first-{name}")
        return self.ctl("key", "mint", name)["key"]

    def balance(self, name="alice"):
        shown = self.ctl("account", "show", name)
        return {key: shown[key] for key in ("available_ucr", "held_ucr", "spent_ucr")}

    def settled(self, name="alice"):
        """The account once nothing is held any more."""
        return wait_for(lambda: (shown := self.balance(name))["held_ucr"] == 0 and shown, 10, "no live hold")

    def log(self):
        lines = (self.folder / "access.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def log_of(self, invocation):
        return wait_for(lambda: [line for line in self.log() if line.get("invocation") == invocation], 5,
                        f"log line of {invocation}")[0]

    def process_log(self):
        return (self.folder / "process.log").read_text()

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(seconds)
        self.out.close()
        self.err.close()
        return self.process.returncode
