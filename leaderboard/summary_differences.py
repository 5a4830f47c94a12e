"""Differences between rows of which only the tables are known, with their intervals; torch-free."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import LEVEL
from peephole.leaderboard.differences import Differences, p_values

Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


def summary_differences(
    one: pd.DataFrame, other: pd.DataFrame, measures: Iterable[str], lower: Collection[str]
) -> list[Differences]:
    """The difference of each measure, as if the rows were independent and their intervals normal.

    Rows of the same pictures are not independent: what is hard for one is hard for the other. Their difference is then
    known better than this says, so that fewer rows are told apart than could be.

    Args:
        one: the first rows of the pairs, of leaderboard.csv or of what `scores_summary` makes of scores.csv.
        other: as many second rows.
        measures: columns.
        lower: the measures of which less is better.
    """
    found = []
    for measure in measures:
        values = [frame[measure].to_numpy(dtype=np.float64) for frame in (one, other)]
        difference = values[0] - values[1]
        error = np.hypot(_error(one, measure), _error(other, measure))
        found.append(
            Differences(
                measure=measure,
                direction="lower" if measure in lower else "higher",
                one=values[0],
                other=values[1],
                difference=difference,
                low=difference - Z * error,
                high=difference + Z * error,
                p=p_values(difference, error),
                n_one=one["n"].to_numpy(dtype=np.int64),
                n_other=other["n"].to_numpy(dtype=np.int64),
            )
        )
    return found


def scores_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a (method, kind, layer) with each metric's mean and interval, and n, from `score_table`'s rows.

    A metric's mean is that over its triggers of the mean over their certified models, as on the board, and NaN for a
    row that lacks a model. The variance of one trigger's mean over S models is that of the bootstrap which draws models
    and then pictures: (variance between the models' means + mean of their variances over pictures) / S.
    """
    counted = scores[scores["certified"] & (scores["n"] > 0)].copy()
    counted["variance"] = ((counted["hi"] - counted["lo"]) / (2 * Z)) ** 2
    rows = scores[["method", "kind", "layer"]].drop_duplicates(ignore_index=True)
    keys = ["method", "kind", "layer"]
    pictures = counted.groupby([*keys, "trigger", "seed"], sort=False)["n"].max()
    summary = rows.merge(pictures.groupby(keys, sort=False).sum().reset_index(), on=keys, how="left")
    summary["n"] = summary["n"].fillna(0).astype("int64")
    for metric in dict.fromkeys(scores["metric"]):
        own = counted[counted["metric"] == metric]
        models = own.groupby("trigger")["seed"].nunique()
        parts = own.groupby([*keys, "trigger"], sort=False).agg(
            mean=("value", "mean"),
            between=("value", lambda values: values.var(ddof=0)),
            within=("variance", lambda variances: variances.mean(skipna=False)),
            count=("seed", "size"),
        )
        size = parts.index.get_level_values("trigger").map(models).to_numpy(dtype=np.float64)
        parts.loc[parts["count"].to_numpy() < size, "mean"] = np.nan
        parts["variance"] = (parts["between"] + parts["within"]) / size
        whole = parts.groupby(keys, sort=False).agg(
            mean=("mean", lambda means: means.sum(skipna=False)),
            variance=("variance", lambda variances: variances.sum(skipna=False)),
            count=("mean", "size"),
        )
        whole = rows.merge(whole.reset_index(), on=keys, how="left")
        mean = np.where(whole["count"] == len(models), whole["mean"] / max(len(models), 1), np.nan)
        half = Z * np.sqrt(whole["variance"].to_numpy()) / max(len(models), 1)
        summary[metric], summary[f"{metric}_lo"], summary[f"{metric}_hi"] = mean, mean - half, mean + half
    return summary


def _error(frame: pd.DataFrame, measure: str) -> NDArray[np.float64]:
    """Standard errors from the widths of intervals."""
    width = (frame[f"{measure}_hi"] - frame[f"{measure}_lo"]).to_numpy(dtype=np.float64)
    error: NDArray[np.float64] = width / (2 * Z)
    return error
