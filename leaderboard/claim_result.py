"""What became of a claim of a paper, as it is written down and shown; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from peephole.leaderboard.verdict import Criterion, Verdict, joined


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the effect.
        low, high: the ends of its interval; NaN if it has none.
        n: how many independent things it is made of.
        of: what those are: ``"pictures of 2 models"``.
    """

    value: float
    low: float
    high: float
    n: int
    of: str


@dataclass(frozen=True)
class Expectation:
    """One measurable part of a claim, with its threshold, as it stands before anything is measured.

    Attributes:
        name: short, of its claim.
        words: the part of the claim, in words.
        effect: what is measured, in words, with its range.
        criterion: where it has to lie.
    """

    name: str
    words: str
    effect: str
    criterion: Criterion


@dataclass(frozen=True)
class ClaimPart:
    """An expectation beside what was found.

    Attributes:
        expectation: what was expected.
        estimate: what was measured, or None.
        reason: why nothing was, or what has to be known about it.
    """

    expectation: Expectation
    estimate: Estimate | None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the interval says."""
        if self.estimate is None:
            return Verdict.NOT_TESTED
        return self.expectation.criterion.verdict(self.estimate.low, self.estimate.high)


@dataclass(frozen=True)
class ClaimResult:
    """A claim, what it was held against, and what came of it.

    Attributes:
        name, number, title: which claim.
        source: the paper and its figure or table.
        statement: what is claimed, in our words.
        measured: what is measured, on what.
        test: how the intervals are made, and their level.
        tested: by expectation, in the claim's order.
        figure: the file's name, beside the results; empty if there is none.
        caption: of the figure.
        made: when, by which command, version and code of the claim, on what.
    """

    name: str
    number: int
    title: str
    source: str
    statement: str
    measured: str
    test: str
    tested: tuple[ClaimPart, ...]
    figure: str = ""
    caption: str = ""
    made: str = ""

    @cached_property
    def verdict(self) -> Verdict:
        """`joined` of those of its parts."""
        return joined(one.verdict for one in self.tested)

    @property
    def held(self) -> str:
        """How many of the parts that were tested hold, in words; empty if none was tested."""
        tested = [one.verdict for one in self.tested if one.verdict is not Verdict.NOT_TESTED]
        return f"{tested.count(Verdict.HOLDS)} of {len(tested)}" if tested else ""


@dataclass(frozen=True)
class Reproduction:
    """All claims that were examined on one suite.

    Attributes:
        suite: its identifier.
        subject: data set and network, in words.
        command: what to type to get the same.
        quick: whether this is a smoke test, whose verdicts are none to quote.
        seeds: of the models.
        facts: what it was made with, by name: versions, device, machine, date.
        digests: of data and models, by name.
        results: by the claims' numbers.
    """

    suite: str
    subject: str
    command: str
    quick: bool
    seeds: tuple[int, ...]
    facts: dict[str, str]
    digests: dict[str, str]
    results: tuple[ClaimResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many parts of all claims have each verdict; only verdicts that occur."""
        found = [one.verdict for result in self.results for one in result.tested]
        return {str(verdict): found.count(verdict) for verdict in Verdict if verdict in found}
