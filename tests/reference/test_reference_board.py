"""The published board of the quick suite: a part of it made again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import peephole
from peephole.leaderboard.base import CALIBRATION, METRICS
from peephole.leaderboard.tables import read_csv
from peephole.machine import Machine
from peephole.request import read_request
from peephole.suites.suite import load_suite

FOLDER = Path(__file__).parents[2] / "leaderboard" / "reference" / "quick-v1"
KEY = ["trigger", "seed", "method", "layer", "metric"]
SAME_NETWORK = 1e-4
"""Of best − chance: where the weights are the same to the bit, only the order of sums may differ."""
OTHER_NETWORK = 0.15
"""The same where they are not: another network of the same kind, on average over pictures."""


@pytest.fixture(scope="module")
def board():
    return read_csv(FOLDER / "leaderboard.csv")


@pytest.fixture(scope="module")
def scores():
    return pd.read_csv(FOLDER / "scores.csv.xz")


def test_it_is_a_whole_board_of_the_newest_version(board, scores):
    suite = load_suite("quick")
    assert set(board["suite"]) == {suite.identifier}
    assert set(board["method"]) == {*suite.methods, *CALIBRATION.names()}
    assert set(scores["metric"]) == set(METRICS.names())
    assert set(scores["trigger"]) == set(suite.triggers)
    assert (scores["dirty"] == "no").all()
    assert read_request(FOLDER).options == peephole.Options()


def test_oracle_and_random_stand_where_they_must(board):
    best = board.set_index(["method", "layer"])["score"]
    assert best["oracle", "input"] == pytest.approx(1)
    assert board.loc[board["method"] == "oracle", "rank"].item() == 1
    random = board[board["method"] == "random"].iloc[0]
    assert random["score_lo"] <= 0 <= random["score_hi"]


@pytest.mark.slow
def test_a_part_of_it_made_again_is_the_same(board, scores, tmp_path):
    """Two methods and the calibration rows on one trigger, trained anew with one thread as the reference was."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        options = peephole.Options(triggers=("square",), methods=("gradient", "lrp_epsilon"))
        again = peephole.run("quick", out=tmp_path / "results", options=options, machine=Machine("cpu")).scores
    finally:
        torch.set_num_threads(threads)
    both = again.merge(scores, on=KEY, suffixes=("", "_published"), validate="one_to_one")
    assert len(both) == len(again)
    assert (both["data_digest"] == both["data_digest_published"]).all()
    assert (both["model_digest"] == both["model_digest_published"]).all()
    same = both["weights_digest"] == both["weights_digest_published"]
    scale = (both["best_published"] - both["chance_published"]).abs().clip(lower=0.1)
    off = (both["value"] - both["value_published"]).abs() / scale
    costly = both["n"] < both["n"].max()  # a handful of pictures says little of another network
    assert (off[same] <= SAME_NETWORK).all()
    assert np.median(off[~same & ~costly]) <= OTHER_NETWORK if (~same).any() else True
