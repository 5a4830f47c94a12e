"""Check a finished quick run: the oracle is first, random is at chance, certificates hold, a rerun is free."""

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
    "seven triggers are planted twice": models.groupby("trigger")["seed"].nunique().tolist() == [2] * 7,
    "each trigger has a model that meets its gates": bool(models.groupby("trigger")["certified"].any().all()),
    "a model that misses a gate says which": bool((models["certified"] == models["failed_gates"].isna()).all()),
    "a second run computes nothing": again["units"]["computed"] == 0 and not again["units"]["failed"],
    "there is a picture for each trigger": len(list((folder / "heatmaps").glob("*.png")))
    == models["trigger"].nunique(),
}
for name, holds in checks.items():
    print(f"{'holds' if holds else 'FAILS'}: {name}")  # noqa: T201
sys.exit(not all(checks.values()))
