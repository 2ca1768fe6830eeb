"""Callers that never stop asking, the agent that answers them, and the notes that both keep: what the agent sent,
what the caller saw."""
import asyncio
import dataclasses
import random
import threading
import time
import urllib.parse

import h2.exceptions

from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
CALL_UCR, KIB_UCR = 1000, 10
PRICE = {"call": CALL_UCR, "kib_out": KIB_UCR}
PIECES = 8
REFUSED_S = 0.05
CHILD_NUMBERS = 10_000_000  # of calls below a call: from here on
TREE_BUDGET = [("agent-sub-budget", "1500000")]
# How often each is asked for. `leave` is a stream its caller resets; `long` one that outlives short outages; `tree`
# calls two others on its caller's budget, through whichever gateway.
KINDS = {"plain": 10, "stream": 6, "long": 1, "error": 1, "broken": 1, "cut": 2, "leave": 2, "tree": 2}


def price(size):
    return CALL_UCR + KIB_UCR * -(-size // 1024)


@dataclasses.dataclass
class Answered:
    """What the agent did for one request. `sent` and `full` are noted before the bytes go: never too small."""
    call: int
    invocation: str
    at: float
    sent: int = 0
    full: bool = False


class Agent:
    def __init__(self):
        self.notes = []
        self.gateways = []
        self.children = []  # calls it made itself

    async def __call__(self, stream):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(stream.path).query))
        kind, size = asked["kind"], int(asked["size"])
        note = Answered(int(asked["call"]), stream.headers["agent-invocation-id"], time.monotonic())
        self.notes.append(note)
        await stream.body()
        if kind == "broken":
            await stream.reset()
        elif kind in ("plain", "error", "tree"):
            if kind == "tree":
                token = stream.headers["agent-invocation-token"]
                await asyncio.gather(*(asyncio.to_thread(self.call_other, token, note.call, i) for i in range(2)))
            note.sent, note.full = size, True
            await stream.answer(500 if kind == "error" else 200, b"a" * size)
        else:
            await self.stream(stream, note, kind, size)

    def call_other(self, token, parent, i):
        """A call on the budget of the one that is answered; how it comes out is only noted."""
        which = (parent + i) % len(self.gateways)
        call = Call(CHILD_NUMBERS + 2 * parent + i, "plain", 4096 + parent % 9999, which, time.monotonic())
        self.children.append(call)
        answer = None
        try:
            client = Client(self.gateways[which].port)
            stream = client.request(path_of(call), headers=[("authorization", f"Agent {token}")])
            answer = client.answers[stream]
            client.wait(stream)
            client.close()
        except (OSError, AssertionError, h2.exceptions.ProtocolError):
            pass  # its gateway died
        call.note(answer)

    async def stream(self, stream, note, kind, size):
        piece, pause = -(-size // PIECES), 0.3 if kind == "long" else 0.01
        most = size // 2 if kind == "cut" else size
        await stream.head(200)
        while note.sent < most:
            count = min(piece, most - note.sent)
            note.sent += count
            await stream.send(b"s" * count)
            await asyncio.sleep(pause)
        if kind == "cut":
            await stream.reset()
            return
        note.full = True
        await stream.end()


@dataclasses.dataclass
class Call:
    """What a caller saw of one call."""
    number: int
    kind: str
    size: int
    gateway: int
    began: float
    ended: float = 0.0
    status: int | None = None
    invocation: str | None = None
    got: int = 0
    complete: bool = False  # END_STREAM came
    left: bool = False
    cost: int | None = None  # what the gateway said
    retry_after: str | None = None

    @property
    def refused(self):
        return self.status == 503 and self.retry_after is not None

    def note(self, answer):
        self.ended = time.monotonic()
        if answer is None or answer.status is None:
            return
        self.status = answer.status
        self.invocation = answer.headers.get("agent-invocation-id")
        self.retry_after = answer.headers.get("retry-after")
        self.got = len(answer.body) if answer.headers.get("agent-worker") else 0
        self.complete = answer.ended
        said = {**answer.headers, **answer.trailers}.get("agent-cost", "")
        if said and "pending" not in said:
            self.cost = int(said.split(";")[0])


def path_of(call):
    kind = "stream" if call.kind == "leave" else call.kind
    return f"/ipfs/{CID}/x?call={call.number}&kind={kind}&size={call.size}"


class Callers:
    """`count` threads over `gateways`, one call after the other each, until stop()."""

    def __init__(self, gateways, key, count, seed):
        self.gateways, self.key = gateways, key
        self.calls = []
        self.failures = []
        self.lock = threading.Lock()
        self.next = 0
        self.over = threading.Event()
        self.which = None  # the one gateway that is asked; None: each caller asks its own
        self.completed = 0  # answers a caller has seen to the end, with 200
        self.threads = [threading.Thread(target=self.run, args=(i, random.Random(f"{seed}-{i}")), daemon=True)
                        for i in range(count)]
        for thread in self.threads:
            thread.start()

    def only(self, which):
        self.which = which

    def run(self, index, dice):
        client = None
        try:
            while not self.over.is_set():
                if client is None:
                    which = index % len(self.gateways) if self.which is None else self.which
                    try:
                        client = Client(self.gateways[which].port)
                    except (OSError, AssertionError):
                        self.over.wait(0.02)  # it is down: its port refuses
                        continue
                if not self.one(client, which, dice):
                    client.close()
                    client = None
        except Exception as error:  # a mistake of this file must not hide
            self.failures.append(error)
            raise

    def one(self, client, which, dice):
        """One call; False when the connection is no good any more."""
        kind = dice.choices(list(KINDS), KINDS.values())[0]
        call = Call(0, kind, dice.randrange(4096, 40000), which, time.monotonic())
        with self.lock:
            self.next += 1
            call.number = self.next
            self.calls.append(call)
        answer = None
        good = True
        try:
            stream = client.request(path_of(call), self.key, headers=TREE_BUDGET if kind == "tree" else ())
            answer = client.answers[stream]
            client.wait(stream, (lambda seen: len(seen.body) > 0) if kind == "leave" else lambda seen: False)
            if kind == "leave" and not answer.ended and answer.reset is None:
                call.left = True
                client.reset(stream)
            good = answer.ended or answer.reset is not None or call.left
        except (OSError, h2.exceptions.ProtocolError):
            good = False
        self.note(call, answer)
        if call.refused:
            self.over.wait(REFUSED_S)  # far below its Retry-After: a caller that is not polite
        return good

    def note(self, call, answer):
        call.note(answer)
        if call.complete and call.status == 200:
            with self.lock:
                self.completed += 1

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(40)
            assert not thread.is_alive(), "a caller waits for ever"
        assert self.failures == [], self.failures
