"""How a submission ends when it does not end well."""

from __future__ import annotations

from peephole.errors import PeepholeError


class SubmissionError(PeepholeError):
    """A submission cannot be loaded, does not keep its promises, or was ended; the message is one line.

    Attributes:
        trace: the traceback in the submission's own process, as text; empty if there is none.
        ended: whether its process is gone: whatever is asked of it from now on fails the same way.
        unfit: whether the method was found, but cannot be called as methods are.
    """

    def __init__(self, message: str, trace: str = "", *, ended: bool = False, unfit: bool = False) -> None:
        super().__init__(message)
        self.trace = trace
        self.ended = ended
        self.unfit = unfit
