"""What a check is, what it finds, and the registry of those that there are; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from peephole.checks.trial import Trial

Status = Literal["passed", "failed", "warning", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """What one check says.

    Attributes:
        right: whether all is well.
        found: what was measured, as a sentence's end.
        hint: what to do, where the check's own hint does not say it.
        grave: whether a required check fails if not all is well; else it warns.
    """

    right: bool
    found: str
    hint: str = ""
    grave: bool = True


class NothingToCheck(Exception):
    """What a check would look at is not there, for a reason that another check reports; the message is why."""


class Check(Protocol):
    """One thing that is expected of a method.

    Attributes:
        title: what is right where the check passes.
        reason: why it matters, one sentence.
        hint: what to do where it fails.
        required: whether a method that fails it is kept off the board; else it is warned of.
        order: checks run from the lowest number to the highest, and those that others rest upon come first.
    """

    title: ClassVar[str]
    reason: ClassVar[str]
    hint: ClassVar[str]
    required: ClassVar[bool]
    order: ClassVar[int]

    def find(self, trial: Trial) -> Verdict:
        """Look at what the method answers.

        Raises:
            SubmissionError: the method failed when it was asked: so does the check.
            NothingToCheck: there is nothing to look at.
        """
        ...


CHECKS: Registry[type[Check]] = Registry(
    "check", "peephole.checks", support=("base", "comparison", "leftovers", "process", "subjects", "trial")
)


def in_order() -> list[str]:
    """The names of all checks as they run."""
    return sorted(CHECKS.names(), key=lambda name: CHECKS[name].order)
