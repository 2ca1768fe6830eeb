#!/usr/bin/python3
"""Load through real gateways while something goes wrong, and then the sums: tests/chaos/run.py [--short] [SCENARIO ..]

The full set takes about eight minutes, most of it for a hundred dead gateways; --short is what CI runs. Exit status 0 only
if all of it held. The build is found by TEEGATE_BUILD, else in ./build, where make has made tests/chaos/bad_disk.so."""
import argparse
import pathlib
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from gateway import Tee  # noqa: E402
import fleets  # noqa: E402
import scenarios  # noqa: E402
from store import SHIM  # noqa: E402

MOST_S = 1200  # for one scenario
ALL = scenarios.ALL + fleets.ALL


def interrupted(number, frame):
    raise TimeoutError("out of time" if number == signal.SIGALRM else "told to end")


def run_one(kind, folder, tee, seed, is_short):
    """A line about it; whether it held."""
    began = time.monotonic()
    signal.alarm(MOST_S)
    scenario = None
    try:
        scenario = kind(folder, tee, seed, is_short)
        history = scenario.run()
    except Exception as error:
        done = scenario.done if scenario else 0
        print(f"{kind.name}: FAILED after {done} in {time.monotonic() - began:.1f} s: {type(error).__name__}: {error}", flush=True)
        return False
    finally:
        signal.alarm(0)
        if scenario:
            scenario.close()
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(history.counts.items()))
    charges = sum(len(entries) for entries in history.entries.values())
    print(f"{kind.name}: {scenario.done} times in {time.monotonic() - began:.1f} s, {len(history.calls)} calls, {charges} charges, "
          f"0 wrong ({said})", flush=True)
    return True


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--short", action="store_true", help="what CI runs")
    arguments.add_argument("--seed", type=int, default=int(time.time()), help="of sizes, kinds and moments")
    arguments.add_argument("--keep", action="store_true", help="the folder with logs and data")
    arguments.add_argument("scenario", nargs="*", help=", ".join(kind.name for kind in ALL))
    asked = arguments.parse_args()
    unknown = set(asked.scenario) - {kind.name for kind in ALL}
    if unknown:
        arguments.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if not SHIM.exists():
        arguments.error(f"{SHIM} is missing: make makes it")
    signal.signal(signal.SIGALRM, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    began = time.monotonic()
    kinds = [kind for kind in ALL if kind.name in asked.scenario] or \
        [kind for kind in ALL if kind.short > 0 or not asked.short]
    folder = tempfile.TemporaryDirectory(prefix="teegate-chaos-")
    tee = Tee(pathlib.Path(folder.name) / "tee")
    print(f"seed {asked.seed}", flush=True)
    held = [run_one(kind, pathlib.Path(folder.name), tee, asked.seed, asked.short) for kind in kinds]
    print(f"{held.count(True)} scenarios held, {held.count(False)} failed, {time.monotonic() - began:.0f} s", flush=True)
    if asked.keep:
        print(f"kept: {folder.name}")
        folder._finalizer.detach()
    else:
        folder.cleanup()
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
