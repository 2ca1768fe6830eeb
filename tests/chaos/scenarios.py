"""What goes wrong, in turn, under load: each scenario is a class, its run() does the harm, and finish() of its Ground
holds the whole history against the money."""
import os
import random
import time

from gateway import Gateway, wait_for
from history import History, check_money
from load import PRICE, Agent, Callers
from store import SHIM, Embedded, Store
from worker import Worker

ACCOUNT = "alice"
CREDITS = "1000000"


class Ground:
    """Two gateways on one store (or one with its own), an agent, an account, and callers on it."""

    def __init__(self, folder, tee, seed, embedded=False, store=None, env=None):
        self.folder, self.seed = folder, seed
        folder.mkdir(parents=True)
        self.dice = random.Random(seed)
        self.agent = Agent()
        self.gateways, self.callers, self.worker = [], None, None
        self.checkpoints = {}
        self.store = store
        try:
            self.store = store or (Embedded() if embedded else Store(folder / "store"))
            certificate, key = tee.worker("w-chaos")
            self.worker = Worker(certificate, key, self.agent)
            for i in range(1 if embedded else 2):
                self.gateways.append(self.gateway(tee, f"gw{i}", env))
            if embedded:
                self.store.gateway = self.gateways[0]
            self.key = self.gateways[0].account(ACCOUNT, CREDITS)
        except BaseException:
            self.close()
            raise

    def gateway(self, tee, name, env):
        environment = {**os.environ, **env} if env else None
        extra = f"{self.store.config}\nsecrets_dir: {self.folder}/secrets\ncheckpoint: 250ms\nlanes: 1"
        return Gateway(self.folder / name, tee, [self.worker], agents={"*": {"pool": "demo", "price": PRICE}},
                       extra=extra, env=environment)

    def load(self, count):
        self.agent.gateways = self.gateways
        self.callers = Callers(self.gateways, self.key, count, self.seed)
        self.more(20)

    def more(self, count, seconds=20):
        """Waits until so many more answers came complete: everything works again."""
        so_far = self.callers.completed
        wait_for(lambda: self.callers.completed >= so_far + count or self.callers.failures, seconds,
                 f"{count} complete answers")

    def check_now(self):
        wrong = check_money(self.store.picture())
        assert wrong == [], "\n".join(wrong)

    def no_hold_is_left(self, seconds):
        """Its deadline is 30 s at the least and the reaper's grace 60 s; who lives ends his own much sooner."""
        wait_for(lambda: not self.store.picture().holds, seconds, "the end of every hold")

    def note_checkpoints(self, picture, gone):
        """What stood in the holds of a killed gateway: an orphan is charged that and nothing else."""
        for invocation, hold in picture.holds.items():
            if hold["gw"].split(":")[0] == gone:
                self.checkpoints[invocation] = int(hold["cp"])

    def finish(self, seconds=30):
        """Stops the callers, awaits the last hold, checks all; stops the gateways, and checks again."""
        self.callers.stop()
        self.no_hold_is_left(seconds)
        if isinstance(self.store, Embedded):
            wrong, history = self.history()
            codes = [gateway.stop() for gateway in self.gateways]
        else:
            codes = [gateway.stop() for gateway in self.gateways]
            wrong, history = self.history()
        assert self.worker.mistakes == [], self.worker.mistakes
        assert wrong == [], f"{len(wrong)} wrong, the first of them:\n" + "\n".join(wrong[:20])
        for gateway, code in zip(self.gateways, codes):
            assert code == 0, gateway.process_log()[-4000:]
            log = gateway.process_log()
            assert "AddressSanitizer" not in log and "runtime error" not in log, log[-4000:]
        return history

    def history(self):
        history = History(self.callers.calls + self.agent.children, self.agent.notes, self.store.picture(), self.checkpoints)
        return history.check(), history

    def close(self):
        """Of a run that failed as well: everything it started ends."""
        if self.callers:
            self.callers.over.set()
        for gateway in self.gateways:
            if gateway.process and gateway.process.poll() is None:
                gateway.process.kill()
                gateway.process.wait(10)
        if self.store:
            self.store.close()
        if self.worker:
            self.worker.stop()


class Scenario:
    """`times` of the harm; `short` of it in CI."""
    name = ""
    times = short = 1
    embedded = False

    def __init__(self, folder, tee, seed, is_short):
        self.is_short = is_short
        self.count = self.short if is_short else self.times
        self.done = 0
        self.ground = self.stand(folder / self.name, tee, seed)

    def stand(self, folder, tee, seed):
        return Ground(folder, tee, seed, self.embedded)

    def run(self):
        self.ground.load(6 if self.is_short else 10)
        for i in range(self.count):
            self.harm(i)
            self.done += 1
            self.ground.check_now()
        return self.ground.finish()

    def harm(self, i):
        raise NotImplementedError

    def close(self):
        self.ground.close()


class GatewayKilled(Scenario):
    """One of two gateways is killed with -9 under load and started again; every tenth time both are."""
    name, times, short = "gateway-killed", 100, 3

    def harm(self, i):
        ground = self.ground
        ground.more(ground.dice.randrange(1, 40))  # some moment of the load
        victims = ground.gateways if i % 10 == 9 else [ground.gateways[i % 2]]
        for gateway in victims:
            gateway.process.kill()
        for gateway in victims:
            gateway.process.wait(10)
            picture = ground.store.picture(pings=3)
            ground.note_checkpoints(picture, (gateway.folder / "state/gateway-id").read_text().strip())
        for gateway in victims:
            gateway.out.close()
            gateway.err.close()
            gateway.start()
        ground.more(2)


class GatewayLost(Scenario):
    """A gateway is killed and does not come back: the other ends its holds, at their last checkpoint, once their
    deadline and the grace have passed, and not before."""
    name, times, short = "gateway-lost", 1, 0  # it takes two minutes: not for every change
    GRACE_S = 60
    LATE_S = 40  # a walk over all buckets, and the 30 s of a reaper whose connection to the store was made anew

    def harm(self, i):
        ground = self.ground
        lost = ground.gateways[1]
        ground.more(30)
        lost.process.kill()
        lost.process.wait(10)
        gone = (lost.folder / "state/gateway-id").read_text().strip()
        picture = ground.store.picture(pings=3)
        ground.note_checkpoints(picture, gone)
        left = {invocation: int(picture.deadlines[invocation]) / 1000 + self.GRACE_S for invocation in ground.checkpoints}
        assert left, "the gateway was killed between two calls"
        ground.callers.only(0)
        while left:
            holds = ground.store.picture().holds
            now = time.time()
            for invocation in [each for each in left if each not in holds]:
                assert now >= left.pop(invocation), f"{invocation} was reaped before its time"
            late = [each for each, until in left.items() if now > until + self.LATE_S]
            assert late == [], f"still held: {late}"
            time.sleep(0.5)
        lost.start()
        ground.callers.only(None)


class StoreKilled(Scenario):
    """The redis-server two gateways share is killed with -9 and started again."""
    name, times, short = "store-killed", 10, 0  # in CI the embedded one alone

    def harm(self, i):
        self.ground.more(self.ground.dice.randrange(1, 40))
        self.ground.store.kill()
        self.ground.store.start()
        self.ground.more(20)


class EmbeddedStoreKilled(Scenario):
    """The redis-server a gateway runs is killed with -9; the gateway starts it again by itself."""
    name, times, short, embedded = "embedded-store-killed", 10, 1, True

    def harm(self, i):
        ground = self.ground
        ground.more(ground.dice.randrange(1, 40))
        old = ground.store.kill()
        wait_for(lambda: ground.store.pid not in (None, old) and ground.store.answers(), 15, "the next store")
        ground.more(20)


class StoreStopped(Scenario):
    """The store answers nothing for 0.2, 1 and 5 s: what is refused is not run, what ran is settled later."""
    name, times, short = "store-stopped", 9, 2

    def harm(self, i):
        self.ground.more(10)
        self.ground.store.pause()
        time.sleep((0.2, 1, 5)[i % 3])  # the harm itself
        self.ground.store.resume()
        self.ground.more(20)


class StoreStalled(Scenario):
    """Its fdatasync() stalls, so that it acknowledges what it only has in memory, and then it is killed: the gateways
    send again what a server of another run may not know."""
    name, times, short = "store-stalled", 5, 1

    def harm(self, i):
        store = self.ground.store
        self.ground.more(20)
        store.stalled.touch()
        self.ground.more(20)
        time.sleep(self.ground.dice.uniform(1.2, 1.8))  # at 2 s it would wait for the disk itself
        store.kill()
        store.stalled.unlink()
        store.start()
        self.ground.more(20)


class Outage(Scenario):
    """The store is away for long: nothing runs that is not held, every call is refused within a second with
    Retry-After, and within a second of its return calls run again."""
    seconds, short_seconds = 10, 2
    WITHIN_S = 1.0

    def harm(self, i):
        ground = self.ground
        ground.more(10)
        self.end_store()
        gone_at = time.monotonic()
        time.sleep(self.short_seconds if self.is_short else self.seconds)  # the harm itself
        back_at = self.return_store()
        ground.more(20)
        self.nothing_ran(gone_at, back_at)
        for which in range(len(ground.gateways)):
            self.came_back(which, back_at)

    def nothing_ran(self, gone_at, back_at):
        asked = [call for call in list(self.ground.callers.calls)
                 if gone_at + 0.1 < call.began < back_at - self.WITHIN_S]
        wrong = [call for call in asked if not call.refused or call.ended - call.began > self.WITHIN_S]
        assert asked and wrong == [], (len(asked), len(wrong), wrong[:3])
        ran = [note for note in list(self.ground.agent.notes) if gone_at + self.WITHIN_S < note.at < back_at]
        assert ran == [], ran[:3]

    def came_back(self, which, back_at):
        def first():
            return min((call.ended for call in list(self.ground.callers.calls) if call.gateway == which and
                        call.began > back_at - self.WITHIN_S and call.complete and call.status == 200), default=None)
        took = wait_for(first, 10, "an answer after the outage") - back_at
        assert took <= self.WITHIN_S, f"gateway {which} took {took:.2f} s to come back"


class OutageOfAKilledStore(Outage):
    name = "outage-killed"

    def end_store(self):
        self.ground.store.kill()

    def return_store(self):
        self.ground.store.start()
        return time.monotonic()


class OutageOfASilentStore(Outage):
    name = "outage-silent"

    def end_store(self):
        self.ground.store.pause()

    def return_store(self):
        self.ground.store.resume()
        return time.monotonic()


class JournalFull(Scenario):
    """The disk of the gateways' journals is full for a while: what ran is charged all the same, and new calls are
    refused until something can be written down again."""
    name, times, short = "journal-full", 5, 1

    def stand(self, folder, tee, seed):
        self.full = folder / "full"
        return Ground(folder, tee, seed,
                      env={"LD_PRELOAD": str(SHIM), "BAD_DISK_FULL": str(self.full), "BAD_DISK_NAME": "/journal"})

    def harm(self, i):
        ground = self.ground
        ground.more(20)
        self.full.touch()
        refused = len([call for call in ground.callers.calls if call.refused])
        wait_for(lambda: len([call for call in list(ground.callers.calls) if call.refused]) > refused + 20, 10,
                 "a refusal by a gateway that cannot write")
        self.full.unlink()
        ground.more(20)


ALL = [GatewayKilled, GatewayLost, StoreKilled, EmbeddedStoreKilled, StoreStopped, StoreStalled, OutageOfAKilledStore,
       OutageOfASilentStore, JournalFull]
