"""What the checks of things that a call must leave alone have in common."""

from __future__ import annotations

from peephole.checks.base import Verdict
from peephole.checks.trial import Trial


def left(trial: Trial, concern: str, well: str) -> Verdict:
    """Whether all calls left one kind of thing as it was; ``well`` says so."""
    trial.examine()
    changes = trial.changes(concern)
    if changes:
        return Verdict(False, f"it {changes[0]} (in {len(changes)} of {trial.calls} calls)")
    return Verdict(True, f"{well} after {trial.calls} calls")
