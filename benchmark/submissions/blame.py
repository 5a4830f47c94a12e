"""An exception of submitted code in one line that says where it came from."""

from __future__ import annotations

import traceback

from peephole.errors import PeepholeError

LENGTH = 300
NO_MEMORY = "ran out of the memory that it may use"


def blamed(error: BaseException) -> str:
    """Type and message, and the line of the submission's own code that it came through last.

    The benchmark's own errors speak for themselves.
    """
    if isinstance(error, PeepholeError):
        return _short(str(error))
    if isinstance(error, SystemExit):
        return f"asked to exit the process (code {error.code}){_where(error)}"
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return f"{NO_MEMORY}{_where(error)}"
    if isinstance(error, SyntaxError):
        return syntax(error)
    message = _short(str(error))
    return f"raised {type(error).__name__}{f': {message}' if message else ''}{_where(error)}"


def syntax(error: SyntaxError) -> str:
    """Where code cannot be read, and the line."""
    name = str(error.filename or "").replace("\\", "/").rpartition("/")[2]
    line = (error.text or "").strip()
    shown = f": {_short(line)}" if line else ""
    return f"cannot be read, {name or 'its code'} line {error.lineno}, column {error.offset}, {error.msg}{shown}"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/source/" in frame.filename.replace("\\", "/")]
    if not own:
        return ""
    name = own[-1].filename.replace("\\", "/").rpartition("/source/")[2]
    return f" ({name}, line {own[-1].lineno}{f': {_short(own[-1].line)}' if own[-1].line else ''})"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
