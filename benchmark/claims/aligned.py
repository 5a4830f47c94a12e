"""Alignment of several networks with several kinds of weights, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.claims.panels import bands
from peephole.claims.resampling import Draws, draw, rank_correlation
from peephole.claims.study import Study
from peephole.errors import PeepholeError
from peephole.figures.bands import line
from peephole.units.alignment import CHANGED, TRAINED, Aligned, Alignment, Over, alignment_unit, read_alignment
from peephole.units.base import Unit

FILTERS: Mapping[str, str] = MappingProxyType(
    {
        "guided_backprop": "Guided Backprop",
        "rectgrad(bottom=False)": "RectGrad",
        "lrp_alpha1_beta0(bottom=False)": "z⁺-rule",
    }
)
"""P2's negative filtering rules without their last step, and what people call them; DTD is the z⁺-rule then."""
RULES: Mapping[str, str] = MappingProxyType({**FILTERS, "activation": "Activation"})

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beside:
    """Alignment of the same pictures under several conditions.

    Attributes:
        values: by condition, float64 ``[methods,places,P]``, the pictures of the networks one after the other; 0 where
            nothing arrives.
        first: of each condition what was found on the first network.
        draws: weights on the pictures, to resample them.
    """

    values: Mapping[str, Values]
    first: Mapping[str, Aligned]
    draws: Draws

    def means(self, condition: str) -> Values:
        """The means over pictures and networks: ``[methods,places,rows]``."""
        return self.draws.means("pictures", self.values[condition])

    def trends(self, condition: str) -> Values:
        """Spearman's ρ of mean and place, of each method: ``[methods,rows]``."""
        return rank_correlation(self.means(condition), axis=1)


def beside(study: Study, conditions: Mapping[str, Sequence[Alignment]], key: str) -> Beside:
    """Read what was found; networks that one of the conditions lacks are left out.

    Args:
        study: whose store it is in.
        conditions: units by condition, those of one network at the same place.
        key: of the claim, see `peephole.claims.resampling.draw`.

    Raises:
        PeepholeError: nothing was found on any network.
    """
    rows = [row for row in zip(*conditions.values(), strict=True) if all(map(study.has, row))]
    if not rows:
        raise PeepholeError(f"no network could be asked under all of: {', '.join(conditions)}")
    found = [[read_alignment(unit, study.workspace) for unit in row] for row in rows]
    values, first = {}, {}
    for number, name in enumerate(conditions):
        values[name] = np.nan_to_num(np.concatenate([row[number].values for row in found], axis=2), nan=0.0)
        first[name] = found[0][number]
    sizes = [row[0].values.shape[2] for row in found]
    return Beside(values, first, draw({"pictures": sizes}, key))


def of_models(
    study: Study,
    weights: str,
    methods: Iterable[str],
    *,
    over: Over | None = None,
    pairs: bool = False,
    shown: int = 0,
) -> list[Alignment]:
    """One unit a clean model, with its weights, with some of them changed, or with others on the same pictures."""
    found = []
    for model in study.clean_models:
        own: Unit | None = model if weights in (TRAINED, *CHANGED) else None
        found.append(
            alignment_unit(
                model.spec,
                weights,
                list(methods),
                pictures=study.extent.pictures,
                seed=model.spec["seed"],
                over=over,
                pairs=pairs,
                shown=shown,
                model=own,
            )
        )
    return found


def cascades(study: Study, network: Mapping[str, Any], weights: str, *, deep: bool) -> list[Alignment]:
    """Cascades of all rules on a network with random weights, one unit a draw."""
    extent = study.extent
    sizes = (extent.deep_pictures, extent.deep_levels) if deep else (extent.pictures, None)
    return [
        alignment_unit(network, weights, list(RULES), pictures=sizes[0], seed=seed, over="levels", most=sizes[1])
        for seed in range(extent.draws)
    ]


def by_level(axes: Any, x: Values, names: Iterable[str], draws: Draws, statistic: Values) -> None:
    """A line a name with its 95 % interval, of statistics ``[names,places,rows]``."""
    mean, low, high = bands(draws, statistic)
    for number, name in enumerate(names):
        line(axes, number, name, x, mean[number], low[number], high[number])


def levels_of(aligned: Aligned) -> Values:
    """The levels of cascades, as numbers."""
    return np.array([float(place) for place in aligned.places])
