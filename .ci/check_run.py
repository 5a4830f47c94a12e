"""Check a finished quick run: the oracle is first, random is at chance, models hold their gates, a rerun is free."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

folder = Path(sys.argv[1])
board = pd.read_csv(folder / "leaderboard.csv")
oracle = board[board["method"] == "oracle"].iloc[0]
random = board[board["method"] == "random"].iloc[0]
models = pd.read_csv(folder / "models.csv")
command = [sys.executable, "-m", "peephole", "run", "--out", str(folder), "--json"]
again = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

checks = {
    "the oracle is first": oracle["rank"] == 1 and abs(oracle["score"] - 1) < 1e-9,
    "random is at chance within its interval": random["score_lo"] <= 0 <= random["score_hi"],
    "every attack succeeds on 99 % or more": bool((models["attack_success"] >= 0.99).all()),
    "no model loses more than 2 points": bool((models["accuracy_drop"] <= 0.02).all()),
    "a second run computes nothing": again["units"]["computed"] == 0 and not again["units"]["failed"],
    "there is a picture for each trigger": len(list((folder / "heatmaps").glob("*.png")))
    == models["trigger"].nunique(),
}
for name, holds in checks.items():
    print(f"{'holds' if holds else 'FAILS'}: {name}")  # noqa: T201
sys.exit(not all(checks.values()))
