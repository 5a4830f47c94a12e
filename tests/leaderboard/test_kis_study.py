"""Tables from samples of S."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from peephole.errors import PeepholeError
from peephole.leaderboard.bimodality import bimodality
from peephole.leaderboard.holm import holm
from peephole.leaderboard.kis_study import (
    CLEAN_MODEL,
    CORRECTNESS_COLUMNS,
    KIS_COLUMNS,
    VARIANTS,
    Sample,
    correctness_table,
    kis_table,
)
from peephole.leaderboard.wilson import wilson_interval


def sample(model=CLEAN_MODEL, pictures="clean", seed=0, n=200, at=(-0.5, 0.6), spread=0.1, **more):
    """KIS has two peaks, Insertion one and Insertion (ABS) one left of zero; those right of zero are mostly correct."""
    rng = np.random.default_rng(seed)
    upper = rng.random(n) < 0.6
    values = np.stack(
        [np.where(upper, at[1], at[0]) + spread * rng.normal(size=n), rng.normal(0.5, 0.2, n), rng.normal(-2, 0.2, n)]
    )
    correct = rng.random(n) < np.where(upper, 0.95, 0.6)
    success = rng.random(n) < 0.9 if pictures == "poisoned" else None
    return Sample(model, pictures, seed, values, correct, success, **more)


@pytest.fixture(scope="module")
def samples():
    attacks = [sample("badnet", kind, seed, at=(0.5, 0.5)) for seed in (0, 1) for kind in ("clean", "poisoned")]
    return [sample(), *attacks, sample(seed=1)]


@pytest.fixture(scope="module")
def table(samples):
    return kis_table(samples)


def test_there_is_a_row_for_all_seeds_and_for_each(table):
    assert tuple(table.columns) == KIS_COLUMNS
    assert len(table) == 3 * 3 * 3
    keys = table[["variant", "model", "pictures", "seeds"]]
    assert not keys.duplicated().any()
    assert set(keys["seeds"]) == {"all", "0", "1"}
    one = kis_table([sample()])
    assert one["seeds"].tolist() == ["all"] * 3


def test_rows_are_of_their_own_pictures(samples, table):
    row = table.set_index(["variant", "model", "pictures", "seeds"]).loc[("insertion", "badnet", "poisoned", "1")]
    (one,) = [each for each in samples if (each.model, each.pictures, each.seed) == ("badnet", "poisoned", 1)]
    values = one.values[1][one.success]
    found = bimodality(values)
    assert row["n"] == one.success.sum()
    assert row["failed"] == (~one.success).sum() > 0
    assert row["median"] == np.median(values)
    for name in ("dip", "dip_p", "delta_bic", "ashman_d", "sarle_b", "side"):
        assert row[name] == getattr(found, name)
    for name in ("weight", "mean", "sd"):
        assert row[f"left_{name}"] == getattr(found.modes[0], name)
        assert row[f"right_{name}"] == getattr(found.modes[1], name)
    assert row["share_right"] == (values > 0).mean()
    assert (row["share_right_lo"], row["share_right_hi"]) == wilson_interval((values > 0).sum(), len(values))


def test_p_values_are_adjusted_over_the_rows_of_the_same_seeds(table):
    for _, rows in table.groupby("seeds"):
        assert rows["dip_p_holm"].tolist() == holm(rows["dip_p"].to_numpy()).tolist()
    assert (table["dip_p_holm"] >= table["dip_p"]).all()


def test_two_peaks_are_named(table):
    pooled = table[table["seeds"] == "all"].set_index(["variant", "model", "pictures"])
    assert pooled.loc[("kis", CLEAN_MODEL, "clean"), "bimodal"] == "yes"
    assert (pooled.drop(("kis", CLEAN_MODEL, "clean"))["bimodal"] == "no").all()
    assert pooled.loc[("insertion_abs", "badnet", "clean"), "side"] == "left"
    assert pooled.loc[("kis", CLEAN_MODEL, "clean"), "side"] == "right"
    assert (table["reason"] == "").all()


def test_what_has_no_s_is_left_out_and_counted():
    one = sample()
    one.values[0, :7] = math.nan
    row = kis_table([one]).iloc[0]
    assert row["n"] == 193
    assert row["undefined"] == 7
    assert kis_table([one]).iloc[1]["undefined"] == 0
    right = correctness_table([one]).iloc[0]
    assert right["undefined"] == 7
    assert right["n"] == right["n_right"] + right["n_left"] == 193


def test_too_few_pictures_have_empty_cells_and_a_reason():
    for n in (0, 5):
        row = kis_table([sample(n=n)]).iloc[0]
        assert row["bimodal"] == ""
        assert row["reason"] == f"{n} numbers, fewer than 20"
        assert math.isnan(row["dip_p_holm"])
        assert math.isnan(row["share_right"]) == (n == 0)
        assert math.isnan(row["median"]) == (n == 0)


def test_correctness_is_of_the_clean_model_alone(samples):
    table = correctness_table(samples)
    assert tuple(table.columns) == CORRECTNESS_COLUMNS
    assert table["variant"].tolist() == [variant for variant in VARIANTS for _ in range(3)]
    clean = [one for one in samples if one.model == CLEAN_MODEL]
    values = np.concatenate([one.values[0] for one in clean])
    correct = np.concatenate([one.correct for one in clean])
    row = table[table["seeds"] == "all"].set_index("variant").loc["kis"]
    for side, there in (("right", values > 0), ("left", values < 0)):
        assert row[f"n_{side}"] == there.sum()
        assert row[f"accuracy_{side}"] == correct[there].mean()
        ends = wilson_interval(correct[there].sum(), there.sum())
        assert (row[f"accuracy_{side}_lo"], row[f"accuracy_{side}_hi"]) == ends
    theirs = pearsonr(values, correct)
    assert (row["correlation"], row["correlation_p"]) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    pairs = [(a > b) + 0.5 * (a == b) for a in values[correct] for b in values[~correct]]
    assert row["auroc"] == pytest.approx(np.mean(pairs))
    assert row["auroc_lo"] < row["auroc"] < row["auroc_hi"]
    assert row["reason"] == ""


def test_empty_sides_and_classes_say_so():
    one = sample()
    one.correct[:] = True
    table = correctness_table([one]).set_index("variant")
    assert table.loc["kis", "reason"] == "all pictures are of one class"
    assert table.loc["kis", "accuracy_left"] == 1
    assert math.isnan(table.loc["kis", "auroc"])
    assert math.isnan(table.loc["kis", "correlation"])
    assert table.loc["insertion_abs", "reason"] == "no picture right of zero; all pictures are of one class"
    assert math.isnan(table.loc["insertion_abs", "accuracy_right"])
    assert math.isnan(table.loc["insertion_abs", "accuracy_right_lo"])


def test_no_samples_make_empty_tables():
    assert tuple(kis_table([]).columns) == KIS_COLUMNS
    assert tuple(correctness_table([sample("badnet")]).columns) == CORRECTNESS_COLUMNS
    assert len(kis_table([])) == len(correctness_table([sample("badnet")])) == 0


def test_tables_survive_csv(table, tmp_path):
    table.to_csv(tmp_path / "kis.csv", index=False)
    again = pd.read_csv(tmp_path / "kis.csv", keep_default_na=False, na_values={"dip_p": [""]}, dtype={"seeds": str})
    assert again["bimodal"].tolist() == table["bimodal"].tolist()
    assert again["dip_p"].tolist() == pytest.approx(table["dip_p"].tolist())


def test_the_same_samples_give_the_same_table(samples, table):
    assert kis_table(samples).equals(table)


def test_what_does_not_fit_is_refused():
    one = sample()
    with pytest.raises(PeepholeError, match=r"values \[2, 200\] of 200 pictures, expected \[3, 200\]"):
        Sample(one.model, "clean", 0, one.values[:2], one.correct)
    one.values[0, 0] = math.inf
    with pytest.raises(PeepholeError, match="finite or NaN"):
        Sample(one.model, "clean", 0, one.values, one.correct)
