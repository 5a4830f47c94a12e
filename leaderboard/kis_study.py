"""What key information sufficiency says of decisions (P2, figures 8 and 9): tables from samples of S; torch-free."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.auroc import auroc
from peephole.leaderboard.bimodality import Bimodality, bimodality
from peephole.leaderboard.holm import holm
from peephole.leaderboard.point_biserial import point_biserial
from peephole.leaderboard.wilson import wilson_interval

VARIANTS = ("kis", "insertion", "insertion_abs")
CLEAN_MODEL = "clean model"
ALL = "all"
KIS_COLUMNS = (
    *("variant", "model", "pictures", "seeds", "n", "undefined", "failed", "median"),
    *("share_right", "share_right_lo", "share_right_hi", "side"),
    *("dip", "dip_p", "dip_p_holm", "delta_bic", "ashman_d", "sarle_b"),
    *("left_weight", "left_mean", "left_sd", "right_weight", "right_mean", "right_sd"),
    *("bimodal", "reason"),
)
CORRECTNESS_COLUMNS = (
    *("variant", "seeds", "n", "undefined", "n_right", "accuracy_right", "accuracy_right_lo", "accuracy_right_hi"),
    *("n_left", "accuracy_left", "accuracy_left_lo", "accuracy_left_hi"),
    *("correlation", "correlation_p", "correlation_lo", "correlation_hi", "auroc", "auroc_lo", "auroc_hi", "reason"),
)


@dataclass(frozen=True, eq=False)
class Sample:
    """S of one network's decisions on some pictures.

    Attributes:
        model: `CLEAN_MODEL`, or the text of the trigger that was planted.
        pictures: whether they are clean or carry that trigger.
        seed: of the run.
        values: float64 ``[3,n]``, by `VARIANTS`; NaN where a map says nothing.
        correct: bool ``[n]``, whether the decision is the picture's label.
        success: bool ``[n]``, whether a poisoned picture gets the trigger's label; None for clean ones.
    """

    model: str
    pictures: Literal["clean", "poisoned"]
    seed: int
    values: NDArray[np.float64]
    correct: NDArray[np.bool_]
    success: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n = len(self.correct)
        flags = n if self.success is None else len(self.success)
        if self.values.shape != (len(VARIANTS), n) or flags != n or bool(np.isinf(self.values).any()):
            raise PeepholeError(
                f"a sample has values {list(self.values.shape)} of {n} pictures, expected {[len(VARIANTS), n]}, finite "
                "or NaN; compute it anew"
            )

    @property
    def studied(self) -> NDArray[np.bool_]:
        """All clean pictures, and of poisoned ones those on which the trigger decides: bool ``[n]``."""
        return np.ones_like(self.correct) if self.success is None else self.success


def kis_table(samples: Sequence[Sample], seed: int = 0) -> pd.DataFrame:
    """How S is distributed, a row a variant, model and kind of pictures.

    Columns `KIS_COLUMNS`. ``seeds`` is "all" for the pictures of all seeds together and, where there are several, each
    seed for itself. n counts the pictures that the row is of; ``undefined`` those left out since they have no S, and
    ``failed`` the poisoned ones left out since the trigger did not decide. ``share_right`` is the share of S > 0 with
    its Wilson interval (pictures as independent draws, also where seeds share them), ``side`` where more than half of S
    lies. The rest is of `peephole.leaderboard.bimodality`. The dip's p-values are adjusted over all rows of the same
    ``seeds``: those of a single seed say the same once more, and must not make the verdict on all of them harsher. Two
    peaks of all seeds together may be two networks with one each, which the rows of single seeds tell.
    ``bimodal`` is "yes" or "no"; where a number is missing, ``reason`` says why.

    Args:
        samples: of any models and seeds.
        seed: of the noise that ties get.
    """
    rows = [
        _distribution(variant, model, pictures, seeds, chosen, seed)
        for place, variant in enumerate(VARIANTS)
        for (model, pictures), group in _groups(samples)
        for seeds, chosen in _by_seed(group, place)
    ]
    frame = pd.DataFrame([row for row, _ in rows], columns=list(KIS_COLUMNS))
    frame["dip_p_holm"] = frame.groupby("seeds")["dip_p"].transform(lambda p: holm(p.to_numpy()))
    frame["bimodal"] = [
        "" if found.reason else "yes" if found.is_bimodal(p) else "no"
        for (_, found), p in zip(rows, frame["dip_p_holm"], strict=True)
    ]
    return frame


def correctness_table(samples: Sequence[Sample]) -> pd.DataFrame:
    """Whether S goes with being right, on the clean model: a row a variant.

    Columns `CORRECTNESS_COLUMNS`: the accuracy on pictures with S > 0 and with S < 0 with Wilson intervals, the
    point-biserial correlation of S with being right, with its p and Fisher's interval, and the AUROC of S as a
    detector of right decisions with DeLong's interval. ``seeds``, ``n`` and ``undefined`` as in `kis_table`; where a
    number is missing, ``reason`` says why.
    """
    clean = [sample for sample in samples if sample.model == CLEAN_MODEL]
    rows = [
        _correctness(variant, seeds, chosen)
        for place, variant in enumerate(VARIANTS)
        for _, group in _groups(clean)
        for seeds, chosen in _by_seed(group, place)
    ]
    return pd.DataFrame(rows, columns=list(CORRECTNESS_COLUMNS))


@dataclass(frozen=True)
class _Chosen:
    """What a row is of: S and whether the decision is right, and how many pictures are left out."""

    values: NDArray[np.float64]
    correct: NDArray[np.bool_]
    undefined: int
    failed: int


def _groups(samples: Sequence[Sample]) -> list[tuple[tuple[str, str], list[Sample]]]:
    """The samples of each model and kind of pictures, in the order in which these come first."""
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.model, sample.pictures), []).append(sample)
    return list(groups.items())


def _by_seed(group: Sequence[Sample], place: int) -> Iterator[tuple[str, _Chosen]]:
    seeds = list(dict.fromkeys(sample.seed for sample in group))
    yield ALL, _chosen(group, place)
    if len(seeds) > 1:
        for seed in seeds:
            yield str(seed), _chosen([sample for sample in group if sample.seed == seed], place)


def _chosen(samples: Sequence[Sample], place: int) -> _Chosen:
    studied = np.concatenate([sample.studied for sample in samples])
    values = np.concatenate([sample.values[place] for sample in samples])
    correct = np.concatenate([sample.correct for sample in samples])
    defined = ~np.isnan(values)
    return _Chosen(
        values[studied & defined],
        correct[studied & defined],
        undefined=int((studied & ~defined).sum()),
        failed=int((~studied).sum()),
    )


def _distribution(
    variant: str, model: str, pictures: str, seeds: str, chosen: _Chosen, seed: int
) -> tuple[dict[str, Any], Bimodality]:
    found = bimodality(chosen.values, seed)
    low, high = _wilson(found.right, found.n)
    lower, upper = found.modes
    row = {
        "variant": variant,
        "model": model,
        "pictures": pictures,
        "seeds": seeds,
        "n": found.n,
        "undefined": chosen.undefined,
        "failed": chosen.failed,
        "median": float(np.median(chosen.values)) if found.n else math.nan,
        "share_right": found.right / found.n if found.n else math.nan,
        "share_right_lo": low,
        "share_right_hi": high,
        "side": found.side,
        "dip": found.dip,
        "dip_p": found.dip_p,
        "delta_bic": found.delta_bic,
        "ashman_d": found.ashman_d,
        "sarle_b": found.sarle_b,
        **{f"left_{name}": getattr(lower, name) for name in ("weight", "mean", "sd")},
        **{f"right_{name}": getattr(upper, name) for name in ("weight", "mean", "sd")},
        "reason": found.reason,
    }
    return row, found


def _correctness(variant: str, seeds: str, chosen: _Chosen) -> dict[str, Any]:
    values, correct = chosen.values, chosen.correct
    row: dict[str, Any] = {"variant": variant, "seeds": seeds, "n": len(values), "undefined": chosen.undefined}
    reasons = []
    for side, there in (("right", values > 0), ("left", values < 0)):
        count, hits = int(there.sum()), int(correct[there].sum())
        low, high = _wilson(hits, count)
        if not count:
            reasons.append(f"no picture {side} of zero")
        row |= {
            f"n_{side}": count,
            f"accuracy_{side}": hits / count if count else math.nan,
            f"accuracy_{side}_lo": low,
            f"accuracy_{side}_hi": high,
        }
    correlation, area = point_biserial(values, correct), auroc(values, correct)
    row |= {
        "correlation": correlation.value,
        "correlation_p": correlation.p,
        "correlation_lo": correlation.low,
        "correlation_hi": correlation.high,
        "auroc": area.value,
        "auroc_lo": area.low,
        "auroc_hi": area.high,
    }
    reasons += [correlation.reason, area.reason]
    return {**row, "reason": "; ".join(dict.fromkeys(reason for reason in reasons if reason))}


def _wilson(hits: int, count: int) -> tuple[float, float]:
    if not count:
        return math.nan, math.nan
    low, high = wilson_interval(hits, count)
    return float(low), float(high)
