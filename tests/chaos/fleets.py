"""Stores of more than one server: a replica that Sentinels promote when its master dies, and a Cluster whose slots move
under whoever uses them."""
import json
import time

from gateway import wait_for
from redis_servers import RedisError, cluster, watched_pair
from scenarios import ACCOUNT, Ground, Scenario
from store import Picture, Reader


class Fleet:
    """What Ground wants of a store."""

    def __init__(self, servers):
        self.servers = servers

    def masters(self):
        raise NotImplementedError

    def picture(self):
        readers = [Reader(("127.0.0.1", server.port)) for server in self.masters()]
        try:
            return Picture(readers)
        finally:
            for reader in readers:
                reader.close()

    def close(self):
        for server in self.servers:
            server.stop()


def said(server, name):
    """A Sentinel that makes a server a replica cuts all its connections (CLIENT KILL TYPE normal)."""
    try:
        return server.info(name)
    except (OSError, RedisError):
        return None


class Pair(Fleet):
    def __init__(self, folder):
        self.master, self.replica, self.sentinels = watched_pair(folder)
        super().__init__([self.master, self.replica, *self.sentinels])
        self.config = "redis: " + json.dumps(
            {"master": "money", "sentinels": [f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels]})

    def masters(self):
        return [self.master]

    def promote(self):
        self.master.kill()
        wait_for(lambda: said(self.replica, "role") == "master", 20, "a new master")
        self.master, self.replica = self.replica, self.master

    def rejoin(self):
        """The old master comes back as what its Sentinels would make of it."""
        self.replica.options = ["--repl-diskless-sync-delay", "0", "--replicaof", f"127.0.0.1 {self.master.port}"]
        self.replica.start()
        wait_for(lambda: said(self.replica, "master_link_status") == "up", 20, "the replica's link")
        for sentinel in self.sentinels:
            wait_for(lambda: self.is_well(sentinel), 30, "a Sentinel that sees both")

    def is_well(self, sentinel):
        """It takes the pair for whole, so that it would promote again."""
        flat = sentinel.say("SENTINEL", "REPLICAS", "money")
        replicas = [dict(zip(each[::2], each[1::2])) for each in flat]
        facts = sentinel.say("SENTINEL", "MASTER", "money")
        facts = dict(zip(facts[::2], facts[1::2]))
        return (facts["port"] == str(self.master.port) and facts["flags"] == "master" and
                [(each["port"], each["flags"]) for each in replicas] == [(str(self.replica.port), "slave")])


class Cluster(Fleet):
    def __init__(self, folder):
        super().__init__(cluster(folder))
        self.config = "redis: " + json.dumps({"cluster": [f"127.0.0.1:{node.port}" for node in self.servers]})
        self.moved = 0

    def masters(self):
        return self.servers

    def move(self, slot, source, target):
        """Key by key: its calls meet ASK, and scripts of several keys TRYAGAIN, until MOVED is all there is."""
        target.say("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.say("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        while keys := source.say("CLUSTER", "GETKEYSINSLOT", slot, 1 + self.moved // 4):
            for key in keys:
                source.say("MIGRATE", "127.0.0.1", target.port, key, 0, 1000)
                self.moved += 1
            time.sleep(0.002)  # between two pieces callers come by
        for node in (target, source, *self.servers):
            node.say("CLUSTER", "SETSLOT", slot, "NODE", target.id)


class ReplicaPromoted(Scenario):
    """The master is killed with -9 and Sentinels promote its replica, which may not know the last of it."""
    name, times, short = "replica-promoted", 5, 1

    def stand(self, folder, tee, seed):
        return Ground(folder, tee, seed, store=Pair(folder.with_name(self.name + "-redis")))

    def harm(self, i):
        store = self.ground.store
        if i > 0:
            store.rejoin()
        self.ground.more(20)
        store.promote()
        self.ground.more(20, 30)


class SlotMoved(Scenario):
    """The slot of the account moves from server to server of a Cluster while calls use it."""
    name, times, short = "slot-moved", 12, 2

    def stand(self, folder, tee, seed):
        return Ground(folder, tee, seed, store=Cluster(folder.with_name(self.name + "-redis")))

    def harm(self, i):
        store = self.ground.store
        bucket = int(self.ground.key.split("_")[1], 10)  # tgk_<bucket>_..
        slot = store.servers[0].say("CLUSTER", "KEYSLOT", f"tg:{{b{bucket:03}}}:a:{ACCOUNT}")
        home = slot * len(store.servers) // 16384 + i
        self.ground.more(10)
        store.move(slot, store.servers[home % 3], store.servers[(home + 1) % 3])
        self.ground.more(20)


ALL = [ReplicaPromoted, SlotMoved]
