"""Check a finished quick run: the oracle is first, random at chance, certificates hold, a rerun is free, what the board
shows is what `peephole compare` can tell apart, a submission gets its row and its page, and `peephole verify` finds
what was edited; and what became of the claims of the papers.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from peephole.claims.base import CLAIMS
from peephole.leaderboard.base import METRICS

folder = Path(sys.argv[1])
board = pd.read_csv(folder / "leaderboard.csv")
oracle = board[board["method"] == "oracle"].iloc[0]
random = board[board["method"] == "random"].iloc[0]
models = pd.read_csv(folder / "models.csv")
claims = json.loads((folder / "claims" / "claims.json").read_text(encoding="utf-8"))
copy = folder.with_name("copy")
shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("store"))


def peephole(*arguments: object, code: int = 0) -> Any:
    """What a command answers with ``--json``, and ends with this exit code."""
    command = [sys.executable, "-m", "peephole", *map(str, arguments), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != code:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}, not {code}: {done.stderr}")
    return json.loads(done.stdout)


again = peephole("run", "--out", folder)


def verdicts(*names: object) -> dict[str, set[str]]:
    """What a comparison says, by measure."""
    found: dict[str, set[str]] = {}
    for pair in peephole("compare", *names)["pairs"]:
        for one in pair["comparisons"]:
            found.setdefault(one["measure"], set()).add(one["verdict"])
    return found


# The oracle asks no network, as random does not, and it does not look like the picture: there it need not be better.
OTHER = {"twin_difference", "kis", "insertion", "insertion_abs", "input_alignment"}
oracle_is = {name: each for name, each in verdicts("oracle", "random", folder).items() if not name.startswith("sanity")}

copied = verdicts(folder, copy)
report = [path for path in (folder / "report").rglob("*") if path.is_file()]
submitted = peephole("submit", "examples/layered.py", "--out", folder)
verified = peephole("verify", folder)
stored = peephole("store", "check", folder)
scores = folder / "scores.csv"
lines = scores.read_text().splitlines(keepends=True)
cells = lines[16].split(",")
cells[8] = "0.987654321"
scores.write_text("".join([*lines[:16], ",".join(cells), *lines[17:]]))
edited = peephole("verify", folder, "--share", 0, code=1)

checks = {
    "the oracle is first": oracle["rank"] == 1 and abs(oracle["score"] - 1) < 1e-9,
    "random is at chance within its interval": random["score_lo"] <= 0 <= random["score_hi"],
    "seven triggers are planted twice": models.groupby("trigger")["seed"].nunique().tolist() == [2] * 7,
    "each trigger has a model that meets its gates": bool(models.groupby("trigger")["certified"].any().all()),
    "a model that misses a gate says which": bool((models["certified"] == models["failed_gates"].isna()).all()),
    "a second run computes nothing": again["units"]["computed"] == 0 and not again["units"]["failed"],
    "every shard of the store is what was written": stored["sound"],
    "every metric is published": set(pd.read_csv(folder / "scores.csv")["metric"]) == set(METRICS.names()),
    "the oracle is better than random wherever the truth counts": {
        name for name, each in oracle_is.items() if each == {"better"}
    }
    >= set(oracle_is) - OTHER,
    "a board is not separable from its copy": set.union(*copied.values()) == {"not separable"},
    "an example gets its row by one command": submitted["rank"] <= submitted["rows"] and submitted["best_layer"] != "",
    "verify passes on a fresh board": verified["ok"] and {row["status"] for row in verified["rows"]} == {"reproduces"},
    "verify fails on an edited one, and names the line": any(
        one["where"].startswith("scores.csv line 17") for one in edited["differences"]
    ),
    "there is a study of key information": len(pd.read_csv(folder / "kis.csv")) > 0 and (folder / "kis.png").is_file(),
    "there is a page for each method and model": len(list((folder / "report" / "methods").glob("*.html")))
    == board["method"].nunique() + 1  # with the submission
    and len(list((folder / "report" / "models").glob("*.html"))) == len(models[["trigger", "seed"]].drop_duplicates()),
    "the report is below 15 MB": 0 < sum(path.stat().st_size for path in report) < 15e6,
    "every claim was tested in every part, and has its figure": {result["name"] for result in claims["results"]}
    == set(CLAIMS.names())
    and all(
        one["verdict"] != "not tested" and (folder / "claims" / result["figure"]).is_file()
        for result in claims["results"]
        for one in result["tested"]
    ),
    "our closed form of theorem 1 holds": any(
        one["expectation"]["name"] == "follows_the_closed_form" and one["verdict"] == "holds"
        for result in claims["results"]
        for one in result["tested"]
    ),
    "claims are a page of the report": (folder / "report" / "claims.html").is_file(),
    "there is a picture for each trigger": len(list((folder / "heatmaps").glob("*.png")))
    == models["trigger"].nunique(),
}
for name, holds in checks.items():
    print(f"{'holds' if holds else 'FAILS'}: {name}")  # noqa: T201
sys.exit(not all(checks.values()))
