"""These tests themselves, started where signals are ignored."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_tests_that_send_signals_pass_in_the_background_of_a_script():
    """A shell ignores SIGINT in what it starts in the background, and processes inherit that."""
    ignoring = ["sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh", sys.executable]
    several = [TESTS / "store" / "test_interrupted_writes.py", TESTS / "attacks" / "test_signals.py"]
    done = subprocess.run(
        [*ignoring, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *map(str, several)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
