"""Things of a registry by their texts: spelling and identity without importing them, construction with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from peephole.registry import Registry
from peephole.texts.construction import construct
from peephole.texts.grammar import Grammar
from peephole.texts.parsing import parse
from peephole.texts.spec import Spec

T = TypeVar("T")


@dataclass(frozen=True)
class Naming(Generic[T]):
    """The texts of one registry whose things are classes and do not nest.

    Attributes:
        registry: where the classes are.
        grammar: how its texts are written; not nested.
    """

    registry: Registry[type[T]]
    grammar: Grammar

    def resolve(self, text: str) -> str:
        """The one spelling of a text, its name as it is registered; nothing is imported.

        Whether the options fit the thing is not known before it is built.

        Raises:
            PeepholeError: the text is malformed, or names what does not exist.
        """
        return str(self._spec(text))

    def name_of(self, text: str) -> str:
        """The registered name of what a text names, without its options.

        Raises:
            PeepholeError: see `resolve`.
        """
        return self._spec(text).name

    def digest(self, text: str) -> str:
        """A digest of text and code; of a plain name it is the registry's. Nothing is imported.

        Raises:
            PeepholeError: see `resolve`.
        """
        spec = self._spec(text)
        code = self.registry.digest(spec.name)
        return code if spec.is_plain else hashlib.sha256(f"{spec}\n{code}".encode()).hexdigest()[:16]

    def build(self, text: str) -> T:
        """Import and construct the thing.

        Raises:
            PeepholeError: see `resolve`; or an option does not exist, is missing, of the wrong type or out of range;
                the message lists what the thing takes.
        """
        return self._construct(self._spec(text))

    def _spec(self, text: str) -> Spec:
        spec = parse(text, self.grammar)
        return replace(spec, name=self.registry.resolve(spec.full_name), library=None)

    def _construct(self, spec: Spec) -> T:
        kind: Callable[..., T] = self.registry[spec.name]
        return construct(spec, kind, self._construct)
