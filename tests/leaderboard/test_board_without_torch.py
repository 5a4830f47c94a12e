"""Boards are read, compared and written without torch or scipy, which take seconds to import."""

import subprocess
import sys
from pathlib import Path

import pytest

import peephole.leaderboard

FOLDER = Path(peephole.leaderboard.__path__[0])
MODULES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if "torch-free" in path.read_text().partition("\n")[0])


@pytest.mark.parametrize("heavy", ["torch", "scipy"])
def test_heavy_modules_stay_unimported(heavy: str) -> None:
    imports = "; ".join(f"import peephole.leaderboard.{name}" for name in MODULES)
    check = f"import sys; {imports}; sys.exit('{heavy}' in sys.modules)"
    assert {"board", "scores", "tables", "compare", "picture_file", "row_names"} <= set(MODULES)
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
