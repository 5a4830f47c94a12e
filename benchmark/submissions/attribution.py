"""A submission as an attribution: what the benchmark asks goes to the process that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.submissions.failure import SubmissionError
from peephole.submissions.host import Guest

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.attributions.canonical import Canonical


class Submitted:
    """See `peephole.attributions.base.Attribution`; the layers are those that the submission says.

    Args:
        guest: its process.

    Raises:
        SubmissionError: from `layers` and `attribute`: the submission failed, was ended, or did not leave the network,
            the pictures or torch as they were.
    """

    title: ClassVar[str] = "A submitted method"
    source: ClassVar[str] = "its authors"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def layers(self, model: Canonical) -> Sequence[str]:
        """The layers that the submission has maps at."""
        return self._guest.layers(model)

    def attribute(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Ask the process, and believe nothing that it says about itself."""
        maps, changes = self._guest.explain(model, x, target, layers)
        for concern, sentence in changes:
            if concern != "random":  # which is seeded anew before each call
                raise SubmissionError(f"{self._guest.submission.name} {sentence}; expected it left as it was.")
        return {layer: values.to(x) for layer, values in maps.items()}
