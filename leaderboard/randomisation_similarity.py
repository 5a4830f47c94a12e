"""How alike a method's maps are before and after the network's weights are lost: the sanity checks' quantity."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import ComparisonMetric, Probes, Scored
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.rank_correlation import rank_correlation
from peephole.leaderboard.ranks import average_ranks, on_grid
from peephole.leaderboard.relevance import require_finite, require_shape


class RandomisationSimilarity(ComparisonMetric):
    """Mean over V randomised networks of how strongly their map correlates in rank with that of the trained network.

    Maps are signed, and of their correlation the size counts. A map that is turned over is still the same map: rules
    that conserve relevance, such as LRP, turn theirs over with the sign of the logit, which is a matter of chance in a
    randomised network. With signed correlations, lrp_alpha1_beta0, whose maps hardly depend on the upper layers, scored
    -.4 on a ResNet8 randomised from the top, and so better than gradients, which scored 0. Adebayo et al. rank signed
    maps ("diverging") and absolute ones; absolute values would tie a pixel that speaks for a decision with one that
    speaks against it.

    Maps that have nothing to do with each other do not score 0 but about .8 / sqrt(n - 1) for n independent places, the
    mean size of a correlation: .03 for 32 x 32, .2 for a layer of 4 x 4. Compare methods at one layer.

    The trained network itself is not among the V, since its correlation of 1 would raise the mean of all methods.

    Chance is 1, what a map scores that does not look at the network, exactly; 0 is the best. A map that is invalid
    scores as such a map does: a method that returns the same constant for every network tells nothing of any. If it
    scored 0, it would pass. Maps drawn at random for each network pass, as does any other way to give unstable maps:
    to pass is needed and not enough.
    """

    direction = "lower"
    best = 0.0

    def compare(self, relevance: Tensor, others: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]`` beside those of V randomised networks, ``[V,N,T,H,W]``.

        Raises:
            PeepholeError: no randomised network, shapes differ, or a map is not finite.
        """
        require_shape(relevance, probes.truth)
        if others.dim() != 5 or not len(others) or others.shape[1:] != relevance.shape:
            raise PeepholeError(
                f"maps of randomised networks are {list(others.shape)}, expected [V,N,T,H,W] of one network or more, "
                f"as the trained network's are {list(relevance.shape)}; explain the same pictures with all of them"
            )
        ranks = average_ranks(_grid(relevance))
        each = [rank_correlation(_grid(other), ranks)[0].abs() for other in others]
        value = torch.stack(each).mean(dim=0)
        valid = (ranks != ranks[..., :1, :1]).any(dim=3).any(dim=2)
        return per_picture(value, torch.ones_like(value), valid)


def _grid(maps: Tensor) -> Tensor:
    return on_grid(require_finite(maps.double()))
