"""What a rule answers: a map for each layer, and what of the decision the maps do not hold."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class Maps(dict[str, Tensor]):
    """Maps by layer.

    Attributes:
        lost: for each layer ``[B]``, what the sum of a picture's map falls short of what the rule hands down: of a
            relevance rule the logit (of Excitation Backprop 1), of DeepLIFT and Integrated Gradients the difference of
            the logit from that of a zero activation. It is what outputs without a contribution to share among, biases
            or ε kept, what an error of a quadrature is, and what went to tokens without a place. Empty for rules that
            promise no sum.
    """

    def __init__(self, maps: Mapping[str, Tensor], whole: Tensor | Mapping[str, Tensor] | None = None) -> None:
        super().__init__(maps)
        self.lost: dict[str, Tensor] = {}
        if whole is not None:
            for layer, values in maps.items():
                own = whole if isinstance(whole, Tensor) else whole[layer]
                self.lost[layer] = own - values.flatten(1).sum(1)
