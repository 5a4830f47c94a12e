"""CSV files: round trip, types, all or nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.tables import read_csv, write_csv


@pytest.fixture
def cells(cell_of: Callable[..., Cell]) -> list[Cell]:
    pictures = np.random.default_rng(0).random((3, 20)) / 3
    calibration = {"kind": "calibration", "layer": "", "ms_per_image": float("nan"), "model_digest": ""}
    return [
        cell_of(pictures[0], method="nan", layer="NA"),
        cell_of(pictures[1] * 1e-7, method='tiny, "quoted"', layer="layer1", ms_per_image=1 / 3),
        cell_of(pictures[2], method="random", **calibration),
        cell_of(pictures[2], method="nan", layer="NA", metric="auprc", core=False),
    ]


@pytest.mark.parametrize("table", [board, score_table])
def test_tables_come_back_as_they_were(
    table: Callable[[list[Cell]], pd.DataFrame], cells: list[Cell], tmp_path: Path
) -> None:
    frame = table(cells)
    write_csv(frame, tmp_path / "deep" / "er" / "table.csv")
    back = read_csv(tmp_path / "deep" / "er" / "table.csv")
    pd.testing.assert_frame_equal(back, frame, rtol=1e-9, atol=0)


def test_unranked_and_empty_boards_come_back(cell_of: Callable[..., Cell], tmp_path: Path) -> None:
    frame = board([cell_of([0.5, 0.6], certified=False)])
    write_csv(frame, tmp_path / "board.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "board.csv"), frame)
    write_csv(board([]), tmp_path / "board.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "board.csv"), board([]), check_dtype=False)


def test_a_missing_number_is_an_empty_field(cells: list[Cell], tmp_path: Path) -> None:
    write_csv(score_table(cells)[["method", "ms_per_image", "certified"]], tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines() == [
        "method,ms_per_image,certified",
        "nan,2,True",
        '"tiny, ""quoted""",0.333333333333,True',
        "random,,True",
        "nan,2,True",
    ]


def test_a_failed_write_leaves_the_old_file(cells: list[Cell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "board.csv"
    write_csv(board(cells), path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PeepholeError, match=r"cannot write .*No space left on device"):
        write_csv(board(cells[:1]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_file_or_the_new_one(cells: list[Cell], tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    write_csv(board(cells), path)
    before = path.read_text(encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        write_csv(board(cells[:1]), path)
        assert reader.read() == before
    assert path.read_text(encoding="utf-8") != before


def test_others_may_read_what_the_umask_lets_them(cells: list[Cell], tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_csv(board(cells), tmp_path / "board.csv")
    assert (tmp_path / "board.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("content", [b"", b"score\nmuch\n", b"\xff\xfe\x00", b"a,b\n1,2,3,4\n5,6,7,8,9\n"])
def test_files_that_are_no_table_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(PeepholeError, match="is no table of ours") as caught:
        read_csv(tmp_path / "bad.csv")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PeepholeError, match=r"cannot read .*No such file"):
        read_csv(tmp_path / "none.csv")
