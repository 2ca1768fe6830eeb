"""The short set of tests/chaos: each kind of harm once or twice, and after each the sums; and that what checks them
would see a wrong one."""
import pathlib
import subprocess
import sys
import types

import pytest

CHAOS = pathlib.Path(__file__).resolve().parent.parent / "chaos"
MOST_S = 300  # it takes 50; a busy machine is no failure


def test_whatever_dies_under_load_the_sums_are_exact():
    process = subprocess.Popen([sys.executable, CHAOS / "run.py", "--short"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=MOST_S)
    except subprocess.TimeoutExpired:
        process.terminate()  # it ends what it started
        said, _ = process.communicate(timeout=60)
    print(said)
    assert process.returncode == 0, said[-6000:]


@pytest.fixture
def chaos(monkeypatch):
    monkeypatch.syspath_prepend(str(CHAOS))
    import history
    import load
    return types.SimpleNamespace(history=history, load=load)


class Story:
    """One call of 5000 bytes that went well, to be told otherwise."""

    def __init__(self, chaos):
        self.chaos = chaos
        self.cost = chaos.load.price(5000)
        self.call = chaos.load.Call(1, "plain", 5000, 0, 0.0, 1.0, 200, "inv", 5000, True, False, self.cost)
        self.note = chaos.load.Answered(1, "inv", 0.5, 5000, True)
        self.notes = [self.note]
        self.top_up = {"a": "ann", "k": "top", "i": "first", "v": "100000", "s": "1"}
        self.entry = {"a": "ann", "k": "chg", "i": "inv", "v": str(-self.cost), "s": "2", "c": "99999", "o": "ok"}
        self.account = {"bal": str(100000 - self.cost), "held": "0", "spent": str(self.cost), "tup": "100000", "seq": "2",
                        "inf": "0"}
        self.picture = types.SimpleNamespace(accounts={"ann": self.account}, holds={}, deadlines={},
                                             entries=[self.top_up, self.entry])
        self.checkpoints = {}

    def charge(self, amount, outcome="ok"):
        self.entry.update(v=str(-amount), o=outcome)
        self.account.update(bal=str(100000 - amount), spent=str(amount))
        self.call.cost = None

    def break_off(self, got):
        self.call.complete, self.call.got = False, got

    def wrong(self):
        return self.chaos.history.History([self.call], self.notes, self.picture, self.checkpoints).check()


def charged_twice(story):
    story.picture.entries.append({**story.entry, "s": "3"})


def charged_nothing(story):
    story.picture.entries.remove(story.entry)


def told_another_cost(story):
    story.call.cost -= 1


def charged_too_little(story):
    story.charge(story.cost - 1)


def charged_in_full_for_half(story):
    story.note.sent, story.note.full = 2500, False
    story.break_off(2500)


def charged_below_what_was_delivered(story):
    story.break_off(5000)
    story.charge(1000, "caller-left")


def an_orphan_above_its_checkpoint(story):
    story.break_off(10)
    story.checkpoints["inv"] = 1000
    story.charge(1010, "orphan")


def an_orphan_of_no_killed_gateway(story):
    story.break_off(10)
    story.charge(0, "orphan")


def charged_and_never_ran(story):
    story.notes.clear()


def ran_twice(story):
    story.notes.append(story.note)


def run_without_the_store(story):
    story.call.status, story.call.retry_after = 503, "2"


def still_held(story):
    story.picture.holds["other"] = {"acct": "ann", "c": "0", "sb": "0", "dep": "1"}
    story.picture.deadlines["other"] = "1"


def a_hold_without_a_deadline(story):
    story.picture.deadlines["other"] = "1"


def money_from_nowhere(story):
    story.account["bal"] = str(int(story.account["bal"]) + 1)


def a_gap_in_the_ledger(story):
    story.entry["s"] = "3"


def charged_above_its_hold(story):
    story.entry["c"] = str(story.cost - 1)


LIES = [charged_twice, charged_nothing, told_another_cost, charged_too_little, charged_in_full_for_half,
        charged_below_what_was_delivered, an_orphan_above_its_checkpoint, an_orphan_of_no_killed_gateway,
        charged_and_never_ran, ran_twice, run_without_the_store, still_held, a_hold_without_a_deadline,
        money_from_nowhere, a_gap_in_the_ledger, charged_above_its_hold]


def test_a_story_that_went_well_is_believed(chaos):
    assert Story(chaos).wrong() == []


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_wrong_story_is_found(chaos, lie):
    story = Story(chaos)
    lie(story)
    assert story.wrong() != []
