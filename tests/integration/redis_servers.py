"""Real redis-server processes in folders of a test's own: one, with TLS and ACL; Sentinels; a Cluster."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess

from gateway import wait_for


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class RedisError(Exception):
    pass


class Connection:
    """Speaks RESP: one command, one reply."""

    def __init__(self, port, context=None, auth=()):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.lines = self.socket.makefile("rb")
        if auth:
            self.say("AUTH", *auth)

    def say(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.read()

    def read(self):
        line = self.lines.readline()
        if not line:
            raise RedisError("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest.decode()
        if kind == b"$":
            return None if rest == b"-1" else self.lines.read(int(rest) + 2)[:-2].decode()
        return None if rest == b"-1" else [self.read() for _ in range(int(rest))]

    def close(self):
        self.socket.close()


class Server:
    def __init__(self, folder, *options, port=None, sentinel=None, context=None, auth=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = port or free_port()
        self.context, self.auth = context, auth
        self.options = [str(option) for option in options]
        if sentinel is not None:
            self.config = self.folder / "sentinel.conf"
            self.config.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n{sentinel}")
        self.sentinel = sentinel is not None
        self.start()

    def start(self):
        if self.sentinel:
            command = ["redis-server", self.config, "--sentinel"]
        else:
            command = ["redis-server", "--bind", "127.0.0.1", "--dir", self.folder, "--save", "", "--appendonly",
                       "yes"]
            if "--tls-port" not in self.options:
                command += ["--port", str(self.port)]
            command += self.options
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.answers, 10, f"an answer of redis-server ({self.folder / 'server.log'})")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
        try:
            return self.say("PING") == "PONG"
        except (OSError, ssl.SSLError):
            return False
        except RedisError as error:
            return not str(error).startswith("LOADING")

    def say(self, *words):
        connection = Connection(self.port, self.context, self.auth)
        try:
            return connection.say(*words)
        finally:
            connection.close()

    def info(self, name):
        for line in self.say("INFO").splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1]
        return None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.kill()


def watched_pair(folder):
    """A master, its replica and three Sentinels that watch them; (master, replica, sentinels)."""
    master = Server(folder / "one", "--repl-diskless-sync-delay", "0")
    replica = Server(folder / "two", "--replicaof", f"127.0.0.1 {master.port}")
    wait_for(lambda: replica.info("master_link_status") == "up", 15, "the replica's link")
    text = (f"sentinel monitor money 127.0.0.1 {master.port} 2\nsentinel down-after-milliseconds money 400\n"
            "sentinel failover-timeout money 2000\n")
    sentinels = [Server(folder / f"sentinel{i}", sentinel=text) for i in range(3)]

    def know_each_other(sentinel):
        facts = sentinel.say("SENTINEL", "MASTER", "money")
        facts = dict(zip(facts[::2], facts[1::2]))
        return facts["num-other-sentinels"] == "2" and facts["num-slaves"] == "1"

    for sentinel in sentinels:
        wait_for(lambda: know_each_other(sentinel), 15, "Sentinels that know each other")
    return master, replica, sentinels


def cluster(folder, count=3):
    """Masters that share the 16384 slots."""
    nodes = []
    for i in range(count):
        nodes.append(Server(folder / f"node{i}", "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
                            "--cluster-node-timeout", "2000", "--cluster-port", free_port()))
    for i, node in enumerate(nodes):
        node.id = node.say("CLUSTER", "MYID")
        node.say("CLUSTER", "ADDSLOTSRANGE", i * 16384 // count, (i + 1) * 16384 // count - 1)
        node.say("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
    for node in nodes[1:]:
        port = node.options[node.options.index("--cluster-port") + 1]
        nodes[0].say("CLUSTER", "MEET", "127.0.0.1", node.port, port)
    for node in nodes:
        wait_for(lambda: "cluster_state:ok" in node.say("CLUSTER", "INFO") and
                 len(node.say("CLUSTER", "SLOTS")) == count, 20, "the Cluster")
    return nodes


def make_tls(folder):
    """A CA, and under it a server's and a client's certificate; the folder."""
    folder.mkdir()

    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, stderr=subprocess.DEVNULL)

    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
        "ca.crt", "-days", "2", "-subj", "/CN=store CA")
    for name, more in (("server", "subjectAltName=IP:127.0.0.1"), ("other", "subjectAltName=DNS:elsewhere.example"),
                       ("client", "extendedKeyUsage=clientAuth")):
        (folder / f"{name}.ext").write_text(more + "\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
            f"{name}.csr", "-subj", f"/CN={name}")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext")
    return folder


def context_of(tls):
    context = ssl.create_default_context(cafile=tls / "ca.crt")
    context.load_cert_chain(tls / "client.crt", tls / "client.key")
    return context
