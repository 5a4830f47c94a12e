"""The tokens of texts: names as they are written here, with hyphens, dots and a library before a colon."""

from __future__ import annotations

import re

_NAME = r"[^\W\d]\w*(?:[-.]\w+)*"
_TOKEN = re.compile(
    rf"""(?P<string> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" )
       | (?P<number> \.?\d[\w.]*(?:(?<=[eE])[+-]\d+)? )
       | (?P<name> {_NAME}(?::{_NAME})? )
       | (?P<mark> [()\[\],=\s-] )
       | (?P<other> . )""",
    re.VERBOSE | re.DOTALL,
)


def scan(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token; together they are ``text``. What fits nowhere is a character of kind ``other``."""
    return [(str(match.lastgroup), match.group()) for match in _TOKEN.finditer(text)]


def split(text: str) -> tuple[str, ...]:
    """The parts of a list that is separated by commas; commas in parentheses or quotes separate nothing."""
    parts, depth = [""], 0
    for kind, token in scan(text):
        if kind == "mark":
            depth += (token in "([") - (token in ")]")
        if token == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += token
    return tuple(part.strip() for part in parts if part.strip())
