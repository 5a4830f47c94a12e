"""Is a metric what it says? For people who add one: ``check_metric(metric)`` tries it on all that is known.

What must hold for every metric is in `peephole.leaderboard.promises`; the scores that this one must give, in
`peephole.leaderboard.closed_forms`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import ComparisonMetric, DerivedMetric, Levels, Metric, Probes, Scored
from peephole.leaderboard.closed_forms import CLOSED_FORMS, INVALID, OPEN, ClosedForms, Known, Mean
from peephole.leaderboard.finding import Finding
from peephole.leaderboard.known_probes import CASES, TruthKind, noise, ring_probes, varied_probes
from peephole.leaderboard.measured import MeasuredMetric
from peephole.leaderboard.promises import PROMISES
from peephole.leaderboard.trial import Trial, parts_of

COUNT = 24
"""Pictures for closed forms and, of metrics that ask the network, for random maps."""
MANY = 2000
"""Pictures for random maps, of metrics that do not."""
ERRORS = 4.5
"""Standard errors by which a mean may be off."""


def check_metric(metric: Metric, forms: ClosedForms | None = None) -> list[Finding]:
    """Try a metric on maps, pictures and a network of which all is known.

    Args:
        metric: of any kind, registered or not.
        forms: what it must give; if not given, its entry in `CLOSED_FORMS`.

    Returns:
        One finding a case; the metric conforms if all hold.

    Raises:
        Exception: whatever the metric raises where it must not.
    """
    forms = forms or CLOSED_FORMS.get(_name(metric))
    if forms is None:
        return [_missing(metric)]
    kinds: tuple[TruthKind, ...] = ("mask", "soft") if metric.truth == "any" else (metric.truth,)
    targets = [number for number in (1, 2) if _takes(metric, kinds[0], number)]
    if not targets:
        return [Finding("targets", "probes of one target or of two are scored", "both are refused", False)]
    found = [*_says_what_it_is(metric), *_closed_forms(metric, forms, kinds[0], targets[0])]
    for kind in kinds:
        for number in targets:
            probes = varied_probes(kind, number, 5)
            if isinstance(metric, DerivedMetric):  # its parts are tried by themselves
                probes = replace(probes, levels=_levels(metric, probes))
            trial = Trial(metric, probes, forms.reads_signs)
            for promise in PROMISES:
                found += (
                    replace(finding, case=f"{finding.case}, {kind}, targets: {number}") for finding in promise(trial)
                )
            found.append(_random(metric, kind, number))
    return found


def _name(metric: Metric) -> str:
    """The name that the metric is or would be registered under."""
    return type(metric).__module__.rpartition(".")[2]


def _missing(metric: Metric) -> Finding:
    wanted = ", ".join(field.name for field in fields(ClosedForms))
    return Finding(
        "closed forms",
        f"an entry '{_name(metric)}' of CLOSED_FORMS in leaderboard/closed_forms.py: a ClosedForms({wanted}) with the "
        "scores that follow from the formula, worked out by hand; or give it to check_metric",
        "none",
        False,
    )


def _takes(metric: Metric, kind: TruthKind, targets: int) -> bool:
    """Whether the metric scores probes of so many targets; one that does not says so in one line."""
    probes = varied_probes(kind, targets, 2)
    try:
        Trial(metric, probes).score(noise(probes, 0))
    except PeepholeError as error:
        if "target" not in str(error) or "\n" in str(error):
            raise
        return False
    return True


def _says_what_it_is(metric: Metric) -> Iterator[Finding]:
    missing = [name for name in ("title", "formula", "source") if not getattr(metric, name, "")]
    yield Finding(
        "facts", "a title, a formula and a source", f"no {', '.join(missing)}" if missing else "all", not missing
    )
    text = type(metric).__doc__ or ""
    parts = ("Formula:", "Range:", "Chance:", "Direction:", "Invalid:", "Source:")
    missing = [part for part in parts if part not in text]
    yield Finding("docstring", ", ".join(parts), f"no {', '.join(missing)}" if missing else "all", not missing)
    said = metric.direction in ("higher", "lower") and metric.truth in ("mask", "soft", "any")
    yield Finding("direction and truth", "known ones", f"{metric.direction}, {metric.truth}", said)


def _closed_forms(metric: Metric, forms: ClosedForms, kind: TruthKind, targets: int) -> Iterator[Finding]:
    """The maps whose scores are known."""
    probes = ring_probes(kind, targets, COUNT)
    probes = replace(probes, levels=_levels(metric, probes))
    trial = Trial(metric, probes)
    tolerance = 1e-5 if metric.network else 1e-12
    for case, make in CASES.items():
        maps = make(probes)
        yield _compare(case, trial.score(maps, _elsewhere(metric, maps)), getattr(forms, case), tolerance)
    scored = trial.score(CASES["oracle"](probes), _elsewhere(metric, CASES["oracle"](probes)))
    yield _compare("chance", replace(scored, value=scored.chance), forms.chance, tolerance)
    nothing = torch.zeros_like(probes.truth, dtype=torch.float64)
    empty = trial.score(nothing, _elsewhere(metric, nothing))
    yield _compare("all zero", empty, INVALID, tolerance)
    if isinstance(metric, ComparisonMetric):
        forgotten = trial.score(CASES["oracle"](probes), _elsewhere(metric, nothing))
        yield _compare("the truth here, nothing elsewhere", forgotten, metric.best, tolerance)


def _elsewhere(metric: Metric, maps: Tensor) -> Tensor | None:
    """The same map from all other networks."""
    if not isinstance(metric, ComparisonMetric):
        return None
    return maps.expand(1 if metric.against == "twin" else 3, *maps.shape)


def _levels(metric: Metric, probes: Probes) -> Mapping[Metric, Levels]:
    """Chance and best of a metric that measures them, or of its parts, once for all maps."""
    metrics = parts_of(metric) if isinstance(metric, DerivedMetric) else [metric]
    return {one: one.levels(probes) for one in metrics if isinstance(one, MeasuredMetric)}


def _compare(case: str, scored: Scored, known: Known, tolerance: float) -> Finding:
    """One map's scores beside what is known of them."""
    got, chance = scored.value, scored.chance
    if known == OPEN:
        return Finding(case, "a number", _text(got), bool(got.isfinite().all()))
    if known == INVALID:
        holds = not bool(scored.valid.any()) and bool((got == chance).all())
        return Finding(case, "no valid map, at chance", f"{_text(got)}, {int(scored.valid.sum())} valid", holds)
    assert not isinstance(known, str)
    if isinstance(known, Mean):
        margin = ERRORS * float(got.std()) / len(got) ** 0.5 + tolerance
        holds = bool(scored.valid.all()) and abs(float(got.mean()) - known.value) <= margin
        return Finding(case, f"{known.value:.6g} within {margin:.2g}", f"{float(got.mean()):.6g}", holds)
    off = float((got - known).abs().max())
    return Finding(case, f"{known:.12g} in every picture", _text(got), bool(scored.valid.all()) and off <= tolerance)


def _random(metric: Metric, kind: TruthKind, targets: int) -> Finding:
    """Maps of noise score chance on average."""
    probes = varied_probes(kind, targets, 4 * COUNT if metric.network else MANY, steps=6)
    maps = noise(probes, 1)
    scored = Trial(metric, probes).score(maps, _elsewhere(metric, maps))
    excess = scored.value - scored.chance
    if scored.scored is not None:
        excess = excess[scored.scored]
    margin = ERRORS * float(excess.std()) / len(excess) ** 0.5 + 1e-9
    got = f"off by {float(excess.mean()):.3g}"
    return Finding(
        f"random maps, {kind}, targets: {targets}",
        f"chance within {margin:.2g}",
        got,
        abs(float(excess.mean())) <= margin,
    )


def _text(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.12g}" if low == high else f"{low:.12g} to {high:.12g}"
