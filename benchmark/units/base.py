"""What a unit is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from peephole.store.receipt import spec_digest

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


@dataclass(frozen=True)
class Cost:
    """What a unit is expected to cost, in machine-independent terms.

    Attributes:
        model: whose passes, weights and maps are counted.
        passes: forward and backward passes, in pictures.
        layer_passes: forward and backward passes, in pictures, for each layer of the model.
        weights: sets of weights that are stored.
        maps: maps at all layers that are stored.
        pictures: float pictures, or as much, that are stored.
        method: the text of the method that makes the passes; some need many for one.
    """

    model: str
    passes: float
    layer_passes: float = 0
    weights: float = 0
    maps: float = 0
    pictures: float = 0
    method: str | None = None


@dataclass(frozen=True, eq=False)
class Unit(ABC):
    """One step of the work, named by the digest of everything that determines its result.

    A spec holds the scientific configuration and digests of the code of registered things; never a path, a device,
    a batch size or a number of workers. ``version`` is raised when the code of a unit changes what it computes.

    Attributes:
        spec: JSON values.
        inputs: the units whose results this one needs, by role.
        label: what people read while it runs; not part of the identity.
    """

    kind: ClassVar[str]
    version: ClassVar[int]

    spec: Mapping[str, Any]
    inputs: Mapping[str, Unit]
    label: str

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON values."""
        return {
            "kind": self.kind,
            "version": self.version,
            "spec": dict(self.spec),
            "inputs": {role: unit.digest for role, unit in self.inputs.items()},
        }

    @cached_property
    def digest(self) -> str:
        """What the result is named by."""
        return spec_digest(self.identity)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unit) and self.digest == other.digest

    @abstractmethod
    def cost(self) -> Cost:
        """The expected cost, without computing anything."""

    @property
    def group(self) -> Hashable:
        """Units of one kind and group are computed in one go, see `compute_all`; by default each alone."""
        return self.digest

    @classmethod
    def compute_all(cls, units: Sequence[Self], workspace: Workspace) -> Iterator[tuple[Self, Shard | Exception]]:
        """Do the work of a group: each unit with its result, which is to be stored before the next is asked for, or
        with what went wrong.
        """
        for unit in units:
            yield unit, unit.compute(workspace)

    @abstractmethod
    def compute(self, workspace: Workspace) -> Shard:
        """Do the work. Inputs are read through ``workspace``, which also knows the device and the data folder."""


def in_order(units: Iterable[Unit]) -> list[Unit]:
    """``units`` and all that they need, each once, every unit after its inputs."""
    ordered: dict[str, Unit] = {}

    def visit(unit: Unit) -> None:
        if unit.digest not in ordered:
            for needed in unit.inputs.values():
                visit(needed)
            ordered[unit.digest] = unit

    for unit in units:
        visit(unit)
    return list(ordered.values())
