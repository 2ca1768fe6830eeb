"""Holds what callers saw against what the agent did and what the store says was paid. It owns nothing, asks nobody and
answers with sentences, one for each thing that is wrong."""
import collections

from load import CHILD_NUMBERS, TREE_BUDGET, price

TREE_UCR = int(TREE_BUDGET[0][1])


def check_money(picture):
    """metering.md 9: I1, I2, I5, I6, I7, I10, at any moment."""
    wrong = []
    entries = collections.defaultdict(list)
    charged = collections.Counter()
    for entry in picture.entries:
        entries[entry["a"]].append(entry)
        if entry["k"] == "chg":
            charged[entry["i"]] += 1
            if not 0 <= -int(entry["v"]) <= int(entry["c"]):
                wrong.append(f"invocation {entry['i']} is charged {entry['v']} of {entry['c']} held")
    wrong += [f"invocation {invocation} is charged {count} times" for invocation, count in charged.items() if count > 1]
    for name, account in picture.accounts.items():
        bal, held, spent, tup, seq = (int(account.get(field, 0)) for field in ("bal", "held", "spent", "tup", "seq"))
        own = entries[name]
        if bal + held + spent != tup:
            wrong.append(f"{name}: {bal} + {held} + {spent} is not {tup}")
        if sum(int(entry["v"]) for entry in own) != bal + held:
            wrong.append(f"{name}: the ledger's sum is not balance and held")
        if sorted(int(entry["s"]) for entry in own) != list(range(1, seq + 1)):
            wrong.append(f"{name}: the ledger's numbers are not 1 to {seq}")
        holds = [hold for hold in picture.holds.values() if hold["acct"] == name]
        roots = [hold for hold in holds if hold["dep"] == "0"]
        if sum(int(hold["c"]) + int(hold["sb"]) for hold in holds) != held or len(roots) != int(account.get("inf", 0)):
            wrong.append(f"{name}: {len(holds)} live holds do not make {held} held and {account.get('inf')} running")
    if set(picture.holds) != set(picture.deadlines):
        wrong.append(f"live holds and deadlines differ: {set(picture.holds) ^ set(picture.deadlines)}")
    return wrong


class History:
    def __init__(self, calls, notes, picture, checkpoints):
        """`checkpoints`: of each hold a killed gateway left, the cost that stood in it."""
        self.picture = picture
        self.checkpoints = checkpoints
        self.wrong = check_money(picture)
        self.calls = {call.number: call for call in calls}
        self.notes = collections.defaultdict(list)
        self.call_of = {call.invocation: call.number for call in calls if call.invocation}
        for note in notes:
            self.notes[note.call].append(note)
            self.call_of[note.invocation] = note.call
        self.entries = collections.defaultdict(list)
        self.strangers = []
        for entry in picture.entries:
            if entry["k"] == "chg" and entry["i"] in self.call_of:
                self.entries[self.call_of[entry["i"]]].append(entry)
            elif entry["k"] == "chg":
                self.strangers.append(entry)
        self.counts = collections.Counter()
        self.below = collections.Counter()  # charged in the tree of a root, the root apart
        for entry in picture.entries:
            if entry.get("par"):
                self.below[entry["root"]] -= int(entry["v"])

    def check(self):
        """When all is over: nothing runs, nothing is held."""
        for invocation in self.picture.holds:
            self.wrong.append(f"invocation {invocation} is still held")
        for entry in self.strangers:  # it never reached the agent
            if int(entry["v"]) != 0:
                self.wrong.append(f"invocation {entry['i']} costs {entry['v']} and no agent has seen it")
        for call in self.calls.values():
            self.check_call(call)
        return self.wrong

    def say(self, call, words):
        self.wrong.append(f"call {call.number} ({call.kind}, {call.size} B, status {call.status}, got {call.got}, "
                          f"complete {call.complete}, {call.invocation}): {words}")

    def check_call(self, call):
        entries, notes = self.entries[call.number], self.notes[call.number]
        full = call.size if call.kind != "cut" else call.size // 2
        if len(entries) > 1:
            self.say(call, f"charged {len(entries)} times")
        if len({note.invocation for note in notes}) > 1 or sum(note.full for note in notes) > 1:
            self.say(call, f"the agent ran it {len(notes)} times")
        charge = -int(entries[0]["v"]) if entries else None
        outcome = entries[0]["o"] if entries else None
        sent = max((note.sent for note in notes), default=None)
        self.counts[outcome or "free"] += 1
        self.counts["below others"] += call.number >= CHILD_NUMBERS and bool(charge)
        if call.refused and (notes or charge):
            self.say(call, f"refused for want of the store, yet run {len(notes)} times and charged {charge}")
        if call.complete and call.got == call.size and charge != price(call.size):
            self.say(call, f"the answer is complete and {charge} was charged, not {price(call.size)}")
        if call.got > 0 and charge is None:
            self.say(call, f"{call.got} bytes were delivered and nothing was metered")
        if call.cost is not None and call.cost != (charge or 0):
            self.say(call, f"it was told {call.cost} and charged {charge}")
        if call.invocation in self.below and self.below[call.invocation] > TREE_UCR:
            self.say(call, f"the calls below it cost {self.below[call.invocation]} of a budget of {TREE_UCR}")
        if outcome == "orphan":
            self.check_orphan(call, entries[0]["i"], charge)
        if charge:
            self.check_charge(call, charge, outcome, sent, full)

    def check_orphan(self, call, invocation, charge):
        last = self.checkpoints.get(invocation)
        if last is None:
            self.say(call, "an orphan, and no killed gateway left its hold")
        elif charge != last:
            self.say(call, f"an orphan charged {charge} with its last checkpoint at {last}")

    def check_charge(self, call, charge, outcome, sent, full):
        if sent is None:
            self.say(call, f"charged {charge} and no agent has seen it")
            return
        if call.kind == "broken":
            self.say(call, f"charged {charge} though the agent broke off before it answered")
        if charge > price(sent):
            self.say(call, f"charged {charge} for {sent} bytes")
        if charge >= price(call.size) and sent < full:
            self.say(call, f"charged in full, and the agent sent {sent}")
        if outcome != "orphan" and charge < price(call.got):
            self.say(call, f"charged {charge} ({outcome}) and {call.got} bytes were delivered")
