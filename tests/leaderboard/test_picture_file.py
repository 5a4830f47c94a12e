"""Scores picture by picture on disk: round trip, and what is refused."""

import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import h5py
import numpy as np
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.alignment import align
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.picture_file import PICTURES, read_pictures, write_pictures
from peephole.leaderboard.tables import LEADERBOARD, SCORES

Put = Callable[..., Path]


@pytest.fixture
def cells(cell_of: Callable[..., Cell]) -> list[Cell]:
    generator = np.random.default_rng(0)
    selection, nan = np.arange(9) < 3, float("nan")
    scored = np.arange(9) % 2 == 0
    whole = [
        cell_of(
            generator.random(9),
            **{"trigger": trigger, "seed": seed, "metric": metric, "core": core, "selection": selection},
            **{"model_digest": f"{trigger}{seed}", "valid": generator.random(9) < 0.7, "method": method},
        )
        for trigger in ("warp/strong", "dynamic(kind='ban')")
        for seed in (1, 0)
        for metric, core in (("restore", True), ("auprc", False))
        for method in ("grad_cam", "tif(deeplift, 0.9)")
    ]
    part = cell_of(
        np.where(scored, 0.5, nan), scored=scored, chance=np.where(scored, 0.25, nan), selection=selection,
        method="dear", trigger="warp/strong", metric="restore", model_digest="warp/strong0",
    )  # fmt: skip
    return [*whole, part]


def test_a_lineup_comes_back_as_it_was(put: Put, cells: list[Cell]) -> None:
    folder, lineup = put(cells), align(cells)
    for table in (LEADERBOARD, SCORES):
        back = read_pictures(folder / PICTURES, folder / table)
        assert (back.subject, back.rows) == (lineup.subject, lineup.rows)
        assert list(back.pictures) == list(lineup.pictures) == ["dynamic(kind='ban')", "warp/strong"]
        for trigger, pictures in lineup.pictures.items():
            found = back.pictures[trigger]
            assert (found.models, found.sizes, found.selection_sizes) == (
                pictures.models,
                pictures.sizes,
                pictures.selection_sizes,
            )
            assert np.array_equal(found.selection, pictures.selection)
        assert len(back.conditions) == len(lineup.conditions) == 4
        for mine, theirs in zip(back.conditions, lineup.conditions, strict=True):
            for field in fields(mine):
                own, other = getattr(mine, field.name), getattr(theirs, field.name)
                if isinstance(own, np.ndarray):
                    assert own.dtype == other.dtype
                    assert np.array_equal(own, other, equal_nan=own.dtype.kind == "f")
                elif field.name != "pictures":
                    assert own == other
    assert [asdict(model)["seed"] for model in back.pictures["warp/strong"].models] == [0, 1]


def test_a_board_without_a_certified_model_comes_back_empty(put: Put, cell_of: Callable[..., Cell]) -> None:
    folder = put([cell_of([0.5, 0.6], certified=False)])
    back = read_pictures(folder / PICTURES, folder / LEADERBOARD)
    assert (back.conditions, dict(back.pictures)) == ((), {})
    assert back.rows == (("gradient", "method", "input"),)


def test_the_same_cells_give_the_same_bytes(put: Put, cells: list[Cell]) -> None:
    assert (put(cells, "a") / PICTURES).read_bytes() == (put(cells, "b") / PICTURES).read_bytes()


def test_gzip_needs_no_plug_in(put: Put, cells: list[Cell]) -> None:
    with h5py.File(put(cells) / PICTURES, "r") as file:
        assert {(file[f"{i}/{name}"].compression) for i in (0, 1) for name in ("value", "best", "valid")} == {"gzip"}
        assert file.attrs["encoding_version"] == 1


def test_tables_that_changed_since_are_other_tables(put: Put, cells: list[Cell]) -> None:
    folder = put(cells)
    with (folder / LEADERBOARD).open("a") as file:
        file.write("\n")
    with pytest.raises(PeepholeError, match=r"belongs to other tables than .*leaderboard\.csv"):
        read_pictures(folder / PICTURES, folder / LEADERBOARD)
    assert read_pictures(folder / PICTURES, folder / SCORES).rows


def test_what_cannot_be_read_is_refused_in_one_line(put: Put, cells: list[Cell], tmp_path: Path) -> None:
    folder = put(cells)
    path, table = folder / PICTURES, folder / SCORES
    with pytest.raises(PeepholeError, match=r"there is no .*none\.h5"):
        read_pictures(tmp_path / "none.h5", table)
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(content[: len(content) // 2]))
    with pytest.raises(PeepholeError, match="is damaged") as caught:
        read_pictures(path, table)
    assert "\n" not in str(caught.value)
    with h5py.File(path, "w") as file:
        file.attrs["encoding"], file.attrs["encoding_version"] = "peephole-pictures", 2
    with pytest.raises(PeepholeError, match="version 2, this version of peephole reads"):
        read_pictures(path, table)


def test_a_failed_write_leaves_the_old_file(put: Put, cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(cells)
    before = (folder / PICTURES).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PeepholeError, match=r"cannot write .*No space left"):
        write_pictures(align(cells[:1]), folder / PICTURES, (folder / LEADERBOARD, folder / SCORES))
    assert (folder / PICTURES).read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {PICTURES, LEADERBOARD, SCORES}


def test_a_large_board_is_read_in_a_moment(put: Put, cell_of: Callable[..., Cell]) -> None:
    generator = np.random.default_rng(0)
    cells = [
        cell_of(generator.random(100), trigger=f"t{t}", metric=f"m{m}", method=f"r{r}", core=m < 2)
        for t in range(5)
        for m in range(8)
        for r in range(60)
    ]
    folder = put(cells)
    start = time.process_time()
    assert len(read_pictures(folder / PICTURES, folder / LEADERBOARD).conditions) == 40
    assert time.process_time() - start < 1
