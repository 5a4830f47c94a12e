"""The base of our own rules: they answer a question, and share what others have worked out for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from peephole.attributions.base import Attribution
from peephole.attributions.canonical import Canonical
from peephole.attributions.domains import EVERYWHERE, Undefined
from peephole.attributions.site import Site

if TYPE_CHECKING:
    from peephole.attributions.question import Question


class Rule(ABC):
    """An attribution that takes its passes from a `Question`. Instances are frozen: equal rules share their maps."""

    title: ClassVar[str]
    source: ClassVar[str]

    def undefined(self) -> Undefined:
        """The operations on which the rule says nothing, or would be another rule, and why."""
        return EVERYWHERE

    def undefined_at(self, site: Site) -> str | None:
        """Why the rule says nothing at one call site, though it is defined on the operation; None if it does."""
        return None

    def compares_pictures_numbers(self) -> bool:
        """Whether it compares the numbers of one picture inside the network, so that a row there must be a picture."""
        return False

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer; see `peephole.attributions.base.Attribution.attribute`.

        Raises:
            PeepholeError: the arguments are not what the interface asks for.
        """
        from peephole.attributions.question import Question

        return Question(model, x, target, layers).maps(self)

    def uses(self) -> tuple[Attribution, ...]:
        """The methods whose maps this one asks the question for."""
        return ()

    @abstractmethod
    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The maps at ``layers``, which lie within the question's reach; none shares memory with another tensor."""
