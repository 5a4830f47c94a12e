"""Draw docs/images/metrics/ from a finished run of the suite quick: ``python docs/figures/metrics.py RESULTS``."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from exhibit import Finished

from peephole.runner import plan_run
from peephole.store.store import DamagedShard

PAGES = ("place", "curves", "counterfactual", "networks", "key_information")
"""Modules beside this one, each of which draws the picture of its name."""


def main() -> None:
    """Read the run, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="the folder of the run, such as peephole-results")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "images" / "metrics")
    parser.add_argument("--only", choices=PAGES, nargs="+", default=PAGES)
    arguments = parser.parse_args()
    run = Finished(plan_run("quick"), arguments.results)
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        for name in arguments.only:
            importlib.import_module(name).draw(run).save(arguments.out / f"{name}.png")
    except DamagedShard as error:
        raise SystemExit(f"{error}; expected a finished 'peephole run' of the suite quick by this version") from error


if __name__ == "__main__":
    main()
