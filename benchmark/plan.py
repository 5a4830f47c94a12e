"""From a suite to the graph of units that answers it. Nothing is computed here, and torch is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from peephole.attacks.base import ATTACKS
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.methods import digest, resolve
from peephole.datasets.base import DATASETS
from peephole.errors import PeepholeError
from peephole.leaderboard import texts as metric_texts
from peephole.leaderboard.applicability import Need
from peephole.leaderboard.base import CALIBRATION
from peephole.leaderboard.kis_study import VARIANTS
from peephole.models import named
from peephole.submissions.submission import METHOD, Submission
from peephole.suites.suite import KisChoice, Suite
from peephole.triggers import texts
from peephole.triggers.base import Canvas
from peephole.triggers.lengths import check_length
from peephole.units.base import Unit, in_order
from peephole.units.calibration_maps import CalibrationMaps
from peephole.units.clean_model import CleanModel
from peephole.units.kis_sample import KisSample
from peephole.units.levels import LevelsUnit
from peephole.units.maps import Maps
from peephole.units.poisoned_model import PoisonedModelUnit
from peephole.units.probe_set import ProbeSet, covered, share_of
from peephole.units.sanity_scores import SanityScores
from peephole.units.scores import Scores
from peephole.units.twin_model import TwinModel

METHOD_OF = ("method", "method_code")
"""What says in the spec of a unit which method it is about."""


@dataclass(frozen=True)
class Backdoor:
    """One poisoned model of a run, with its probes."""

    trigger: str
    seed: int
    clean: CleanModel
    model: PoisonedModelUnit
    probes: ProbeSet


@dataclass(frozen=True)
class Row:
    """One method on one backdoor under metrics that need the same: all layers together."""

    backdoor: Backdoor
    method: str
    is_calibration: bool
    need: Need
    metrics: tuple[str, ...]
    maps: Maps | CalibrationMaps
    scores: Scores | SanityScores

    def covered(self, selection: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Which of the backdoor's pictures, of which ``selection`` (bool ``[N]``) serve to choose layers, have maps."""
        return covered(selection, share_of(self.maps))


@dataclass(frozen=True)
class Plan:
    """All that a run has to do."""

    suite: Suite
    backdoors: tuple[Backdoor, ...]
    rows: tuple[Row, ...]
    samples: tuple[KisSample, ...] = ()

    @property
    def first(self) -> tuple[Backdoor, ...]:
        """The backdoors of the first seed, one a trigger: those that are shown as pictures."""
        return tuple(backdoor for backdoor in self.backdoors if backdoor.seed == self.backdoors[0].seed)

    @property
    def units(self) -> list[Unit]:
        """Every unit once, each after its inputs."""
        return in_order([*(row.scores for row in self.rows), *self.samples])


def make_plan(
    suite: Suite, *, data: Path | None = None, weights: str | None = None, submissions: Sequence[Submission] = ()
) -> Plan:
    """Plan a run of ``suite``.

    Args:
        suite: with the user's changes applied.
        data: the folder with the user's data sets; the data set is looked at, not read.
        weights: what determines the clean model's weights if it is not trained, see `peephole.models.weights`.
        submissions: methods besides the suite's.

    Raises:
        PeepholeError: the data set is missing, or its pictures are too small for a trigger.
    """
    check_length(suite.dataset.side)
    base = _base_spec(suite, data)
    backdoors = tuple(backdoor for seed in suite.model_seeds for backdoor in _backdoors(suite, base, seed, weights))
    methods = _asked(suite, submissions)
    rows = tuple(row for backdoor in backdoors for row in _rows(suite, backdoor, methods))
    return Plan(suite, backdoors, rows, tuple(_samples(suite.kis, backdoors)) if suite.kis else ())


def dataset_spec(name: str, side: int, data: Path | None) -> dict[str, Any]:
    """What stands for a data set in specs; it is looked at, not read.

    Raises:
        PeepholeError: there is no such data set, or not in the folder ``data``.
    """
    name = DATASETS.resolve(name)
    dataset = DATASETS[name](side=side, folder=data)
    return {
        "name": name,
        "side": side,
        "identity": dataset.identity(),
        "classes": len(dataset.classes),
        "normalisation": [list(dataset.mean), list(dataset.std)],
    }


def _base_spec(suite: Suite, data: Path | None) -> dict[str, Any]:
    return {
        "dataset": dataset_spec(suite.dataset.name, suite.dataset.side, data),
        **_named("model", named, suite.model),
        "training_code": ATTACKS.module_digest("peephole.attacks.training"),
    }


class _Names(Protocol):
    """What knows things by name: a registry, or a module that does as one."""

    def resolve(self, name: str) -> str: ...
    def digest(self, name: str) -> str: ...


def _named(role: str, names: _Names, name: str) -> dict[str, str]:
    name = names.resolve(name)
    return {role: name, f"{role}_code": names.digest(name)}


def _backdoors(suite: Suite, base: dict[str, Any], seed: int, weights: str | None) -> Iterator[Backdoor]:
    clean = CleanModel(
        {**base, "recipe": asdict(suite.training), "seed": seed, "weights": weights},
        {},
        label=f"train {suite.model} on {suite.dataset.name}, seed {seed}",
    )
    for name in suite.triggers:
        _check_labels(name, base)
        choice = suite.attack_on(name)
        tuned = {**base, "recipe": asdict(choice.recipe), "seed": seed}
        twin = TwinModel(tuned, {"clean": clean}, label=f"fine-tune the clean twin, seed {seed}")
        trigger = _named("trigger", texts, name)
        model = PoisonedModelUnit(
            {
                **tuned,
                **trigger,
                **_named("attack", ATTACKS, choice.name),
                "rate": choice.rate,
                "negatives": choice.negatives,
                "trigger_recipe": asdict(choice.trigger_recipe),
            },
            {"clean": clean, "twin": twin},
            label=f"plant {name}, seed {seed}",
        )
        probes = ProbeSet(
            {**base, **trigger, "report": suite.probes.report, "selection": suite.probes.selection, "seed": seed},
            {"poisoned": model, "twin": twin},
            label=f"choose probes for {name}, seed {seed}",
        )
        yield Backdoor(name, seed, clean, model, probes)


def _check_labels(trigger: str, base: Mapping[str, Any]) -> None:
    """Refuse labels that do not exist; those of a trigger without options do wherever there are two labels."""
    if trigger != texts.name_of(trigger):
        classes = int(base["dataset"]["classes"])
        try:
            Canvas(base["dataset"]["side"], classes).check(texts.build(trigger).targets(classes))
        except PeepholeError as error:
            raise PeepholeError(f"{trigger}: {error}") from error


def _share(share: float) -> dict[str, float]:
    """The share of the pictures that something is made of; nothing if that is all of them."""
    return {"share": share} if share < 1 else {}


@dataclass(frozen=True)
class _Asked:
    """A method of a plan: the name of its rows, what says in specs which it is, and its share of the pictures."""

    name: str
    spec: Mapping[str, str]
    share: float = 1.0
    is_calibration: bool = False


def _asked(suite: Suite, submissions: Iterable[Submission]) -> tuple[_Asked, ...]:
    """All methods of a plan, in the order of the rows."""
    own = (_Asked(name, _method(name), suite.probes.share(name)) for name in suite.methods)
    submitted = (_Asked(one.name, {"method": METHOD, "method_code": one.digest}, one.share) for one in submissions)
    known = (_Asked(name, _named("method", CALIBRATION, name), is_calibration=True) for name in suite.calibration)
    return (*own, *submitted, *known)


def _rows(suite: Suite, backdoor: Backdoor, methods: Iterable[_Asked]) -> Iterator[Row]:
    where = f"on {backdoor.trigger}, seed {backdoor.seed}"
    wanted = [
        (need, metrics, [{"metric": text, "metric_code": metric_texts.NAMING.digest(text)} for text in metrics])
        for need, groups in suite.scoring.metrics_on(backdoor.trigger).items()
        for metrics in groups
    ]
    for method in methods:
        maps: Maps | CalibrationMaps
        if method.is_calibration:
            drawn = {"model": backdoor.model.spec["model"], **method.spec, "seed": backdoor.seed}
            maps = CalibrationMaps(drawn, {"probes": backdoor.probes}, label=f"draw {method.name} {where}")
        else:
            label = f"explain with {method.name} {where}"
            maps = _maps(method.spec, method.share, backdoor.model, backdoor, label)
        for need, metrics, entries in wanted:
            scores = _scores(suite, backdoor, method.name, maps, need, entries)
            yield Row(backdoor, method.name, method.is_calibration, need, metrics, maps, scores)


def _samples(choice: KisChoice, backdoors: Iterable[Backdoor]) -> Iterator[KisSample]:
    """The samples of the clean models, then of the poisoned ones."""
    clean = {backdoor.clean.digest: backdoor.clean for backdoor in backdoors}
    for model in (*clean.values(), *(backdoor.model for backdoor in backdoors)):
        spec = {
            "dataset": model.spec["dataset"],
            "model": model.spec["model"],
            "method": choice.method,
            "method_code": digest(choice.method),
            "metrics": [{"metric": name, "metric_code": metric_texts.NAMING.digest(name)} for name in VARIANTS],
            "pictures": choice.pictures,
            "seed": model.spec["seed"],
        }
        yield KisSample(spec, {"model": model}, label=f"feed back what is key: after '{model.label}'")


def _method(text: str) -> dict[str, str]:
    return {"method": resolve(text), "method_code": digest(text)}


def _maps(method: Mapping[str, str], share: float, network: Unit, backdoor: Backdoor, label: str) -> Maps:
    spec = {"model": network.spec["model"], **method, **_share(share)}
    return Maps(spec, {"network": network, "probes": backdoor.probes}, label=label)


def _scores(
    suite: Suite,
    backdoor: Backdoor,
    name: str,
    maps: Maps | CalibrationMaps,
    need: Need,
    entries: Sequence[Mapping[str, str]],
) -> Scores | SanityScores:
    """The unit that scores the maps of the row ``name`` by metrics of one need, as they stand in specs."""
    where = f"on {backdoor.trigger}, seed {backdoor.seed}"
    label = f"score {name} by {', '.join(entry['metric'] for entry in entries)} {where}"
    share = min(share_of(maps), suite.scoring.shares.get(need, 1.0))
    spec = {"model": maps.spec["model"], "metrics": entries}
    inputs: dict[str, Unit] = {"maps": maps, "probes": backdoor.probes}
    if need == "network":
        asked = {**spec, "steps": suite.scoring.steps}
        network = {"probes": backdoor.probes, "network": backdoor.model}
        levels = LevelsUnit(
            {**asked, **_share(suite.scoring.shares.get(need, 1.0))},
            network,
            label=f"measure levels on {backdoor.trigger}, seed {backdoor.seed}",
        )
        return Scores({**asked, **_share(share)}, {**inputs, **network, "levels": levels}, label=label)
    if isinstance(maps, CalibrationMaps) and need != "maps":
        # What does not look at a network is the same for every one.
        return Scores({**spec, **_share(share)}, {**inputs, "other_maps": maps}, label=label)
    if need == "twin":
        twin = backdoor.model.inputs["twin"]
        method = {part: maps.spec[part] for part in METHOD_OF}
        other = _maps(method, share, twin, backdoor, f"explain with {name} {where}, on the clean twin")
        return Scores({**spec, **_share(share)}, {**inputs, "other_maps": other}, label=label)
    if need == "randomised":
        code = ATTRIBUTIONS.module_digest("peephole.attributions.randomised")
        method = {part: maps.spec[part] for part in METHOD_OF}
        drawn = {**spec, **method, "randomisation_code": code, "seed": backdoor.seed, **_share(share)}
        return SanityScores(drawn, {**inputs, "network": backdoor.model}, label=label)
    return Scores({**spec, **_share(share)}, inputs, label=label)
