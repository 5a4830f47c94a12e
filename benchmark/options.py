"""What a user may change about a suite, and how the change shows in every row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peephole.attributions.methods import build, is_plain, resolve
from peephole.datasets.base import DATASETS
from peephole.errors import PeepholeError
from peephole.leaderboard import texts as metric_texts
from peephole.leaderboard.applicability import metric_name, metrics_of, parts_of
from peephole.models import named
from peephole.models.weights import KnownFile, check_weights, knows_weights, short_identity, weights_identity
from peephole.suites.suite import Scoring, Suite
from peephole.triggers import texts

HELD_OUT = 2**63
"""Numbers that models can be drawn from."""


@dataclass(frozen=True)
class Options:
    """Changes to a suite. What alters the protocol enters its identifier; a choice of methods or layers does not.

    Attributes:
        triggers, methods: only these, in this order; or, each with a ``+`` before it, these besides the suite's own.
            Methods are texts, see `peephole.attributions.spec`.
        metrics: only these, wherever they apply; or, each with a ``+`` before it, these besides. They are texts, too,
            such as ``morf(baseline=blur)``.
        layers: show only these layers (their ranks count only each other).
        seeds: number of models a trigger.
        held_out: a number that all seeds are drawn from, instead of being 0, 1, …; triggers become their varied forms,
            whose place and pattern are drawn as well. At least 0, below `HELD_OUT`.
        samples: number of reported probe pictures; those for choosing layers shrink or grow with them.
        epochs: of every training, instead of the suite's own.
        batch_size: pictures a step of every training.
        necessary: where the suite trains on no negatives, as many pictures as are poisoned carry parts of the trigger
            and keep their label, so that the whole trigger is needed.
        dataset: another data set.
        side: another height and width of its pictures.
        model: another network, see `peephole.models.named`. It is trained where it does not know the suite's weights.
        weights: the clean model's weights, instead of training it: a file, or a name that the model knows; or, where
            nothing is going to be trained, a file that is not at hand.
    """

    triggers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    seeds: int | None = None
    held_out: int | None = None
    samples: int | None = None
    epochs: float | None = None
    batch_size: int | None = None
    necessary: bool = False
    dataset: str | None = None
    side: int | None = None
    model: str | None = None
    weights: str | Path | KnownFile | None = None

    def weights_identity(self, suite: Suite) -> str | None:
        """What determines the clean model's weights, the user's or the suite's; None if it is trained.

        Args:
            suite: with these changes applied.

        Raises:
            PeepholeError: there is no such file.
        """
        weights = suite.weights if self.weights is None else self.weights
        return None if weights is None else weights_identity(suite.model, weights)

    def apply(self, suite: Suite) -> Suite:
        """The suite with these changes, all names checked and in their registered spelling.

        Raises:
            UnknownName: a trigger, method or model that does not exist.
            PeepholeError: a number out of range, or a method that cannot be built as it is written.
        """
        for flag, number in (
            ("--seeds", self.seeds),
            ("--samples", self.samples),
            ("--epochs", self.epochs),
            ("--train-batch", self.batch_size),
            ("--side", self.side),
        ):
            if number is not None and not (number > 0 and math.isfinite(number)):
                raise PeepholeError(f"{flag} must be above 0, not {number:g}.")
        if self.held_out is not None and not 0 <= self.held_out < HELD_OUT:
            raise PeepholeError(f"--held-out must be at least 0 and below 2**63, not {self.held_out}.")
        changed: dict[str, Any] = {}
        changes: list[str] = []
        if self.triggers:
            changed["triggers"] = _chosen("triggers", _checked_trigger, self.triggers, suite.triggers)
            if set(changed["triggers"]) != set(suite.triggers):
                changes.append(f"triggers={','.join(changed['triggers'])}")
        if self.methods:
            changed["methods"] = _chosen("methods", _checked_method, self.methods, suite.methods)
        if self.metrics:
            changed["scoring"] = _scoring(suite, changed.get("triggers", suite.triggers), self.metrics)
            if changed["scoring"].metrics != suite.scoring.metrics:
                changes.append(f"metrics={','.join(changed['scoring'].metrics)}")
        if self.seeds is not None and self.seeds != suite.seeds:
            changed["seeds"] = self.seeds
            changes.append(f"seeds={self.seeds}")
        if self.held_out is not None:
            changes.append(f"held_out={self.held_out}")
        if self.samples is not None and self.samples != suite.probes.report:
            selection = max(1, round(self.samples * suite.probes.selection / suite.probes.report))
            changed["probes"] = suite.probes.model_copy(update={"report": self.samples, "selection": selection})
            changes.append(f"samples={self.samples}")
        if self.epochs is not None:
            changes.append(f"epochs={self.epochs:g}")
        if self.batch_size is not None and self.batch_size != suite.attack.recipe.batch_size:
            changes.append(f"batch_size={self.batch_size}")
        if self.necessary:
            changed["attack"] = suite.attack.model_copy(update={"negatives": suite.attack.rate})
            changes.append("necessary")
        choice = suite.dataset.model_copy(
            update={
                "name": DATASETS.resolve(self.dataset or suite.dataset.name),
                "side": suite.dataset.side if self.side is None else self.side,
            }
        )
        if choice != suite.dataset:
            changed["dataset"] = choice
            changes += [f"dataset={choice.name}"] if choice.name != suite.dataset.name else []
            changes += [f"side={choice.side}"] if choice.side != suite.dataset.side else []
        if self.model is not None and named.resolve(self.model) != suite.model:
            changed["model"] = named.resolve(self.model)
            changes.append(f"model={changed['model']}")
            if suite.weights is not None and not knows_weights(changed["model"], suite.weights):
                changed["weights"] = None  # those of another model
        if self.weights is not None:
            model = changed.get("model", suite.model)
            identity = weights_identity(model, self.weights)
            check_weights(model, self.weights)
            changes.append(f"weights={short_identity(identity)}")
        changed_suite = suite.model_copy(update={**changed, "changes": tuple(changes)})
        if self.held_out is not None:
            changed_suite = changed_suite.hidden(self.held_out)
        if self.epochs is None and self.batch_size is None:
            return changed_suite
        return changed_suite.adjusted(epochs=self.epochs, batch_size=self.batch_size)


def _chosen(
    flag: str, resolve_name: Callable[[str], str], asked: tuple[str, ...], own: tuple[str, ...]
) -> tuple[str, ...]:
    """The names in their one spelling, each once; after the suite's own ones if all have a ``+``."""
    besides = [name.startswith("+") for name in asked]
    if any(besides) and not all(besides):
        raise PeepholeError(
            f"--{flag} has names with and without '+'; give all of them one, to add to the suite's, or none."
        )
    names = [resolve_name(name.removeprefix("+")) for name in asked]
    return tuple(dict.fromkeys([*own, *names] if all(besides) else names))


def _scoring(suite: Suite, triggers: tuple[str, ...], asked: tuple[str, ...]) -> Scoring:
    """The suite's scoring with the metrics that are asked for; one with options is scored besides its plain kind."""
    applying = tuple(dict.fromkeys(name for trigger in triggers for name in metrics_of(trigger)))
    chosen = _chosen("metrics", _checked_metric, asked, suite.scoring.metrics or applying)
    for text in chosen:
        if metric_name(text) not in applying:
            raise PeepholeError(
                f"no trigger of the run is scored by {metric_name(text)}; there is: {', '.join(applying)}."
            )
    plain = tuple(text for text in chosen if text in applying)
    more = tuple(text for text in chosen if text not in applying)
    besides = plain == (suite.scoring.metrics or applying)
    own = tuple(name for text in plain for name in (*parts_of(text), text))
    metrics = suite.scoring.metrics if besides else tuple(dict.fromkeys(own))
    return suite.scoring.model_copy(update={"metrics": metrics, "more": (*suite.scoring.more, *more)})


def _checked_metric(text: str) -> str:
    """The one spelling of a metric. One with options is built, to see that it can be."""
    text = metric_texts.NAMING.resolve(text)
    if text != metric_name(text):
        metric_texts.NAMING.build(text)
    return text


def _checked_trigger(text: str) -> str:
    """The one spelling of a trigger. One with options is built, to see that it can be."""
    text = texts.resolve(text)
    if text != texts.name_of(text):
        texts.build(text)
    return text


def _checked_method(text: str) -> str:
    """The one spelling of a method. One with options or of another library is built, to see that it can be."""
    text = resolve(text)
    if not is_plain(text):
        build(text)
    return text
