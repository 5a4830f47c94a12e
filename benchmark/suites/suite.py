"""The schema of a suite, and how suites are found."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from peephole.attacks.recipe import Recipe
from peephole.errors import UnknownName

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


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
    """

    report: Count
    selection: Count


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
    methods: tuple[str, ...]
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
