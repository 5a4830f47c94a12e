"""What an adapter for another library's attribution methods is, and the registry of those in the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from peephole.attributions.base import Attribution
from peephole.registry import Registry


class Adapter(Attribution, Protocol):
    """A method of another library, as an attribution.

    Attributes:
        distribution: what pip calls the library.
        extra: the extra of this package that installs it.
        module: what the library is imported as.
        method: the method as the library spells it.
    """

    distribution: ClassVar[str]
    extra: ClassVar[str]
    module: ClassVar[str]
    method: str

    def __init__(self, method: str, options: Mapping[str, object]) -> None:
        """Import the library and look the method up.

        Args:
            method: the method's name in the library; case, ``-`` and ``_`` do not matter where one name fits.
            options: what the library's method is called with besides pictures and targets, by the library's names,
                and ``seed`` (an int, 0 if not given).

        Raises:
            UnknownName: the library has no such method; the message lists those that it has.
            PeepholeError: the library is not installed, the method cannot explain a layer, or an option is not one
                of the method's.
        """
        ...


ADAPTERS: Registry[type[Adapter]] = Registry(
    "library",
    "peephole.attributions.adapters",
    support=(
        *("base", "installed", "library", "signatures", "surroundings"),
        *("sequence", "features", "relevance", "taps"),
    ),
)
