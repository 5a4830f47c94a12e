"""The name that a user means among those that exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peephole.errors import UnknownName


def plain(text: str) -> str:
    """A name without what does not matter in it: case, blanks, quotes, and whether ``-`` or ``_`` joins words."""
    return "".join(letter for letter in text.lower().replace("-", "_") if letter not in " \t'\"")


def one_of(text: str, kind: str, known: Sequence[str]) -> str:
    """The one of ``known`` that ``text`` means; where only one has that name, it may lack its options.

    Args:
        text: as it was typed.
        kind: what a name is called in messages.
        known: what there is.

    Raises:
        UnknownName: none of them; the message lists all.
    """
    found = {plain(name): name for name in known}
    bare = [name for name in known if plain(name).partition("(")[0] == plain(text)]
    if plain(text) not in found and len(bare) == 1:
        return bare[0]
    if plain(text) not in found:
        raise UnknownName(kind, text, known)
    return found[plain(text)]


def all_of(texts: Iterable[str], kind: str, known: Sequence[str]) -> list[str]:
    """The names that ``texts`` mean, each once, in the order given.

    Raises:
        UnknownName: see `one_of`.
    """
    return list(dict.fromkeys(one_of(text, kind, known) for text in texts))
