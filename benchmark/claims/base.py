"""What a claim of a paper is, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.registry import Registry

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

ERROR = 0.05
"""The chance that any of a claim's intervals misses; each gets its part (Bonferroni)."""


class Claim(ABC):
    """Something that a paper says, held against what is measured.

    What is expected, and how large an effect has to be, is data of the class: it is in the file before anything is
    measured, and a claim cannot choose its verdict. Whatever the file leaves open (pictures, seeds, networks) is the
    study's, and the same for all claims.

    Attributes:
        number: by which people call it.
        title: in one line.
        source: the paper and its figure or table; ``ours`` for questions of our own.
        statement: what is claimed, in our words.
        measured: what is measured, on what.
        test: the statistic, and how its interval is made.
        expectations: the parts, each with its threshold.
        methods: texts of the methods that a run has to have for it.
    """

    number: ClassVar[int]
    title: ClassVar[str]
    source: ClassVar[str]
    statement: ClassVar[str]
    measured: ClassVar[str]
    test: ClassVar[str]
    expectations: ClassVar[tuple[Expectation, ...]]
    methods: ClassVar[tuple[str, ...]] = ()

    @property
    def level(self) -> float:
        """The level of each interval, so that all of them together hold with 95 %."""
        return 1 - ERROR / len(self.expectations)

    @abstractmethod
    def units(self, study: Study) -> Sequence[Unit]:
        """What has to be in the store for `examine` and `draw`. Nothing is computed here, and torch is not needed."""

    @abstractmethod
    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """For each expectation, by its name, what was measured, or in a sentence why nothing could be.

        Intervals are of `level`. Units that failed are not in ``study.available``: what they lack is not tested.
        """

    @abstractmethod
    def draw(self, study: Study, width: float) -> Drawing | None:
        """The figure, like the paper's, ``width`` inches wide; None where there is nothing to show.

        Called inside `peephole.figures.style.paper_style`.
        """


CLAIMS: Registry[type[Claim]] = Registry("claim", "peephole.claims.kinds", group="peephole.claims")


def all_claims() -> list[Claim]:
    """Every claim, by its number."""
    return sorted((CLAIMS[name]() for name in CLAIMS.names()), key=lambda claim: claim.number)


def name_of(claim: Claim) -> str:
    """The name that a claim is registered under."""
    return type(claim).__module__.rpartition(".")[2]


def chosen_claims(asked: Sequence[str]) -> list[Claim]:
    """The claims of these numbers or names, by their numbers; all if none is asked for.

    Raises:
        PeepholeError: there is no such claim.
    """
    claims = all_claims()
    known = {str(claim.number): claim for claim in claims}
    chosen = []
    for text in asked:
        if text.strip() in known:
            chosen.append(known[text.strip()])
            continue
        try:
            name = CLAIMS.resolve(text)
        except UnknownName as error:
            numbers = ", ".join(f"{claim.number} {name_of(claim)}" for claim in claims)
            raise PeepholeError(f"there is no claim '{text}'; there are: {numbers}.") from error
        chosen.append(next(claim for claim in claims if name_of(claim) == name))
    return sorted(set(chosen) or claims, key=lambda claim: claim.number)
