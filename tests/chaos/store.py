"""A redis-server of the run's own, that can be killed, stopped and given a bad disk; and what it holds, read without
the gateway, so that the gateway cannot be wrong about itself."""
import os
import signal
import socket
import subprocess

from gateway import BUILD, wait_for

HOLD = ("st", "fp", "c", "sb", "cp", "day", "mon", "dep", "gw", "try", "par", "root", "acct")
SHIM = BUILD / "tests/chaos/bad_disk.so"


class Reader:
    """Redis' own protocol, blocking."""

    def __init__(self, address):
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=10)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(10)
            self.socket.connect(str(address))
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))

    def reply(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the store closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind in b"+:":
            return rest.decode() if kind == b"+" else int(rest)
        if kind == b"-":
            return RuntimeError(rest.decode())
        if int(rest) < 0:
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2].decode()
        return [self.reply() for _ in range(int(rest))]

    def call(self, *words):
        self.send(*words)
        reply = self.reply()
        if isinstance(reply, RuntimeError):
            raise reply
        return reply

    def close(self):
        self.file.close()
        self.socket.close()


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


PICTURE = """
local accounts, holds, ledgers, deadlines = {}, {}, {}, {}
for _, key in ipairs(redis.call('KEYS', 'tg:{b*')) do
    local kind, name = string.match(key, '^tg:{b%d+}:(%a+):?(.*)$')
    if kind == 'a' then
        accounts[#accounts + 1] = {name, redis.call('HGETALL', key)}
    elseif kind == 'h' then
        local record = redis.call('GET', key)
        if string.sub(record, 1, 2) == 'H|' then
            holds[#holds + 1] = {name, record}
        end
    elseif kind == 'L' then
        ledgers[#ledgers + 1] = redis.call('XRANGE', key, '-', '+')
    elseif kind == 'x' then
        deadlines[#deadlines + 1] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    end
end
return {accounts, holds, ledgers, deadlines}
"""


class Picture:
    """All accounts, ledgers and live holds at one moment; of a cluster, of each of its servers at one."""

    def __init__(self, readers):
        self.accounts, self.holds, self.entries, self.deadlines = {}, {}, [], {}
        for reader in readers:
            accounts, holds, ledgers, deadlines = reader.call("EVAL", PICTURE, "0")
            self.accounts.update((name, pairs(fields)) for name, fields in accounts)
            self.holds.update((name, dict(zip(HOLD, record.split("|")))) for name, record in holds)
            for ledger in ledgers:
                self.entries += [pairs(fields) for _, fields in ledger]
            for each in deadlines:
                self.deadlines.update(pairs(each))


class Store:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.socket = folder / "redis.sock"
        self.stalled = folder / "stalled"
        self.process = None
        self.start()

    @property
    def config(self):
        return f"redis: {{address: \"unix:{self.socket}\"}}"

    def start(self):
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "yes",
             "--appendfsync", "everysec", "--dir", self.folder, "--logfile", self.folder / "redis.log"],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "LD_PRELOAD": str(SHIM), "BAD_DISK_STALL": str(self.stalled)})
        wait_for(self.answers, 10, "redis-server")

    def answers(self):
        try:
            reader = Reader(self.socket)
            loaded = reader.call("PING") == "PONG"
            reader.close()
            return loaded
        except (OSError, RuntimeError):
            return False

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def picture(self, pings=0):
        """What a dead client's socket still held is read before the second PING is answered."""
        reader = Reader(self.socket)
        try:
            for _ in range(pings):
                reader.call("PING")
            return Picture([reader])
        finally:
            reader.close()

    def close(self):
        self.stalled.unlink(missing_ok=True)
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            self.process.wait(10)


class Embedded:
    """The store a gateway runs itself."""

    config = ""

    def __init__(self):
        self.gateway = None

    @property
    def socket(self):
        return self.gateway.folder / "state/redis/redis.sock"

    @property
    def pid(self):
        """None while there is none."""
        pid = self.gateway.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def kill(self):
        pid = wait_for(lambda: self.pid, 10, "the embedded store")
        os.kill(pid, signal.SIGKILL)
        return pid

    answers = Store.answers
    picture = Store.picture

    def close(self):
        pass
