"""Claim 14: whether P1's conclusions outlast the question which parts of a trigger the network uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.certificates import passes
from peephole.claims.agreement import kendall
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import (
    AT_TOP,
    BASELINES,
    CONDITIONS,
    FUSED,
    LAYERED,
    TITLES,
    colour,
    key_to_colours,
)
from peephole.claims.panels import bands, below, place
from peephole.claims.parts import answers
from peephole.claims.resampling import Draws, draw, rank_correlation
from peephole.errors import PeepholeError
from peephole.figures.bands import line
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.measured_scores import MeasuredScores, measured_scores

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.plan import Backdoor
    from peephole.units.base import Unit

TABLE = (*BASELINES, *FUSED)
METHODS = tuple(dict.fromkeys((*TABLE, *LAYERED)))
LEFT, RIGHT, TALL, TITLE, AXIS, KEY = 0.42, 0.1, 1.2, 0.25, 0.36, 0.2
"""Inches of a panel's axes, around them, and of the key."""
TREND = 0.3
"""Of Spearman's ρ, as in claim 1, whose trends these are."""
AGREEMENT = 0.5
"""Of Kendall's τ: three pairs of methods of four keep their order."""
LEAST = 0.05
"""Of the attack's success that some part must cost: where none does, parts stand in for each other, and what is
measured is noise."""
MEAN_RHO = "Spearman's ρ of the score with the layer's place from the input, mean over the five methods (-1 to 1)"
TAU = "Kendall's τ of the methods' mean scores by the stamped and by the measured truth (-1 to 1)"


@CLAIMS.register
class MeasuredTruth(Claim):
    """Claims 1 and 3 once more, each pixel of the truth weighing what the attack loses without its part of the mark."""

    number: ClassVar[int] = 14
    title: ClassVar[str] = "P1's trends and order by the measured truth"
    source: ClassVar[str] = "ours; P1 takes the whole trigger for the reason of the decision"
    statement: ClassVar[str] = (
        "What P1 concludes with the stamped trigger as truth stays true with the parts of the trigger that the network "
        "needs: the trends along the layers, and the order of methods."
    )
    measured: ClassVar[str] = (
        "P1's three metrics with weights from 0 to 1 in the place of masks: what the attack's success loses when the "
        "cell of the mark that is nearest to a pixel is restored (mean over the test pictures of the certificate), "
        "over the "
        f"largest such loss. Models of which no cell costs {LEAST:.0%} are left out. Layers and methods as in claims 1 "
        "and 3."
    )
    test: ClassVar[str] = (
        "Rank correlations of curves with the layer's place, and Kendall's τ-b between the methods' mean scores "
        "by either truth on the same pictures. The measured losses count as known."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "class_flat", "Class sensitivity still has no trend along the layers.", MEAN_RHO, Criterion("within", TREND)
        ),
        Expectation(
            "fine_falls",
            "Maps of higher layers still stay less well on a thin trigger.",
            MEAN_RHO,
            Criterion("below", -TREND),
        ),
        Expectation(
            "complete_rises",
            "Maps of higher layers still fill what matters of the trigger better.",
            MEAN_RHO,
            Criterion("above", TREND),
        ),
        Expectation(
            "class_order", "Methods keep their order in class sensitivity.", TAU, Criterion("above", AGREEMENT)
        ),
        Expectation(
            "fine_order", "Methods keep their order in fine-grained localization.", TAU, Criterion("above", AGREEMENT)
        ),
        Expectation("complete_order", "Methods keep their order in completeness.", TAU, Criterion("above", AGREEMENT)),
    )
    methods: ClassVar[tuple[str, ...]] = METHODS

    def units(self, study: Study) -> Sequence[Unit]:
        """One a poisoned model, made of its maps."""
        return [unit for metric in CONDITIONS for unit in _units(study, metric).values()]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def trend(metric: str) -> Estimate:
            found = measured(study, metric)
            rho = rank_correlation(found.curves(1), axis=1).mean(axis=0)
            return found.draws.estimate(rho, self.level)

        def order(metric: str) -> Estimate:
            found = measured(study, metric)
            return found.common_draws.estimate(kendall(found.own(0), found.own(1)), self.level)

        return answers(
            {
                "class_flat": lambda: trend("class_sensitivity"),
                "fine_falls": lambda: trend("fine_grained"),
                "complete_rises": lambda: trend("completeness"),
                "class_order": lambda: order("class_sensitivity"),
                "fine_order": lambda: order("fine_grained"),
                "complete_order": lambda: order("completeness"),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Above, the order of methods by both truths; below, their mean along the layers."""
        found = {}
        for metric in CONDITIONS:
            with suppress(PeepholeError):
                found[metric] = measured(study, metric)
        return _drawing(found, width) if found else None


@dataclass(frozen=True, eq=False)
class Measured:
    """Scores by both truths of the models whose parts matter.

    Attributes:
        value: float64 ``[2,M,L,P]``, stamped first, the pictures of the models one after the other; NaN where a method
            has no map.
        layers: the third axis.
        sizes: the number of pictures of each model.
        left_out: how many models have no part that matters.
    """

    value: NDArray[np.float64]
    layers: tuple[str, ...]
    sizes: tuple[int, ...]
    left_out: int

    def curves(self, truth: int) -> NDArray[np.float64]:
        """The mean of each of the five layered methods at each layer: ``[5,L,rows]``."""
        five = [METHODS.index(method) for method in LAYERED]
        return self.draws.means("maps", self.value[truth, five])

    def own(self, truth: int) -> NDArray[np.float64]:
        """The mean of each method of claim 3 where P1 takes it, over the `common` pictures: ``[M,rows]``."""
        rows = [METHODS.index(method) for method in TABLE]
        layer = [-1 if method in AT_TOP else 0 for method in TABLE]
        return self.common_draws.means("maps", self.value[truth, rows, layer][:, self.common])

    @cached_property
    def common(self) -> NDArray[np.bool_]:
        """The pictures that all methods have maps of, bool ``[P]``."""
        found: NDArray[np.bool_] = ~np.isnan(self.value[0]).all(axis=1).any(axis=0)
        return found

    @cached_property
    def draws(self) -> Draws:
        """Weights on all pictures."""
        return draw({"maps": self.sizes}, "measured_truth")

    @cached_property
    def common_draws(self) -> Draws:
        """Weights on the `common` pictures."""
        parts = np.split(self.common, np.cumsum(self.sizes)[:-1])
        return draw({"maps": [int(part.sum()) for part in parts]}, "measured_truth")


def measured(study: Study, metric: str) -> Measured:
    """What the units found on models that meet their gates.

    Raises:
        PeepholeError: there are none, or none has a part that matters.
    """
    suite, workspace = study.plan.suite, study.workspace
    shards = []
    for backdoor, unit in _units(study, metric).items():
        if study.has(unit):
            facts = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)
            if passes(facts["certificate"], suite.gates_on(backdoor.trigger)):
                shards.append(workspace.read(unit))
    if not shards:
        raise PeepholeError(f"no model with the trigger {CONDITIONS[metric]} meets its gates and has all maps")
    matter = [bool((np.nanmax(shard.arrays["lost"], axis=1) >= LEAST).all()) for shard in shards]
    kept = [shard for shard, matters in zip(shards, matter, strict=True) if matters]
    if not kept:
        raise PeepholeError(f"no part of the trigger {CONDITIONS[metric]} costs the attack {LEAST:.0%} of its success")
    values = [shard.arrays["value"] for shard in kept]
    sizes = tuple(value.shape[-1] for value in values)
    return Measured(np.concatenate(values, axis=-1), tuple(kept[0].facts["layers"]), sizes, len(shards) - len(kept))


def _units(study: Study, metric: str) -> dict[Backdoor, MeasuredScores]:
    """By the poisoned model, of those that all methods are planned for."""
    found: dict[Backdoor, dict[str, Unit]] = {}
    for method in METHODS:
        for row in study.rows([method], [metric], CONDITIONS[metric]):
            found.setdefault(row.backdoor, {})[method] = row.maps
    return {
        backdoor: measured_scores(metric, METHODS, [maps[method] for method in METHODS], backdoor.model)
        for backdoor, maps in found.items()
    }


def _drawing(found: Mapping[str, Measured], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    down = max(below(one.layers) for one in found.values())
    figure = Figure(figsize=(width, 2 * TITLE + 2 * TALL + AXIS + down + KEY))
    wide, panels = width / len(found), []
    for column, (metric, one) in enumerate(found.items()):
        left = column * wide + LEFT
        axes = place(figure, left, KEY + down + TALL + TITLE + AXIS, wide - LEFT - RIGHT, TALL)
        stamped, by_measure = (one.own(truth)[:, 0] for truth in (0, 1))
        axes.scatter(stamped, by_measure, c=[*map(colour, TABLE)], s=16, linewidths=0, zorder=3)
        axes.margins(0.12)
        agreed = float(kendall(one.own(0)[:, :1], one.own(1)[:, :1])[0])
        axes.set_title(f"({'abc'[column]}) {TITLES[metric]}, τ = {agreed:.2f}")
        axes.set_xlabel("by the stamped truth")
        if not column:
            axes.set_ylabel("by the measured truth")
        axes = place(figure, left, KEY + down, wide - LEFT - RIGHT, TALL)
        x = np.arange(len(one.layers), dtype=np.float64)
        for truth, name in enumerate(("stamped truth", "measured truth")):
            mean, low, high = bands(one.draws, one.curves(truth).mean(axis=0))
            line(axes, truth, name, x, mean, low, high)
        axes.set_xticks(x, one.layers, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_title(f"({'def'[column]}) by layer ↑")
        panels.append(axes)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower left", ncols=2, borderaxespad=0.1, columnspacing=1.0)
    where = {"bbox_to_anchor": (0.995, 0.0), "bbox_transform": figure.transFigure}
    key_to_colours(panels[-1], TABLE, loc="lower right", ncols=4, **where)
    left_out = sum(one.left_out for one in found.values())
    lacking = f" {left_out} models of which no part costs {LEAST:.0%} are left out." if left_out else ""
    caption = (
        "The stamped truth is P1's: the whole mask. The measured truth weighs each pixel of it by what the attack's "
        "success loses when the nearest cell of the mark is restored, over the largest such loss. (a to c) A point a "
        "method where P1 takes it: mean score by either truth, and Kendall's τ between them. (d to f) The mean of "
        "Input×Gradient, Input×SmoothGrad, Input×Guided Backprop, DeepLIFT and Integrated Gradients by layer, in the "
        f"network's order from the input, with 95 % intervals.{lacking}"
    )
    return Drawing(figure, caption)
