"""From scores of single maps to one score a picture."""

from __future__ import annotations

from torch import Tensor

from peephole.leaderboard.base import Scored


def per_picture(value: Tensor, chance: Tensor, valid: Tensor) -> Scored:
    """The mean over a picture's targets; with one target, its score.

    A picture is valid only if the maps of all its targets are. One that is not gets its chance level as a whole:
    half a score from the target that could be explained would reward leaving the other out.

    Args:
        value: float64 ``[N,T]``.
        chance: float64 ``[N,T]``.
        valid: bool ``[N,T]``.
    """
    picture_chance = chance.mean(dim=1)
    picture_valid = valid.all(dim=1)
    return Scored(
        value=value.mean(dim=1).where(picture_valid, picture_chance), chance=picture_chance, valid=picture_valid
    )
