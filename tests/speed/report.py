"""How quick a report is with 100 methods at 10 layers under 7 triggers: to write, to hold, and to open in Chromium.

``python tests/speed/report.py [METHODS [LAYERS]]`` prints how long a report of made-up scores takes to be written, its
size, and the milliseconds until Chromium shows the first table of index.html from a file, at once and as the median of
five, beside those that it needs for an empty page.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))
from browsing import browser, reader

from peephole.leaderboard.alignment import Condition, Lineup, Model, Pictures, in_order
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.site import write_site
from peephole.leaderboard.standings import standings
from peephole.leaderboard.stored_board import StoredBoard

TRIGGERS = tuple(f"trigger_{number}" for number in range(7))
CORE = ("restore", "morf_minus_lerf", "completeness")
METRICS = (
    *CORE,
    *(f"morf(baseline='{name}')" for name in ("black", "blur")),
    "kis",
    "truth_auprc",
    "insert",
    "lerf",
    "morf",
)
PICTURES = 40
TIMES = 5


def made_up(methods: int, layers: int) -> Contents:
    """A board of made-up scores, and nothing from a store."""
    draw = np.random.default_rng(0)
    rows = tuple(
        (f"method_{one}(option={one})", "method", f"layer{layer}.0")
        for one in range(methods)
        for layer in range(layers)
    )
    skill = draw.normal(0.5, 0.2, (len(rows), 1))
    pictures, conditions = {}, []
    for trigger in TRIGGERS:
        selection = np.arange(PICTURES) % 4 == 0
        counts = int((~selection).sum()), int(selection.sum())
        pictures[trigger] = Pictures((Model(0, "model", "data"),), counts[:1], counts[1:], selection)
        for metric in METRICS:
            value = skill + draw.normal(0, 0.2, (len(rows), PICTURES))
            levels = np.zeros(PICTURES), np.ones(PICTURES)
            valid = np.ones(value.shape, dtype=np.bool_)
            conditions.append(
                Condition(trigger, metric, metric in CORE, "higher", pictures[trigger], value, valid, *levels)
            )
    lineup = Lineup(("speed", "1", "none", "none"), rows, pictures, in_order(conditions))
    table = pd.DataFrame(standings(lineup, METRICS)).sort_values("rank", ignore_index=True)
    table = table.assign(
        n=PICTURES, n_invalid=0, ms_per_image=1.0, passes=1.0, pareto=False, core_metrics="; ".join(CORE)
    )
    board = StoredBoard(Path("leaderboard.csv"), table, METRICS, frozenset(), lineup.subject, frozenset(), lineup)
    return Contents(board)


def main(methods: int = 100, layers: int = 10) -> None:
    """Measure and print."""
    contents = made_up(methods, layers)
    with tempfile.TemporaryDirectory() as name, browser() as launched:
        begin = time.perf_counter()
        site = write_site(contents, Path(name)).parent
        taken = time.perf_counter() - begin
        print(f"{methods} methods, {layers} layers, {len(TRIGGERS)} triggers: written in {taken:.1f} s")
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        print(f"{size / 1e6:.1f} MB, of which index.html {(site / 'index.html').stat().st_size / 1e6:.1f} MB")
        (site / "empty.html").write_text("<!doctype html><title>empty</title><table class=board data-ready></table>")
        for path in ("empty.html", "index.html"):
            times = []
            for _ in range(TIMES):
                with reader(launched, site) as found:
                    begin = time.perf_counter()
                    found.page.goto((site / path).as_uri(), wait_until="commit")
                    found.page.wait_for_selector("table.board[data-ready]", state="attached")
                    times.append(1000 * (time.perf_counter() - begin))
            print(f"{path}: first table after {times[0]:.0f} ms, median {statistics.median(times):.0f} ms of {TIMES}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
