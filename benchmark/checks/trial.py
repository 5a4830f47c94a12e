"""What all checks look at: two processes of one method, and what they answer."""

from __future__ import annotations

import statistics
import threading
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from peephole.checks.base import NothingToCheck
from peephole.checks.process import Process, Question
from peephole.checks.subjects import COUNT, subjects
from peephole.submissions.failure import SubmissionError
from peephole.submissions.host import Examined
from peephole.submissions.limits import Limits
from peephole.submissions.submission import Submission

PLAIN = Question()
AGAIN = Question(turn=1)
OTHER_SEED = Question(seed=1)
REORDERED = Question(pictures=(3, 0, 4, 1, 2))
ALONE = tuple(Question(pictures=(number,)) for number in (0, 4))
OTHER_TARGET = Question(shift=1)
LAST_LAYER = Question(last_layer=True)
RETRAINED = Question(subject="retrained")
RESIZED = Question(subject="resized", pictures=(0, 1))
TURNS = 3
LONG = 5.0
"""Seconds that one batch is timed for, at most, as far as that can be foreseen."""


@dataclass(frozen=True)
class Cost:
    """What a picture costs: milliseconds, and forward and backward passes of the network in the same batch."""

    ms_per_image: float
    passes: float
    batch: int


class Trial:
    """A method on trial. It is asked when a check wants to know, and each question once.

    The second process is asked at the same time as the first, about the other network first: what a method keeps from
    earlier calls, or takes from the clock, then shows.

    Args:
        submission: the method.
        device: what it computes on.
        limits: what each process may use.
    """

    def __init__(self, submission: Submission, device: torch.device, limits: Limits) -> None:
        self.name = submission.name
        self.limits = limits
        self._closed = False
        self._first, self._second = (Process(submission, device, limits) for _ in range(2))
        self.subjects = subjects(device)
        self._beside = threading.Thread(target=self._ask_second, daemon=True)
        self._beside.start()

    @property
    def stochastic(self) -> bool:
        """Whether the method says that it draws random numbers."""
        return self._first.guest.stochastic

    @property
    def layered(self) -> bool:
        """Whether it takes layers."""
        return self._first.guest.layered

    @property
    def calls(self) -> int:
        """How many calls it has answered."""
        self._beside.join()
        return self._first.calls + self._second.calls

    @property
    def peak_memory(self) -> int:
        """Bytes that its first process has used, at most."""
        return self._first.guest.peak_memory

    def layers(self, subject: str = "plain") -> tuple[str, ...]:
        """The layers that it has maps at."""
        return self._first.layers(subject, self.subjects[subject])

    def examine(self, question: Question = PLAIN, *, second: bool = False) -> Examined:
        """What came of a question, right or wrong; ``second``: in the second process.

        Raises:
            SubmissionError: the method failed.
        """
        if second:
            self._beside.join()
        process = self._second if second else self._first
        return process.ask(question, self.subjects[question.subject]).examined

    def maps(self, question: Question = PLAIN, *, second: bool = False) -> dict[str, Tensor]:
        """The maps of a question, float32 ``[B,c,h,w]`` on the CPU by layer.

        Raises:
            SubmissionError: the method failed, or its maps were refused.
            NothingToCheck: those of the plain question were refused already.
        """
        if question != PLAIN or second:
            self.maps()
        examined = self.examine(question, second=second)
        if examined.maps is None:
            if question == PLAIN and not second:
                raise NothingToCheck("there are no maps to look at")
            raise SubmissionError(examined.refused)
        return examined.maps

    def changes(self, concern: str) -> list[str]:
        """What calls have left changed, a sentence a call.

        Args:
            concern: ``weights``, ``mode``, ``hooks``, ``pictures``, ``torch`` or ``random``.
        """
        self._beside.join()
        return [sentence for process in (self._first, self._second) for sentence in process.changes.get(concern, ())]

    @cached_property
    def cost(self) -> Cost:
        """What the method takes for a picture: the median of three batches of 32; fewer and smaller ones of a method
        that is slow.
        """
        from peephole.units.asked import pass_seconds

        self._beside.join()
        subject = self.subjects["plain"]
        self.maps()
        each = self._seconds(PLAIN) / len(PLAIN.pictures)
        batch = min(COUNT, max(len(PLAIN.pictures), int(LONG / each)))
        question = replace(PLAIN, pictures=tuple(range(batch)), turn=2)
        seconds = [self._seconds(question)]
        if seconds[0] < LONG / 2:
            seconds += [self._seconds(replace(question, turn=2 + turn)) for turn in range(1, TURNS)]
        x, target = subject.x[:batch], subject.target()[:batch]
        passes = [pass_seconds(subject.network, x, target) for _ in range(TURNS + 1)][1:]
        taken = statistics.median(seconds)
        return Cost(1000 * taken / batch, taken / statistics.median(passes), batch)

    def close(self) -> None:
        """End the processes."""
        self._closed = True
        self._first.close()
        self._second.close()

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            self._beside.join()
        self.close()

    def _seconds(self, question: Question) -> float:
        return self._first.ask(question, self.subjects[question.subject]).seconds

    def _ask_second(self) -> None:
        for question in (RETRAINED, PLAIN):
            try:
                self._second.ask(question, self.subjects[question.subject])
            except SubmissionError:
                continue  # kept, and raised where the answer is asked for
            except OSError:
                if not self._closed:  # under our hands
                    raise
