"""The schema of a suite, and how suites are found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attributions.methods import names_in, resolve
from peephole.errors import UnknownName
from peephole.leaderboard.applicability import Need, metric_name, metrics_of, need_of
from peephole.seeds import stream
from peephole.triggers import texts

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Method = Annotated[str, AfterValidator(resolve)]
"""A method's text; kept in its one spelling."""
Backdoor = Annotated[str, AfterValidator(texts.resolve)]
"""A trigger's text; kept in its one spelling."""
SEEDS = 2**31
"""So many seeds there are for models: few enough for whatever takes a seed, and for the columns of a table."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetChoice(_Part):
    """Which pictures: a registered data set, and the side in pixels it is asked for."""

    name: str
    side: Count


class AttackChoice(_Part):
    """How backdoors are planted.

    Attributes:
        name: of a registered attack.
        rate: the share of training pictures that carry the trigger.
        negatives: the share that carries what is almost the trigger and keeps its label, so that the whole trigger
            becomes necessary.
        recipe: how the model is trained.
        trigger_recipe: how what a trigger learns is trained.
    """

    name: str
    rate: Share
    negatives: Annotated[float, Field(ge=0, lt=1)] = 0.0
    recipe: Recipe
    trigger_recipe: TriggerRecipe = TriggerRecipe()


class ProbeChoice(_Part):
    """How many pictures explanations are scored on.

    ``selection`` pictures serve to choose each method's best layer and are kept out of every reported number.
    ``fewer`` says which methods are too costly for all of them, and on which share they are scored.
    """

    report: Count
    selection: Count
    fewer: Mapping[Method, Share] = Field(default_factory=dict)

    def share(self, method: str) -> float:
        """The share of the pictures, in (0,1], that a method is scored on.

        What stands in ``fewer`` counts for just that text, and a name there for every text that it occurs in: what
        makes a method costly makes costly what is made of it.
        """
        if method in self.fewer:
            return self.fewer[method]
        return min((self.fewer[name] for name in names_in(method) if name in self.fewer), default=1.0)


class Scoring(_Part):
    """How maps are scored.

    Attributes:
        steps: of every curve over pictures.
        shares: on which share of the pictures costly metrics are scored, by what they need.
        only: on which triggers, by their names, costly metrics are scored, if not on all that they apply to.
        metrics: names of those that are scored wherever they apply; all of them if there are none.
        more: texts of metrics besides, each scored wherever the one without options applies.
    """

    steps: Count = 32
    shares: Mapping[Need, Share] = Field(default_factory=dict)
    only: Mapping[Need, tuple[str, ...]] = Field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def metrics_on(self, trigger: str) -> dict[Need, tuple[tuple[str, ...], ...]]:
        """The metrics that are scored on a trigger, by what they need: those of a tuple together."""
        applying = metrics_of(trigger)
        chosen = [name for name in applying if not self.metrics or name in self.metrics]
        together: dict[Need, list[tuple[str, ...]]] = {}
        for need in get_args(Need):
            if texts.name_of(trigger) not in self.only.get(need, (texts.name_of(trigger),)):
                continue
            own = tuple(name for name in chosen if need_of(name) == need)
            besides = [(text,) for text in self.more if need_of(text) == need and metric_name(text) in applying]
            if own or besides:
                together[need] = [*([own] if own else []), *besides]
        return {need: tuple(groups) for need, groups in together.items()}


class KisChoice(_Part):
    """How key information sufficiency is sampled (P2, figures 8 and 9).

    Attributes:
        method: whose maps are fed back to the network.
        pictures: of the test split, from each clean model; as many clean and as many poisoned from each poisoned one.
    """

    method: Method = "guided_backprop"
    pictures: Count = 500


class Gates(_Part):
    """What a poisoned model must show to be ranked.

    Attributes:
        attack_success: every target's, at least.
        accuracy_drop: of clean accuracy against the twin, at most.
        cross_accuracy: on what is almost the trigger, at least.
        necessity: every target's, at least: the share of the success that is gone whichever half is restored.
    """

    attack_success: Share
    accuracy_drop: Share
    cross_accuracy: Share | None = None
    necessity: Share | None = None


class Changes(_Part):
    """What is otherwise for one trigger: fields of the suite's `AttackChoice` and `Gates`."""

    attack: Mapping[str, Any] = Field(default_factory=dict)
    gates: Mapping[str, Any] = Field(default_factory=dict)


class Suite(_Part):
    """One version of a suite. From its first release on, a file is never edited, only superseded.

    Attributes:
        kis: the study of key information sufficiency, if there is to be one.
        weights: of the clean model, by a name that the model knows; it is not trained then.
        attack, gates: of all triggers that have none of their own in ``planting``, by the triggers' names.
        held_out: what the seeds of models are drawn from, see `Suite.hidden`; if None, they are 0, 1, …
    """

    name: str
    version: Count
    title: str
    dataset: DatasetChoice
    model: str
    seeds: Count
    triggers: tuple[Backdoor, ...]
    methods: tuple[Method, ...]
    calibration: tuple[str, ...]
    probes: ProbeChoice
    training: Recipe
    attack: AttackChoice
    gates: Gates
    scoring: Scoring = Scoring()
    kis: KisChoice | None = None
    planting: Mapping[str, Changes] = Field(default_factory=dict)
    weights: str | None = None
    held_out: Annotated[int, Field(ge=0)] | None = None
    changes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_planting(self) -> Self:
        for name in self.planting:
            self.attack_on(texts.resolve(name))
            self.gates_on(name)
        return self

    def attack_on(self, trigger: str) -> AttackChoice:
        """How a trigger, given by its text, is planted."""
        own = self.planting.get(texts.name_of(trigger), Changes()).attack
        return AttackChoice.model_validate(_merged(_plain(self.attack), own))

    def gates_on(self, trigger: str) -> Gates:
        """What a model with this trigger, given by its text, must show to be ranked."""
        own = self.planting.get(texts.name_of(trigger), Changes()).gates
        return Gates.model_validate(_merged(_plain(self.gates), own))

    @property
    def identifier(self) -> str:
        """Name, version and whatever was changed on the command line: ``quick/v1``, ``quick/v1+epochs=2``."""
        return "+".join((f"{self.name}/v{self.version}", *self.changes))

    @property
    def model_seeds(self) -> tuple[int, ...]:
        """The seed of each poisoned model of a trigger. All that is random about the model and its probes is of it."""
        if self.held_out is None:
            return tuple(range(self.seeds))
        return tuple(stream(f"held-out model {number}", self.held_out) % SEEDS for number in range(self.seeds))

    def hidden(self, held_out: int) -> Suite:
        """The same with models that nobody who does not know ``held_out`` has seen: other seeds, varied triggers."""
        triggers = tuple(dict.fromkeys(map(texts.varied, self.triggers)))
        return self.model_copy(update={"triggers": triggers, "held_out": held_out})

    def adjusted(self, *, epochs: float | None = None, batch_size: int | None = None) -> Suite:
        """The same with so many epochs in every training, and with batches of another size.

        What a trigger learns beforehand takes at most so many.
        """

        def recipe(own: Mapping[str, Any]) -> dict[str, Any]:
            size = own["batch_size"] if batch_size is None else batch_size
            return {**own, "epochs": own["epochs"] if epochs is None else float(epochs), "batch_size": size}

        def choice(trigger: str) -> dict[str, Any]:
            own = _plain(self.attack_on(trigger))
            usual = own["trigger_recipe"]["epochs"]
            beforehand = {**own["trigger_recipe"], "epochs": usual if epochs is None else min(float(epochs), usual)}
            return {**own, "recipe": recipe(own["recipe"]), "trigger_recipe": beforehand}

        own = {name: changes.model_copy(update={"attack": choice(name)}) for name, changes in self.planting.items()}
        common = {**_plain(self.attack), "recipe": recipe(asdict(self.attack.recipe))}
        return self.model_copy(
            update={
                "training": Recipe(**recipe(asdict(self.training))),
                "attack": AttackChoice.model_validate(common),
                "planting": own,
            }
        )


def suite_names() -> list[str]:
    """All versions of all suites, as ``name/vN``, the versions of a name in ascending order."""
    found = [
        (folder.name, int(file.name.removeprefix("v").removesuffix(".toml")))
        for folder in _root().iterdir()
        if folder.is_dir() and not folder.name.startswith("_")
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return [f"{name}/v{version}" for name, version in sorted(found)]


def load_suite(name: str) -> Suite:
    """The suite ``name/vN``, or the newest version of ``name``.

    Raises:
        UnknownName: there is none.
    """
    known = suite_names()
    asked = name.strip().lower()
    newest = {identifier.partition("/")[0]: identifier for identifier in known}
    identifier = newest.get(asked, asked)
    if identifier not in known:
        raise UnknownName("suite", name, [*newest, *known])
    folder, _, version = identifier.partition("/")
    return Suite.model_validate(tomllib.loads((_root() / folder / f"{version}.toml").read_text(encoding="utf-8")))


def _plain(part: _Part) -> dict[str, Any]:
    """A part as TOML would hold it."""
    plain: dict[str, Any] = TypeAdapter(type(part)).dump_python(part)
    return plain


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with what ``own`` says otherwise, tables within tables field by field."""
    changed = {
        name: _merged(base[name], value)
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
        else value
        for name, value in own.items()
    }
    return {**base, **changed}


def _root() -> Traversable:
    return files("peephole.suites")
