"""Folders of runs, made up in a second: tables from drawn scores, and a store with untrained networks."""

import json
from pathlib import Path

import numpy as np
import pytest

import peephole
from peephole.cli import main
from peephole.datasets.shapes import Shapes
from peephole.leaderboard.alignment import align
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import PROVENANCE, Cell
from peephole.leaderboard.picture_file import PICTURES, write_pictures
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.tables import LEADERBOARD, SCORES, write_csv
from peephole.machine import Machine
from peephole.plan import Plan
from peephole.request import request_of, write_request
from peephole.runner import plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.networks import build, state_arrays
from peephole.workspace import Workspace

LAYERS = ("input", "stem", "layer1.0", "layer2.0", "layer3.0")
METHODS = ("gradient", "grad_cam", "guided_backprop")
ODD = "odd_$x^2$ 50% {a|b}"
TRIGGERS = ("square", "badnet")
SIZE, SHOWN, CHOSEN = 24, 4, 2

COUNTS = {"train": 20, "test": 60}


def cells() -> list[Cell]:
    generator = np.random.default_rng(0)
    found = []
    methods = [*(("method", name) for name in (*METHODS, ODD)), ("calibration", "oracle")]
    for trigger in TRIGGERS:
        for metric, sign in (("completeness", 1), ("restore", -1), ("kis", 1)):
            for number, (kind, method) in enumerate(methods):
                cost = np.nan if kind == "calibration" else 1.0 + 3 * number
                layers = LAYERS if kind == "method" and method != ODD else LAYERS[:1]
                for place, layer in enumerate(layers):
                    skill = 0.8 if kind == "calibration" else 0.1 * number + 0.05 * place
                    found.append(
                        Cell(
                            suite="quick/v1", dataset="shapes", model="resnet8", trigger=trigger, seed=0, method=method,
                            kind=kind, layer=layer, metric=metric, scored=np.ones(SIZE, dtype=np.bool_),
                            value=0.5 + sign * skill / 2 + generator.normal(0, 0.02, SIZE), chance=np.full(SIZE, 0.5),
                            best=np.full(SIZE, 0.5 + 0.45 * sign), valid=np.ones(SIZE, dtype=np.bool_),
                            selection=np.arange(SIZE) < 4, ms_per_image=cost,
                            passes=cost,
                            direction="higher" if sign > 0 else "lower", core=metric != "kis", certified=True,
                            provenance={**dict.fromkeys(PROVENANCE, "x"), "suite_version": "1"},
                        )
                    )  # fmt: skip
    return found


def write_tables(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "peephole.json").write_text(json.dumps({"format": "peephole results", "version": 1}))
    own = cells()
    write_csv(board(own), folder / LEADERBOARD)
    write_csv(score_table(own), folder / SCORES)
    write_pictures(align(own), folder / PICTURES, (folder / LEADERBOARD, folder / SCORES))
    return folder


def fill_store(plan: Plan, store: Store) -> None:
    """Networks that nobody has trained, drawn maps, scores and samples."""
    generator = np.random.default_rng(1)
    clean = plan.first[0].clean
    network = build("resnet8", Workspace(store, Machine("cpu")), clean.spec["dataset"], 0)
    made = {clean: Shard(state_arrays(network, "weights"), {})}
    count, mask = SHOWN + CHOSEN, np.zeros((SHOWN + CHOSEN, 1, 32, 32), dtype=np.bool_)
    mask[..., :9, :9] = True
    image = generator.random((count, 3, 32, 32), dtype=np.float32)
    for backdoor in plan.first:
        made[backdoor.probes] = Shard(
            {
                "image": image, "clean": image, "mask": mask, "exact": mask, "target": np.zeros((count, 1), np.int64),
                "selection": np.arange(count) < CHOSEN,
            },
            {},
        )  # fmt: skip
    for row in plan.rows:
        if row.need == "maps" and row.method in METHODS:
            sides = (32, 32, 32, 16, 8)
            maps = {
                f"maps/{each}": generator.normal(size=(count, 1, 1, side, side))
                for each, side in zip(LAYERS, sides, strict=True)
            }
            made[row.maps] = Shard({name: each.astype(np.float32) for name, each in maps.items()}, {})
            value = generator.random((len(row.metrics), len(LAYERS), count))
            made[row.scores] = Shard(
                {"value": value, "valid": np.ones(value.shape, dtype=np.bool_)}, {"layers": list(LAYERS)}
            )
    for unit in plan.samples:
        arrays = {}
        for kind in ("clean", "poisoned") if unit.is_poisoned else ("clean",):
            arrays[f"{kind}/s"] = np.minimum(generator.normal(0.4, 0.3, (3, 40)), 1)
            for name, value in (("label", 0), ("decision", generator.integers(0, 2, 40)), ("index", 0), ("target", 1)):
                arrays[f"{kind}/{name}"] = np.zeros(40, np.int64) + value
        made[unit] = Shard(arrays, {"variants": ["kis", "insertion", "insertion_abs"]})
    for unit, shard in made.items():
        store.write(unit.kind, unit.digest, unit.identity, shard, 0.0)


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """A folder with the tables of a run, without a store."""
    return write_tables(tmp_path_factory.mktemp("figures") / "tables")


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A folder with tables, request and store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", COUNTS)
        folder = write_tables(tmp_path_factory.mktemp("figures") / "results")
        options = peephole.Options(seeds=1, triggers=TRIGGERS, methods=METHODS)
        plan = plan_run("quick", options=options)
        write_request(request_of(plan, options), folder)
        (folder / "store").mkdir()
        fill_store(plan, Store(folder / "store"))
    return folder


@pytest.fixture(autouse=True)
def _few_pictures(monkeypatch):
    """As few as the run was made of: it is planned again."""
    monkeypatch.setattr(Shapes, "counts", COUNTS)


@pytest.fixture
def command(monkeypatch, capsys):
    """The command line, in this process: exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["peephole", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return run
