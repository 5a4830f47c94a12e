"""A process of the method, and what it was asked: everything once, answers and failures alike."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from peephole.checks.subjects import Subject
from peephole.submissions.failure import SubmissionError
from peephole.submissions.host import Examined, Guest
from peephole.submissions.limits import Limits
from peephole.submissions.submission import Submission

T = TypeVar("T")
SPOILING = frozenset({"weights", "mode", "hooks"})
"""Changes after which the next question gets a fresh network, so that one fault does not look like several."""


@dataclass(frozen=True)
class Question:
    """One call of the method.

    Attributes:
        subject: which network.
        pictures: which of its pictures, in this order.
        shift: which labels, see `Subject.target`.
        seed: of the global random states.
        turn: another one asks the same again.
        last_layer: whether it is asked for the last of its layers only, instead of all.
    """

    subject: str = "plain"
    pictures: tuple[int, ...] = (0, 1, 2, 3, 4)
    shift: int = 0
    seed: int = 0
    turn: int = 0
    last_layer: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back, and the seconds it took."""

    examined: Examined
    seconds: float


class Process:
    """One process of the method; it begins to start at once, in the background.

    Args:
        submission: the method.
        device: what it computes on.
        limits: what it may use.
    """

    def __init__(self, submission: Submission, device: torch.device, limits: Limits) -> None:
        self.changes: dict[str, list[str]] = {}
        """What calls have left changed: a sentence a call by what it concerns."""
        self.calls = 0
        self._make = lambda: Guest(submission, device, limits)
        self._kept: dict[Hashable, Any] = {}
        self._copies: dict[str, Subject] = {}
        self._closed = False
        self._start = threading.Thread(target=self._keep_guest, daemon=True)
        self._start.start()

    @property
    def guest(self) -> Guest:
        """Raises `SubmissionError` if it could not be started."""
        self._start.join()
        return self._once("guest", self._make)

    def layers(self, name: str, subject: Subject) -> tuple[str, ...]:
        """The layers that the method has maps at."""
        return self._once(("layers", name), lambda: self.guest.layers(self._fresh(name, subject).network))

    def ask(self, question: Question, subject: Subject) -> Answer:
        """Ask a question; the same question gets the same answer, or fails the same way."""
        return self._once(question, lambda: self._ask(question, subject))

    def close(self) -> None:
        """End the process, as soon as it has started."""
        self._closed = True
        if not self._start.is_alive() and isinstance(self._kept.get("guest"), Guest):
            self._kept["guest"].close()

    def _keep_guest(self) -> None:
        try:
            self._once("guest", self._make)
        except SubmissionError:
            return  # kept, and raised where the process is asked for
        if self._closed:
            self._kept["guest"].close()

    def _ask(self, question: Question, subject: Subject) -> Answer:
        layers = self.layers(question.subject, subject)
        network = self._fresh(question.subject, subject).network
        chosen = torch.tensor(question.pictures, device=subject.x.device)
        x, target = subject.x[chosen], subject.target(question.shift)[chosen]
        start = time.perf_counter()
        spoilt = True
        try:
            asked = layers[-1:] if question.last_layer else layers
            examined = self.guest.examine(network, x, target, asked, question.seed)
            spoilt = any(concern in SPOILING for concern, _ in examined.changes)
        finally:
            if spoilt:
                self._copies[question.subject] = Subject(copy.deepcopy(subject.network), subject.x, subject.classes)
        seconds = time.perf_counter() - start
        self.calls += 1
        for concern, sentence in dict(reversed(examined.changes)).items():
            self.changes.setdefault(concern, []).append(sentence)
        return Answer(examined, seconds)

    def _fresh(self, name: str, subject: Subject) -> Subject:
        return self._copies.get(name, subject)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except SubmissionError as error:
                self._kept[key] = error
        found = self._kept[key]
        if isinstance(found, SubmissionError):
            raise found
        kept: T = found
        return kept
