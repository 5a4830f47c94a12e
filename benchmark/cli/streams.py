"""Text on its way to a terminal, a pipe or a file: whatever it says, and whatever the stream can write."""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

DEGRADING = "peephole.plain"
"""The name of the way in which characters that a stream cannot write become some that it can."""

_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("‘’‚′", "'"),
        **dict.fromkeys("“”„″", '"'),
        **dict.fromkeys("•·∙", "*"),
        **dict.fromkeys("─━═╌┄┈╴╶╸╺", "-"),
        **dict.fromkeys("│┃║╎┆┊╵╷", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋┡┩╇", "+"),
        **dict.fromkeys("█▓▒░■▉▊▋▌▍▎▏▁▂▃▄▅▆▇", "#"),
        **{"…": "...", "×": "x", "→": "->", "←": "<-", "↑": "up", "↓": "down", "≤": "<=", "≥": ">=", "≠": "!="},
        **{"±": "+/-", "≈": "~", "√": "sqrt", "Σ": "sum", "Δ": "delta", "∞": "inf", "✓": "yes", "✗": "no", "†": "+"},
        **{"²": "^2", "³": "^3", "⁺": "+", "⁻": "-", "₀": "0", "₁": "1", "✔": "yes", "✘": "no", "\u00a0": " "},
        **{
            "ß": "ss",
            "æ": "ae",
            "Æ": "AE",
            "ø": "o",
            "Ø": "O",
            "ł": "l",
            "Ł": "L",
            "›": ">",
            "‹": "<",
            "»": ">>",
            "«": "<<",
        },
        **{"¬": "not ", "∈": "in", "⊙": "*", "÷": "/", "°": " deg", "µ": "u", "€": "EUR", "§": "section "},
    }
)
_GREEK = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?([A-Z]+)(?: .*)?")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters but tab and line feed, and those that change the direction of text or have no width."""


def plain(text: str) -> str:
    """``text`` in ASCII: dashes are hyphens, Greek letters their names, accents gone, all else a question mark."""
    return "".join(_plain(each) for each in text)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if character in _PLAIN:
        return _PLAIN[character]
    greek = _GREEK.fullmatch(unicodedata.name(character, ""))
    if greek:
        return greek[1].lower()
    bare = "".join(each for each in unicodedata.normalize("NFKD", character) if each.isascii())
    return bare or "?"


def clean(text: str) -> str:
    """``text`` without what would steer a terminal: such characters are written out, as ``\\x1b``."""
    return _UNSAFE.sub(lambda found: _written_out(found[0]), text)


def _written_out(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def say(text: str, *, error: bool = False) -> None:
    """Write a line on standard output, or on standard error."""
    print(clean(text), file=sys.stderr if error else sys.stdout, flush=True)


def degrade_streams() -> None:
    """Let standard output and error write any character: no exit code is to depend on their encoding."""
    codecs.register_error(DEGRADING, _degraded)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=DEGRADING)


def _degraded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


class CleanConsole(Console):
    """A console whose texts cannot steer the terminal; what rich itself sends to it stays."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `rich.console.Console.render`."""
        for segment in super().render(renderable, options):
            cleaned = segment.text if segment.control else clean(segment.text)
            yield segment if cleaned == segment.text else Segment(cleaned, segment.style, segment.control)


def console(**settings: Any) -> Console:
    """Standard output; wide enough not to break tables where it is no terminal."""
    return CleanConsole(width=None if sys.stdout.isatty() else 140, highlight=False, **settings)
