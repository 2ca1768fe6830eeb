"""The short set of tests/chaos: each kind of harm once or twice, and after each the sums."""
import pathlib
import subprocess
import sys

RUN = pathlib.Path(__file__).resolve().parent.parent / "chaos/run.py"
MOST_S = 180  # it takes 40; a busy machine is no failure


def test_whatever_dies_under_load_the_sums_are_exact():
    process = subprocess.Popen([sys.executable, RUN, "--short"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=MOST_S)
    except subprocess.TimeoutExpired:
        process.terminate()  # it ends what it started
        said, _ = process.communicate(timeout=60)
    print(said)
    assert process.returncode == 0, said[-6000:]
