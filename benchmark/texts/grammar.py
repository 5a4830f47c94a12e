"""What texts of one kind may hold, and what they are called where one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peephole.errors import PeepholeError


@dataclass(frozen=True)
class Grammar:
    """The texts of one kind of thing.

    Attributes:
        kind: what a thing is called in messages, for example ``"method"``.
        examples: texts as they are written, two or more; the last one is shown alone where only one is.
        nested: whether things may stand among the options of others. If so, a bare name among them is a thing; if not,
            it is text, as if it stood in quotes.
    """

    kind: str
    examples: Sequence[str]
    nested: bool

    @property
    def values(self) -> str:
        """What an option may be, in words."""
        return f"number, text in quotes, tuple or {self.kind}" if self.nested else "number, text or tuple"

    def check_text(self, text: object) -> None:
        """Refuse what is no text.

        Raises:
            PeepholeError: it is none.
        """
        if not isinstance(text, str):
            raise PeepholeError(f"a {self.kind} is named by a text such as '{self.examples[-1]}', not by {text!r}.")

    def wrong(self, text: str, problem: str) -> PeepholeError:
        """The error of a malformed text: it shows the text, says what is wrong, and how texts are written."""
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        likely = f"{', '.join(self.examples[:-1])} or {self.examples[-1]}"
        return PeepholeError(f"the {self.kind} {shown!r} {problem}; write it like {likely}.")
