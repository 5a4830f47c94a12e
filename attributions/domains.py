"""On which operations the families of rules are defined."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from peephole.attributions.operations import Operation

Undefined = Mapping[Operation, str]
"""Operations that a rule is not defined on, each with the reason and, where there is one, the way out."""

EVERYWHERE: Undefined = MappingProxyType({})
"""The domain of rules that need gradients or logits only."""

INSIDE = "its inside is not known, and an activation may stand there"
NO_RULE = "nobody has said how relevance goes through it"

RECTIFIERS: Undefined = MappingProxyType(
    {
        Operation.ACTIVATION: (
            "the rule changes the signal at ReLUs only, and here would be the plain gradient under another name; "
            "activation='any' takes every activation for one"
        ),
        Operation.OPAQUE: INSIDE,
    }
)
"""The domain of rules that change the signal at ReLUs."""

ANY_ACTIVATION: Undefined = MappingProxyType({Operation.OPAQUE: INSIDE})
"""The same where every activation counts."""

WHOLE_SHARES: Undefined = MappingProxyType(
    {
        Operation.PRODUCT: NO_RULE,
        Operation.NORMALISATION: NO_RULE,
        Operation.ATTENTION: NO_RULE,
        Operation.OPAQUE: NO_RULE,
    }
)
"""The domain of relevance rules that share by whole contributions."""

SIGNED_SHARES: Undefined = MappingProxyType(
    {**WHOLE_SHARES, Operation.AFFINE: "its weights cannot be told apart by sign"}
)
"""The domain of relevance rules that share by the contributions of one sign."""

DIFFERENCES: Undefined = MappingProxyType(
    {
        Operation.NORMALISATION: "the rescale rule is of functions of one number",
        Operation.ATTENTION: "the rescale rule is of functions of one number",
        Operation.OPAQUE: INSIDE,
    }
)
"""The domain of DeepLIFT."""

BIASES: Undefined = MappingProxyType(
    {
        Operation.PRODUCT: "it has no bias that would complete its gradient",
        Operation.NORMALISATION: "it has no bias that would complete its gradient",
        Operation.ATTENTION: "it has no bias that would complete its gradient",
        Operation.OPAQUE: "its biases are not known",
    }
)
"""The domain of FullGrad."""
