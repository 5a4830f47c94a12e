"""The page of key information sufficiency: what kind of decision a backdoor is (P2, figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.bimodality import BIC, LEVEL, MINOR, SEPARATION
from peephole.leaderboard.kis_histograms import TITLES, bin_edges, bin_shares, first_row, verdict
from peephole.leaderboard.kis_study import ALL, CLEAN_MODEL, VARIANTS, Sample
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject


def pages(subject: Subject) -> Iterator[Page]:
    """One page; without samples it has the tables, without tables it says so."""
    samples = subject.contents.samples
    edges = bin_edges(samples) if samples else np.zeros(0)
    clean = [sample for sample in samples if sample.model == CLEAN_MODEL]
    attacks = list(dict.fromkeys(sample.model for sample in samples if sample.model != CLEAN_MODEL))
    tables = subject.contents.distributions, subject.contents.correctness
    context = {
        "charts": [_by_variant(place, clean, edges, *tables) for place in range(len(VARIANTS)) if clean],
        "attacks": [
            _by_attack(name, [one for one in samples if one.model == name], edges, tables[0]) for name in attacks
        ],
        "low": edges[0] if samples else 0.0,
        "distributions": _by_seeds(tables[0]),
        "correctness": tables[1].to_dict("records"),
        "seeds": len({sample.seed for sample in samples}),
        "lacking": lacking,
    }
    yield Page("kis.html", "kis.html", "What kind of decision is a backdoor?", context)


def lacking(row: Mapping[Any, Any]) -> list[str]:
    """What a row of `kis_table` lacks for two peaks to be shown; nothing where it has them or was not tested."""
    met = {
        f"dip p ≥ {LEVEL:g}": row["dip_p_holm"] < LEVEL,
        f"ΔBIC ≤ {BIC:g}": row["delta_bic"] > BIC,
        f"D ≤ {SEPARATION:g}": row["ashman_d"] > SEPARATION,
        f"smaller peak < {MINOR:.0%}": min(row["left_weight"], row["right_weight"]) >= MINOR,
    }
    return [name for name, is_met in met.items() if not is_met] if row["bimodal"] == "no" else []


def _by_seeds(distributions: pd.DataFrame) -> list[tuple[str, list[dict[Any, Any]]]]:
    """The rows on all seeds together, and those on single ones, each with what they are called, if there are any."""
    if distributions.empty:
        return []
    together = distributions["seeds"] == ALL
    parts = (("All seeds together", distributions[together]), ("Each seed alone", distributions[~together]))
    return [(name, part.to_dict("records")) for name, part in parts if len(part)]


def _found(distributions: pd.DataFrame, model: str, variant: str, pictures: str) -> str:
    """The `verdict` and, where two peaks are not shown, what for."""
    words = verdict(distributions, model, variant, pictures)
    row = first_row(distributions, seeds=ALL, variant=variant, model=model, pictures=pictures)
    reasons = lacking(row) if row else []
    return f"{words} ({', '.join(reasons)})" if reasons else words


def _by_variant(
    place: int,
    clean: Sequence[Sample],
    edges: NDArray[np.float64],
    distributions: pd.DataFrame,
    correctness: pd.DataFrame,
) -> dict[str, Any]:
    """Right decisions of the clean model against wrong ones, by one way to feed back."""
    values = np.concatenate([sample.values[place] for sample in clean])
    correct = np.concatenate([sample.correct for sample in clean])
    found = first_row(correctness, variant=VARIANTS[place], seeds=ALL)
    parts = {"correct": values[correct], "wrong": values[~correct]}
    sides = [
        f"{found[f'accuracy_{side}']:.0%} of the decisions {side} of zero are correct"
        for side in ("left", "right")
        if found and found[f"accuracy_{side}"] == found[f"accuracy_{side}"]
    ]
    whole = _found(distributions, CLEAN_MODEL, VARIANTS[place], "clean")
    return {
        "title": TITLES[place],
        "rows": _bars(parts, edges),
        "words": "; ".join([f"All: {whole}", *sides]) + ".",
        "counts": _counts(parts),
        "kinds": list(parts),
    }


def _by_attack(
    trigger: str, samples: Sequence[Sample], edges: NDArray[np.float64], distributions: pd.DataFrame
) -> dict[str, Any]:
    """Clean pictures of a poisoned model against poisoned ones, by KIS."""
    parts = {
        kind: np.concatenate(own)
        for kind in ("clean", "poisoned")
        if (own := [sample.values[0][sample.studied] for sample in samples if sample.pictures == kind])
    }
    words = [f"{kind.capitalize()}: {_found(distributions, trigger, VARIANTS[0], kind)}." for kind in parts]
    return {
        "title": trigger,
        "rows": _bars(parts, edges),
        "words": " ".join(words),
        "counts": _counts(parts),
        "kinds": list(parts),
    }


def _bars(parts: dict[str, NDArray[np.float64]], edges: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "from": low, "to": high, "share": share}
        for kind, values in parts.items()
        for low, high, share in zip(edges[:-1], edges[1:], bin_shares(values[~np.isnan(values)], edges), strict=True)
    ]


def _counts(parts: dict[str, NDArray[np.float64]]) -> str:
    return " and ".join(f"{int((~np.isnan(values)).sum())} {kind}" for kind, values in parts.items())
