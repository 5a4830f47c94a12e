"""Is a method fit for a board? Everything that is expected of one, tried out in about ten seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from peephole.checks.base import CHECKS, Check, NothingToCheck, Status, in_order
from peephole.submissions.blame import NO_MEMORY
from peephole.submissions.confinement import confinement
from peephole.submissions.failure import SubmissionError
from peephole.submissions.limits import Limits
from peephole.submissions.submission import Submission

if TYPE_CHECKING:
    from peephole.checks.trial import Trial

T = TypeVar("T")
MISSING = re.compile(r"No module named '(\w+)")
SECONDS = 60.0
"""What one call may take if nothing else is said: half of what a run allows, for half of the pictures."""
ENDED = (
    "a method may not end its process, exhaust the machine or wait for something that does not come; if it only needs "
    "more, give it that with --seconds or --memory"
)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name.
        title: what is right where it passes.
        reason: why it matters.
        required: whether a method that fails it is kept off the board.
        status: ``passed``; ``failed``, which only what is required can; ``warning``; or ``skipped``.
        found: what was measured, or why it was skipped.
        hint: what to do; empty where it passed.
        trace: the traceback in the method's own process, if it raised.
    """

    check: str
    title: str
    reason: str
    required: bool
    status: Status
    found: str
    hint: str = ""
    trace: str = ""


@dataclass(frozen=True)
class CheckResult:
    """What all checks found.

    Attributes:
        name: of the method.
        target: as it was written.
        written: the target with its options.
        digest: of its code and options.
        findings: one a check, in the order in which they ran.
        isolation: what keeps the method's process apart on this machine, and what does not.
        stochastic: whether it says that it draws random numbers; None if it cannot be loaded.
        layers: that it has maps at; empty if it cannot say.
        ms_per_image: milliseconds a picture, all layers together; NaN if it was not timed.
        passes: the same in forward and backward passes of the network.
        peak_memory: bytes; 0 if there was no process.
        seconds: that all of it took.
    """

    name: str
    target: str
    written: str
    digest: str
    findings: tuple[Finding, ...]
    isolation: str
    stochastic: bool | None
    layers: tuple[str, ...]
    ms_per_image: float
    passes: float
    peak_memory: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all that is required is right."""
        return all(one.status in ("passed", "warning") for one in self.findings if one.required)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The checks that failed."""
        return tuple(one for one in self.findings if one.status == "failed")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The checks that warn."""
        return tuple(one for one in self.findings if one.status == "warning")

    def __getitem__(self, check: str) -> Finding:
        """What the check of this name found."""
        return next(one for one in self.findings if one.check == CHECKS.resolve(check))

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; what was not measured is None."""
        numbers = {key: None if (value := getattr(self, key)) != value else value for key in ("ms_per_image", "passes")}
        return {
            **asdict(self),
            "findings": [asdict(one) for one in self.findings],
            "layers": list(self.layers),
            **numbers,
            "passed": self.passed,
        }


def check(
    method: str | Path | Callable[..., Any] | type | object,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | Iterable[str] = (),
    beside: Iterable[str | Path] = (),
    device: str = "auto",
    limits: Limits | None = None,
    report: Callable[[str], None] | None = None,
) -> CheckResult:
    """Try whether a method is fit for a board: nothing about backdoors is asked, and no data are needed.

    The method runs in two processes of its own, on small untrained networks and pictures of the embedded data set.

    Args:
        method: a function ``(model, x, target) -> map`` or ``(model, x, target, layers) -> {layer: map}``, a class
            with ``attribute``, or a text that names one, such as ``"my_method.py"`` or ``"captum:DeepLift"``.
        name: on the board; by default the method's.
        options: what a text's function or class is called with: by name, or ``key=value`` each.
        beside: files and folders that the method reads.
        device: a torch device, or ``auto``.
        limits: what each process may use; by default a minute a call and half of the machine's memory.
        report: told the title of each check before it runs.

    Raises:
        PeepholeError: there is no such method, its file is not Python, an option is malformed, or there is no such
            device. A method that fails is no error: see `CheckResult.passed`.
    """
    from peephole.evaluation import staged

    with staged(method, name=name, options=options, beside=map(Path, beside)) as submission:
        return check_submission(submission, device=device, limits=limits, report=report)


def check_submission(
    submission: Submission,
    *,
    device: str = "auto",
    limits: Limits | None = None,
    report: Callable[[str], None] | None = None,
) -> CheckResult:
    """`check`, of a submission that has been found already."""
    from peephole.checks.trial import Trial
    from peephole.devices import device_of

    start = time.perf_counter()
    findings: list[Finding] = []
    reported: dict[SubmissionError, str] = {}
    with Trial(submission, device_of(device), limits or submission.limits or Limits(seconds=SECONDS)) as trial:
        for key in in_order():
            one = CHECKS[key]()
            if report is not None:
                report(one.title)
            findings.append(_finding(key, one, trial, reported))
        return CheckResult(
            name=submission.name,
            target=submission.target,
            written=submission.written,
            digest=submission.digest,
            findings=tuple(findings),
            isolation=confinement().sentence,
            stochastic=_known(lambda: trial.stochastic, None),
            layers=_known(trial.layers, ()),
            ms_per_image=_known(lambda: trial.cost.ms_per_image, float("nan")),
            passes=_known(lambda: trial.cost.passes, float("nan")),
            peak_memory=_known(lambda: trial.peak_memory, 0),
            seconds=time.perf_counter() - start,
        )


def _finding(key: str, one: Check, trial: Trial, reported: dict[SubmissionError, str]) -> Finding:
    """Run a check. What has failed before, and was reported, is no news: the check is skipped."""

    def finding(status: Status, found: str, hint: str = "", trace: str = "") -> Finding:
        return Finding(key, one.title, one.reason, one.required, status, _plain(found), _plain(hint), trace)

    wrong: Status = "failed" if one.required else "warning"
    try:
        verdict = one.find(trial)
    except NothingToCheck as reason:
        return finding("skipped", str(reason))
    except SubmissionError as error:
        if error in reported:
            return finding("skipped", f"as '{reported[error]}' failed")
        reported[error] = one.title
        return finding(wrong, str(error), _advice(error, one), error.trace)
    if verdict.right:
        return finding("passed", verdict.found)
    return finding(wrong if verdict.grave else "warning", verdict.found, verdict.hint or one.hint)


def _advice(error: SubmissionError, one: Check) -> str:
    """What to do about a failure."""
    if error.ended or NO_MEMORY in str(error):
        return ENDED
    if missing := MISSING.search(str(error)):
        return (
            f"install what provides {missing[1]} here (pip install {missing[1]}), or if it is a file of yours, lay it "
            "beside with --with"
        )
    return one.hint


def _known(read: Callable[[], T], otherwise: T) -> T:
    """What was measured, or something else where it could not be: the findings say why."""
    try:
        return read()
    except (SubmissionError, NothingToCheck):
        return otherwise


def _plain(text: str) -> str:
    """One line without what moves cursors: a method may raise any text."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
