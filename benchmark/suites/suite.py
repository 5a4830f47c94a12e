"""The schema of a suite, and how suites are found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from peephole.attacks.recipe import Recipe
from peephole.attributions.methods import names_in, resolve
from peephole.errors import UnknownName

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Method = Annotated[str, AfterValidator(resolve)]
"""A method's text; kept in its one spelling."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetChoice(_Part):
    """Which pictures: a registered data set, and the side in pixels it is asked for."""

    name: str
    side: Count


class AttackChoice(_Part):
    """How backdoors are planted."""

    name: str
    rate: Share
    recipe: Recipe


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


class Gates(_Part):
    """What a poisoned model must show to be ranked."""

    attack_success: Share
    accuracy_drop: Share


class Suite(_Part):
    """One version of a suite. From its first release on, a file is never edited, only superseded."""

    name: str
    version: Count
    title: str
    dataset: DatasetChoice
    model: str
    seeds: Count
    triggers: tuple[str, ...]
    methods: tuple[Method, ...]
    calibration: tuple[str, ...]
    probes: ProbeChoice
    training: Recipe
    attack: AttackChoice
    gates: Gates
    changes: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """Name, version and whatever was changed on the command line: ``quick/v1``, ``quick/v1+epochs=2``."""
        return "+".join((f"{self.name}/v{self.version}", *self.changes))


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


def _root() -> Traversable:
    return files("peephole.suites")
