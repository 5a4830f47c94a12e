"""Claim 5: the more layers filter negative relevance, the more the map is the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.aligned import RULES, Beside, beside, by_level, cascades, levels_of, of_models
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.deep import deep_network, deep_words
from peephole.claims.panels import place
from peephole.claims.parts import answers
from peephole.errors import PeepholeError
from peephole.figures.style import GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.alignment import Alignment

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TRAINED_WORDS, RANDOM = "trained weights", "random weights"
TALL, ABOVE, BELOW, LEFT, GAP = 1.9, 0.25, 0.4, 0.45, 0.12
"""Inches of the axes and around them."""


@CLAIMS.register
class CascadeAlignment(Claim):
    """Cascade substitution by level: three networks, four rules."""

    number: ClassVar[int] = 5
    title: ClassVar[str] = "Cascades of negative filtering align the map with the picture"
    source: ClassVar[str] = "P2 (alignment), figure 2a and section IV-A, Cascade alignment"
    statement: ClassVar[str] = (
        "The more layers, counted from the top, use a rule that filters negative relevance instead of the gradient, "
        "the more alike are map and picture. Sending activations back aligns better than every such rule, and random "
        "weights align better than trained ones."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, for Guided Backprop, "
        "RectGrad, the z⁺-rule (without the last multiplication by the input) and Activation in place of the gradient "
        "at the top N layers, N from 0 to all. On the clean models of the suite, on the same networks with random "
        "normal weights and no biases, on the same test pictures, and on VGG16 with such weights. Where nothing "
        "arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Spearman's correlation of the mean cosine with N, of each rule; differences of mean cosines over N = 1 "
        "to all, or at full depth, on the same pictures. What is said of all rules has to hold for each."
    )
    # What is said of all rules has to hold for the one that does worst, so the smallest effect is tested.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "grows_trained",
            "With trained weights the cosine grows with the number of layers whose rule is replaced.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "grows_random",
            "With random weights it grows, too.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "grows_deep",
            "It grows in VGG16 with random weights.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "activation_first_trained",
            "With trained weights Activation aligns better than each of the three rules.",
            "mean cosine over N = 1 to all, Activation minus the best rule (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "activation_first_random",
            "With random weights, too.",
            "mean cosine over N = 1 to all, Activation minus the best rule (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "random_aligns_better",
            "Random weights align the map better with the picture than trained ones.",
            "cosine at full depth, mean of the four rules, random minus trained (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """Cascades on every clean model, on the same networks with random weights, and on the deep network."""
        return [unit for units in (*_models(study).values(), *_deep(study).values()) for unit in units]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""

        def grows(conditions: Mapping[str, Sequence[Alignment]], name: str) -> Estimate:
            found = beside(study, {name: conditions[name]}, "cascade alignment")
            return found.draws.estimate(found.trends(name), self.level)

        def ahead(name: str) -> Estimate:
            found = beside(study, {name: _models(study)[name]}, "cascade alignment")
            means = found.means(name)[:, 1:].mean(axis=1)
            return found.draws.estimate(means[-1] - means[:-1], self.level)

        def better() -> Estimate:
            found = beside(study, _models(study), "cascade alignment")
            ends = [found.means(name)[:, -1].mean(axis=0) for name in (RANDOM, TRAINED_WORDS)]
            return found.draws.estimate(ends[0] - ends[1], self.level)

        return answers(
            {
                "grows_trained": lambda: grows(_models(study), TRAINED_WORDS),
                "grows_random": lambda: grows(_models(study), RANDOM),
                "grows_deep": lambda: grows(_deep(study), RANDOM),
                "activation_first_trained": lambda: ahead(TRAINED_WORDS),
                "activation_first_random": lambda: ahead(RANDOM),
                "random_aligns_better": better,
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Three panels as figure 2a's."""
        model = study.plan.suite.model
        panels = {}
        for title, conditions, name in (
            (f"{model}, trained", _models(study), TRAINED_WORDS),
            (f"{model}, random", _models(study), RANDOM),
            (f"{study.extent.deep_model.removeprefix('torchvision_')}, random", _deep(study), RANDOM),
        ):
            try:
                panels[title] = beside(study, {title: conditions[name]}, "cascade alignment")
            except PeepholeError:
                continue  # the verdicts say what is missing
        return _figure(study, panels, width) if panels else None


def _models(study: Study) -> dict[str, list[Alignment]]:
    return {
        TRAINED_WORDS: of_models(study, "trained", RULES, over="levels"),
        RANDOM: of_models(study, "normal", RULES, over="levels"),
    }


def _deep(study: Study) -> dict[str, list[Alignment]]:
    return {RANDOM: cascades(study, deep_network(study), "normal", deep=True)}


def _figure(study: Study, panels: Mapping[str, Beside], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.bands import Key
    from peephole.figures.base import Drawing

    key = Key(list(RULES.values()), width)
    height = ABOVE + TALL + BELOW + key.height
    figure = Figure(figsize=(width, height))
    wide, drawn = (width - LEFT) / len(panels), []
    for number, (title, found) in enumerate(panels.items()):
        axes = place(figure, LEFT + number * wide, key.height + BELOW, wide - GAP, TALL)
        levels = levels_of(found.first[title])
        by_level(axes, levels, RULES.values(), found.draws, found.means(title))
        axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
        axes.set(title=title, xlabel="N, layers whose rule is replaced")
        drawn.append(axes)
    low, high = (pick(axes.get_ylim()[end] for axes in drawn) for end, pick in ((0, min), (1, max)))
    for axes in drawn:
        axes.set_ylim(low, high)
        axes.tick_params(labelleft=axes is drawn[0])
    drawn[0].set_ylabel("cosine with the input")
    key.draw(figure, drawn)
    pictures = [found.draws.n for found in panels.values()]
    caption = (
        "Cosine of what arrives at the input and the picture as the network gets it, when a rule replaces the gradient "
        f"at the top N layers; N = 0 is the gradient, the largest N the rule alone. {study.plan.suite.model} on "
        f"{study.plan.suite.dataset.name} with the weights of the clean models, the same with random normal weights, "
        f"and {deep_words(study)} with random normal weights. Means over {', '.join(map(str, pictures))} test pictures "
        "of all networks of a panel, each explained for the network's decision, with 95 % intervals over pictures and "
        "networks."
    )
    return Drawing(figure, caption)
