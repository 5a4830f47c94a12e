"""What a user may change about a suite, and how the change shows in every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peephole.attributions.methods import build, is_plain, resolve
from peephole.errors import PeepholeError
from peephole.models.base import MODELS
from peephole.store.store import file_digest
from peephole.suites.suite import Suite
from peephole.triggers.base import TRIGGERS


@dataclass(frozen=True)
class Options:
    """Changes to a suite. What alters the protocol enters its identifier; a choice of methods or layers does not.

    Attributes:
        triggers, methods: only these, in this order; or, each with a ``+`` before it, these besides the suite's own.
            Methods are texts, see `peephole.attributions.spec`.
        layers: show only these layers (their ranks count only each other).
        seeds: number of models a trigger.
        samples: number of reported probe pictures; those for choosing layers shrink or grow with them.
        epochs: upper bound on the epochs of every training.
        model: another architecture.
        weights: a file with the clean model's weights, instead of training it.
    """

    triggers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    seeds: int | None = None
    samples: int | None = None
    epochs: float | None = None
    model: str | None = None
    weights: Path | None = None

    def weights_digest(self) -> str | None:
        """SHA-256 of the file of weights.

        Raises:
            PeepholeError: there is no such file.
        """
        if self.weights is None:
            return None
        if not self.weights.is_file():
            raise PeepholeError(f"there is no file of weights at {self.weights}; give a PyTorch state dict.")
        return file_digest(self.weights)

    def apply(self, suite: Suite) -> Suite:
        """The suite with these changes, all names checked and in their registered spelling.

        Raises:
            UnknownName: a trigger, method or model that does not exist.
            PeepholeError: a number out of range, or a method that cannot be built as it is written.
        """
        for flag, number in (("--seeds", self.seeds), ("--samples", self.samples), ("--epochs", self.epochs)):
            if number is not None and number <= 0:
                raise PeepholeError(f"{flag} must be above 0, not {number:g}.")
        changed: dict[str, Any] = {}
        changes: list[str] = []
        if self.triggers:
            changed["triggers"] = _chosen("triggers", TRIGGERS.resolve, self.triggers, suite.triggers)
            if set(changed["triggers"]) != set(suite.triggers):
                changes.append(f"triggers={','.join(changed['triggers'])}")
        if self.methods:
            changed["methods"] = _chosen("methods", _checked_method, self.methods, suite.methods)
        if self.seeds is not None and self.seeds != suite.seeds:
            changed["seeds"] = self.seeds
            changes.append(f"seeds={self.seeds}")
        if self.samples is not None and self.samples != suite.probes.report:
            selection = max(1, round(self.samples * suite.probes.selection / suite.probes.report))
            changed["probes"] = suite.probes.model_copy(update={"report": self.samples, "selection": selection})
            changes.append(f"samples={self.samples}")
        if self.epochs is not None:
            training, attack = suite.training, suite.attack
            changed["training"] = replace(training, epochs=float(min(self.epochs, training.epochs)))
            recipe = replace(attack.recipe, epochs=float(min(self.epochs, attack.recipe.epochs)))
            changed["attack"] = attack.model_copy(update={"recipe": recipe})
            changes.append(f"epochs={self.epochs:g}")
        if self.model is not None and MODELS.resolve(self.model) != suite.model:
            changed["model"] = MODELS.resolve(self.model)
            changes.append(f"model={changed['model']}")
        digest = self.weights_digest()
        if digest is not None:
            changes.append(f"weights={digest[:8]}")
        return suite.model_copy(update={**changed, "changes": tuple(changes)})


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


def _checked_method(text: str) -> str:
    """The one spelling of a method. One with options or of another library is built, to see that it can be."""
    text = resolve(text)
    if not is_plain(text):
        build(text)
    return text
