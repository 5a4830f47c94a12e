"""A part of a plan, for schedulers that we do not know: the same command with ``--shard 1/8`` to ``--shard 8/8``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from peephole.errors import PeepholeError
from peephole.estimate import plain_seconds
from peephole.plan import Plan
from peephole.units.base import Unit, in_order


@dataclass(frozen=True)
class Part:
    """The ``number``-th of ``count`` parts, from 1.

    Raises:
        PeepholeError: there is no such part.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise PeepholeError(
                f"there is no part {self.number} of {self.count}; --shard takes 1/{self.count} to "
                f"{self.count}/{self.count}."
            )

    @classmethod
    def read(cls, text: str) -> Part:
        """From ``"2/8"``.

        Raises:
            PeepholeError: it is no such text, or there is no such part.
        """
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
        if found is None or int(found[2]) == 0:
            raise PeepholeError(f"--shard {text!r} is no part; give its number and how many there are, such as 2/8.")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, plan: Plan) -> list[Unit]:
        """The units of this part, each after its inputs.

        Last results, those of one network together, are cut into runs of about equal cost, whatever is in the store; so
        a part needs few networks. Trainings do not count for that: what several parts need is in each of them, and
        leases see to it that one makes it and the others wait, or find it.
        """
        total, ends = 0.0, []
        seen: set[str] = set()
        for unit in _last(plan):
            new = [one for one in in_order([unit]) if one.digest not in seen]
            seen.update(one.digest for one in new)
            total += sum(plain_seconds(one) for one in new if not one.cost().weights)
            ends.append((unit, total))
        # A result belongs to the part in which its making ends.
        return in_order(
            unit for unit, end in ends if min(int(self.count * end / total), self.count - 1) == self.number - 1
        )


def _last(plan: Plan) -> list[Unit]:
    """The units that no other needs: those of one network together."""
    units = plan.units
    needed = {one.digest for unit in units for one in unit.inputs.values()}
    place = {unit.digest: place for place, unit in enumerate(units)}

    def network(unit: Unit) -> int:
        return max(place[one.digest] for one in in_order([unit]) if one.cost().weights)

    return sorted((unit for unit in units if unit.digest not in needed), key=network)
