"""P2, figure 8: two types of decisions, and which of them generalises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.resampling import Draws, draw
from peephole.claims.sufficiency import (
    accuracy_gap,
    complete,
    kernels,
    of_each_model,
    smaller_side,
    valley,
    weighted_auroc,
)
from peephole.kis import all_samples
from peephole.leaderboard.bootstrap import mean_weights
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.kis_study import VARIANTS, Sample, correctness_table
from peephole.leaderboard.report.environment import number
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

Values = NDArray[np.float64]


@CLAIMS.register
class DecisionTypes(Claim):
    """KIS of a clean model has a peak on each side of zero, and decisions of the right one are right more often."""

    number: ClassVar[int] = 11
    title: ClassVar[str] = (
        "Decisions are of two types, and those that the explanation suffices for are right more often"
    )
    source: ClassVar[str] = "P2 (alignment), figure 8"
    statement: ClassVar[str] = (
        "Fed back to the network, the map of a decision either gives the same decision or quite another: KIS has one "
        "peak above zero and one below. Decisions of the upper peak generalise better. Insertion, which feeds back the "
        "pixels with high scores, hardly goes with being right; Insertion by absolute scores does a little more, and "
        "still less than KIS."
    )
    measured: ClassVar[str] = (
        "S of the clean models' decisions on test pictures, right and wrong ones, by KIS, Insertion and Insertion "
        "(ABS) on maps of Guided Backprop at the input. Pictures that lack one of the three are left out."
    )
    test: ClassVar[str] = (
        "Each number is computed for each model and averaged over models: two networks with a peak each are not "
        "two peaks. Densities are kernel estimates."
    )
    # "A clear bimodal distribution": a valley that is a quarter lower than the lower peak shows in a histogram, and a
    # peak of less than a tenth is an edge of the other. How much more often right decisions are is not said.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "valley",
            "KIS has a peak on each side of zero, and a valley between them.",
            "1 − density in the valley / density at the lower of the two peaks, 0 to 1",
            Criterion("above", 0.25),
        ),
        Expectation(
            "smaller",
            "Both sides of zero hold many pictures.",
            "share of the pictures on the side of zero that has fewer, 0 to 0.5",
            Criterion("above", 0.1),
        ),
        Expectation(
            "accuracy",
            "Decisions right of zero are right more often than those left of it.",
            "accuracy where KIS > 0 minus accuracy where KIS < 0, −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "insertion",
            "KIS tells right decisions from wrong ones better than Insertion does.",
            "AUROC of KIS minus AUROC of Insertion, −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "insertion_abs",
            "KIS tells right decisions from wrong ones better than Insertion (ABS) does.",
            "AUROC of KIS minus AUROC of Insertion (ABS), −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "signs",
            "Insertion (ABS) tells them apart better than Insertion does.",
            "AUROC of Insertion (ABS) minus AUROC of Insertion, −1 to 1",
            Criterion("above"),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The samples of the clean models."""
        return [unit for unit in study.plan.samples if not unit.is_poisoned]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        samples = _samples(study)
        if not samples:
            return {
                one.name: "the suite asks for no study of KIS, or nothing of it is there" for one in self.expectations
            }
        sizes = [len(sample.correct) for sample in samples]
        draws = draw({"clean": sizes}, "decision types")
        return {name: _answer(name, samples, draws, sizes, self.level) for name in STATISTICS}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Three histograms, right decisions and wrong ones; all seeds together."""
        from peephole.figures.base import Drawing
        from peephole.kis_sheet import kis_figure, on_paper

        samples = _samples(study)
        if not samples:
            return None
        sizes = [len(sample.correct) for sample in samples]
        weights = mean_weights(sizes)[None]

        def said(model: str, variant: str, pictures: str) -> str:
            place = VARIANTS.index(variant)
            numbers = [f"AUROC {number(_mean(_auroc(place), samples, weights, sizes))}"]
            if variant == VARIANTS[0]:
                numbers.append(f"valley {number(_mean(_valley, samples, weights, sizes))}")
            return ", ".join(numbers)

        figure = kis_figure(samples, said, correctness_table(samples), on_paper(width))
        suite = study.plan.suite
        caption = (
            f"Is what the explanation shows enough for the decision? {suite.model} on {suite.dataset.name}, "
            f"{len(samples)} models, {sum(sizes)} decisions on test pictures, explained by Guided Backprop. S = 1: "
            "with the map alone the network does just the same; S < 0: it does something else. Left, the map itself is "
            "fed back; beside it the pixels that it scores above its mean, with sign and by size. Bars are shares of "
            "the decisions of their colour, all models together; what lies beyond the left end is in the first bar; "
            "shaded: right of zero. AUROC: the chance that a right decision has a larger S than a wrong one, 0.5 if S "
            "says nothing; valley: how much lower the density of all decisions is between its peaks on both sides of "
            "zero than at the lower of them, 0 with one peak; both averaged over models."
        )
        return Drawing(figure, caption)


Statistic = Callable[[Sample, Values], Values]
"""From a model's sample of n decisions and weights ``[R,n]`` to ``[R]``; NaN where it is not defined."""


def _valley(sample: Sample, weights: Values) -> Values:
    return valley(weights @ kernels(sample.values[0]))


def _auroc(place: int) -> Statistic:
    return lambda sample, weights: weighted_auroc(sample.values[place], sample.correct, weights)


def _ahead(first: int, second: int) -> Statistic:
    """How much better one way to feed back tells right decisions from wrong ones than another does."""
    return lambda sample, weights: _auroc(first)(sample, weights) - _auroc(second)(sample, weights)


STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        "valley": _valley,
        "smaller": lambda sample, weights: smaller_side(sample.values[0], weights),
        "accuracy": lambda sample, weights: accuracy_gap(sample.values[0], sample.correct, weights),
        "insertion": _ahead(0, 1),
        "insertion_abs": _ahead(0, 2),
        "signs": _ahead(2, 1),
    }
)


def _samples(study: Study) -> list[Sample]:
    """Of each clean model, what has S by every variant."""
    units = [unit for unit in study.plan.samples if not unit.is_poisoned and study.has(unit)]
    samples = [complete(sample) for sample in all_samples(units, study.workspace) if sample.pictures == "clean"]
    return [sample for sample in samples if len(sample.correct)]


def _mean(statistic: Statistic, samples: Sequence[Sample], weights: Values, sizes: Sequence[int]) -> float:
    return float(of_each_model(weights, sizes, lambda model, own: statistic(samples[model], own))[0])


def _answer(name: str, samples: Sequence[Sample], draws: Draws, sizes: Sequence[int], level: float) -> Estimate | str:
    statistic = STATISTICS[name]
    found = of_each_model(draws.weights["clean"], sizes, lambda model, own: statistic(samples[model], own))
    if math.isnan(found[0]):
        return "a clean model has decisions on one side of zero only, or none that is wrong, or none that is right"
    return draws.estimate(found, level)
