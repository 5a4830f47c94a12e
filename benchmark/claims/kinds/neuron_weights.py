"""Claim 6: random neurons are orthogonal and of one length, trained ones less so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.neurons import Neurons, cosine_of_independent, neurons_of, variation_of_normal
from peephole.claims.panels import below, place
from peephole.claims.resampling import draw
from peephole.figures.bands import line
from peephole.figures.style import GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

NAMES = ("orthogonal_random", "equal_random", "more_alike_trained", "more_varied_trained")
TALL, ABOVE, LEFT = 1.6, 0.25, 0.48
"""Inches of the axes and around them."""


@CLAIMS.register
class NeuronWeights(Claim):
    """Cosines between neurons, and their lengths, layer by layer."""

    number: ClassVar[int] = 6
    title: ClassVar[str] = "Weights of random neurons are orthogonal and of one length, those of trained ones less so"
    source: ClassVar[str] = "P2 (alignment), figures 2b and 2c and section IV-A, Orthogonality and norm equality"
    statement: ClassVar[str] = (
        "The conditions of the paper's theorem 2, neurons of a layer whose weights are orthogonal and equally long, "
        "nearly hold where weights are random. In trained networks the neurons' weights are more alike, and their "
        "lengths differ more."
    )
    measured: ClassVar[str] = (
        "For every convolution and linear layer: the absolute cosine between the weight vectors of two neurons, mean "
        "over all pairs, and the coefficient of variation of the vectors' lengths. Batch normalisation is folded into "
        "the weights, since the signal passes through both. The clean models of the suite, and the same networks "
        "with random normal weights."
    )
    test: ClassVar[str] = (
        "Means over layers, and paired differences between trained and random weights. Layers, not pictures, are "
        "resampled, as if they were drawn from many."
    )
    # Independent isotropic vectors have a mean |cosine| of √(2/(π d)), normal ones lengths that vary by
    # √(1/(2 d)): below 0.1 from d = 64 and d = 50 on, so 0.1 is what "nearly" can mean in a small network, too.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "orthogonal_random",
            "Random neurons are nearly orthogonal.",
            "mean |cosine| of two neurons' weights, random weights, mean over layers (0 to 1)",
            Criterion("below", 0.1),
        ),
        Expectation(
            "equal_random",
            "Random neurons have weights of nearly the same length.",
            "standard deviation of the lengths over their mean, random weights, mean over layers (0 up)",
            Criterion("below", 0.1),
        ),
        Expectation(
            "more_alike_trained",
            "Trained neurons are less orthogonal than random ones.",
            "mean |cosine| of two neurons' weights, mean over layers, trained minus random (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "more_varied_trained",
            "The lengths of trained neurons' weights differ more than those of random ones.",
            "standard deviation of the lengths over their mean, mean over layers, trained minus random",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The clean models alone; random weights are drawn when they are looked at."""
        return study.clean_models

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        found = _found(study)
        return self.judged(found) if found else dict.fromkeys(NAMES, "no clean model could be had")

    def judged(self, found: Sequence[tuple[Neurons, Neurons]]) -> dict[str, Estimate | str]:
        """Of networks with trained and with random weights."""
        draws = draw({"layers": [len(trained.layers) for trained, _ in found]}, "neuron weights")
        cosine, variation = (
            [np.concatenate([getattr(pair[number], part) for pair in found]) for number in (0, 1)]
            for part in ("cosine", "variation")
        )
        values = (cosine[1], variation[1], cosine[0] - cosine[1], variation[0] - variation[1])
        estimates = (draws.estimate(draws.means("layers", value), self.level) for value in values)
        of = f"layers of {len(found)} network{'s' if len(found) > 1 else ''}"
        return {name: replace(one, of=of) for name, one in zip(NAMES, estimates, strict=True)}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Two panels, as figures 2b and 2c."""
        found = _found(study)
        return _figure(study, found, width) if found else None


def _found(study: Study) -> list[tuple[Neurons, Neurons]]:
    """Of each clean model that is there, with its weights and with random ones."""
    from peephole.attributions.weight_distributions import draw_weights
    from peephole.units.networks import load

    found = []
    for model in filter(study.has, study.clean_models):
        network, side = load(model, study.workspace), model.spec["dataset"]["side"]
        trained = neurons_of(network, side)
        draw_weights(network.requires_grad_(False), "normal", model.spec["seed"])
        found.append((trained, neurons_of(network, side)))
    return found


def _figure(study: Study, found: Sequence[tuple[Neurons, Neurons]], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.bands import Key
    from peephole.figures.base import Drawing

    first = found[0][0]
    key = Key(("trained weights", "random weights", "expected of independent normal weights"), width)
    under = below(first.layers)
    height = ABOVE + TALL + under + key.height
    figure = Figure(figsize=(width, height))
    x = np.arange(len(first.layers), dtype=np.float64)
    wide, drawn = width / 2, []
    for column, (part, title, expected) in enumerate(
        (
            ("cosine", "mean |cosine| of two neurons' weights", cosine_of_independent(first.sizes)),
            ("variation", "variation of the neurons' lengths", variation_of_normal(first.sizes)),
        )
    ):
        axes = place(figure, column * wide + LEFT, key.height + under, wide - LEFT - 0.1, TALL)
        for number, name in enumerate(("trained weights", "random weights")):
            values: NDArray[np.float64] = np.stack([getattr(pair[number], part) for pair in found])
            line(axes, number, name, x, values.mean(axis=0), values.min(axis=0), values.max(axis=0))
        axes.plot(
            x,
            expected,
            color=GREY,
            linewidth=0.9,
            linestyle=(0, (2, 2)),
            zorder=4,
            label="expected of independent normal weights",
        )
        axes.set_title(title)
        axes.set_ylim(0, None)
        axes.set_xticks(x, first.layers, rotation=35, ha="right", rotation_mode="anchor")
        drawn.append(axes)
    drawn[0].set_ylabel("0 is orthogonal")
    drawn[1].set_ylabel("0 is equally long")
    key.draw(figure, drawn)
    caption = (
        f"{study.plan.suite.model} on {study.plan.suite.dataset.name}: for every convolution and linear layer, from "
        "the input up, the absolute cosine between the weight vectors of two neurons, mean over all pairs, and the "
        "standard deviation of the vectors' lengths over their mean; batch normalisation is folded into the weights. "
        f"Means over {len(found)} clean models, and over as many networks with random normal weights; bands reach from "
        "the lowest to the highest. Dashed, what independent normal weights of that dimension are expected to give."
    )
    return Drawing(figure, caption)
