"""Whether a layer's map is the same if no other layer is asked for."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import difference, equality
from peephole.checks.trial import LAST_LAYER, Trial


@CHECKS.register
class OneLayer:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Independent of the other layers"
    reason: ClassVar[str] = "which layers are asked for together may change from run to run"
    hint: ClassVar[str] = "work out each layer's map from the network and the picture, not from the list of layers"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 120

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        layers, maps = trial.layers(), trial.maps()
        if len(layers) == 1:
            return Verdict(True, "it has one layer")
        far, layer = difference({layers[-1]: maps[layers[-1]]}, trial.maps(LAST_LAYER))
        return equality("maps asked for alone and with the others", far, layer)
