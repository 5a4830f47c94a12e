"""What every metric promises, whatever it measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import ComparisonMetric, MapMetric, Scored
from peephole.leaderboard.finding import Finding
from peephole.leaderboard.known_probes import noise
from peephole.leaderboard.measured import MeasuredMetric
from peephole.leaderboard.trial import Trial

Promise = Callable[[Trial], Iterator[Finding]]


def _maps(trial: Trial, stream: int = 0) -> Tensor:
    """Signed maps without ties."""
    return noise(trial.probes, stream) * 2 - 0.8


def gives_one_number_a_picture(trial: Trial) -> Iterator[Finding]:
    """Shapes, dtypes, finiteness."""
    scored, count = trial.score(_maps(trial)), len(trial.probes.target)
    wanted = {"value": torch.float64, "chance": torch.float64, "valid": torch.bool}
    wanted |= {"best": torch.float64} if scored.best is not None else {}
    wanted |= {"scored": torch.bool} if scored.scored is not None else {}
    for name, dtype in wanted.items():
        tensor: Tensor = getattr(scored, name)
        holds = tensor.shape == (count,) and tensor.dtype == dtype and bool(tensor.isfinite().all())
        got = f"{tensor.dtype} {list(tensor.shape)}" + ("" if tensor.isfinite().all() else ", not all finite")
        yield Finding(name, f"finite {dtype} [{count}]", got, holds)


def knows_chance_before_the_map(trial: Trial) -> Iterator[Finding]:
    """Chance, best and which pictures are scored do not depend on the map."""
    first, second = trial.score(_maps(trial)), trial.score(_maps(trial, 1))
    for name in ("chance", "best", "scored"):
        one, other = getattr(first, name), getattr(second, name)
        same = one.equal(other) if isinstance(one, Tensor) and isinstance(other, Tensor) else one is other
        yield Finding(f"{name} of two maps", "the same", "the same" if same else "different", same)


def scores_each_picture_by_itself(trial: Trial) -> Iterator[Finding]:
    """However pictures are cut into batches, and in whatever order."""
    maps, others, count = _maps(trial), trial.others, len(trial.probes.target)
    whole = trial.score(maps, others)
    cuts = {
        "one picture at a time": [torch.tensor([place]) for place in range(count)],
        "two batches": list(torch.arange(count).split(2 * count // 3)),
        "another order": [torch.arange(count).flip(0)],
    }
    for name, places in cuts.items():
        pieces = [trial.of(place).score(maps[place], others[:, place]) for place in places]
        yield _same(name, [_at(whole, place) for place in places], pieces, trial.tolerance)


def repeats_itself(trial: Trial) -> Iterator[Finding]:
    """Nothing is random that is not drawn from the picture's number, and torch's own state is left alone."""
    maps, state = _maps(trial), torch.get_rng_state()
    first, second = trial.score(maps), trial.score(maps)
    yield _same("the same again", [first], [second], 0.0)
    left = torch.get_rng_state().equal(state)
    yield Finding("torch's random state", "left alone", "left alone" if left else "moved", left)


def leaves_arguments_alone(trial: Trial) -> Iterator[Finding]:
    """Maps and pictures are as they were."""
    probes, maps, others = trial.probes, _maps(trial), trial.others
    given = [maps, others, probes.image, probes.clean, probes.truth, probes.target, probes.numbers]
    before = [tensor.clone() for tensor in given]
    trial.score(maps, others)
    changed = sum(not tensor.equal(copy) for tensor, copy in zip(given, before, strict=True))
    yield Finding("arguments", "left alone", f"{changed} changed" if changed else "left alone", not changed)


def ignores_magnitude(trial: Trial) -> Iterator[Finding]:
    """A map times a positive number is the same map, and so is a map in single precision."""
    maps, others = _maps(trial).float(), trial.others.float()
    known = trial.score(maps.double(), others.double())
    yield _same("single precision", [known], [trial.score(maps, others)], trial.tolerance)
    for factor in (1e-30, 0.3, 1e30):
        scored = trial.score(maps.double() * factor, others.double())
        yield _same(f"maps times {factor:g}", [known], [scored], trial.tolerance)


def puts_empty_maps_at_chance(trial: Trial) -> Iterator[Finding]:
    """A map without relevance is invalid, it alone; and one without positive relevance, unless signs are read."""
    for fill in (0.0, -0.0) if trial.reads_signs else (0.0, -0.0, -1.0):
        maps = _maps(trial)
        maps[2] = fill
        scored = trial.score(maps)
        valid = [place != 2 for place in range(len(maps))]
        holds = scored.valid.tolist() == valid and bool(scored.value[2] == scored.chance[2])
        got = f"valid {scored.valid.tolist()}, {float(scored.value[2]):.6g} at chance {float(scored.chance[2]):.6g}"
        yield Finding(f"a map of {fill} alone", f"valid {valid}, at chance", got, holds)
    if not trial.reads_signs:
        maps = _maps(trial)
        signed, positive = trial.score(maps), trial.score(maps.clamp(min=0))
        yield _same("negative relevance as none", [signed], [positive], trial.tolerance)


def refuses_what_is_no_map(trial: Trial) -> Iterator[Finding]:
    """NaN, infinity and wrong sizes, in one line."""

    def spoilt(value: float) -> Tensor:
        maps = _maps(trial)
        maps[1, -1, 3, 3] = value
        return maps

    fine, others = _maps(trial), trial.others
    cases = {
        "NaN": (spoilt(torch.nan), others),
        "infinity": (spoilt(torch.inf), others),
        "too narrow": (fine[..., :-1], others[..., :-1]),
        "too few pictures": (fine[:1], others[:, :1]),
        "no target": (fine[:, 0], others[:, :, 0]),
    }
    if isinstance(trial.metric, ComparisonMetric):
        cases |= {
            "NaN elsewhere": (fine, spoilt(torch.nan).expand_as(others)),
            "too narrow elsewhere": (fine, others[..., :-1]),
            "nothing elsewhere": (fine, others[:0]),
        }
    for name, (maps, elsewhere) in cases.items():
        try:
            trial.score(maps, elsewhere)
        except PeepholeError as error:
            yield Finding(name, "refused in one line", str(error), "\n" not in str(error))
        else:
            yield Finding(name, "refused in one line", "scored", False)


def uses_levels_that_are_known(trial: Trial) -> Iterator[Finding]:
    """A metric that measures its chance level does not do it twice."""
    if isinstance(trial.metric, MeasuredMetric):
        levels = trial.metric.levels(trial.probes)
        known = replace(trial, probes=replace(trial.probes, levels={trial.metric: levels}))
        yield _same("levels given", [trial.score(_maps(trial))], [known.score(_maps(trial))], trial.tolerance)
        shifted = replace(levels, chance=levels.chance - 1)
        scored = replace(trial, probes=replace(trial.probes, levels={trial.metric: shifted})).score(_maps(trial))
        used = scored.chance.equal(shifted.chance)
        yield Finding("levels given", "used", "used" if used else "measured again", used)


def takes_channels(trial: Trial) -> Iterator[Finding]:
    """Maps with their channels, where they are asked for."""
    if isinstance(trial.metric, MapMetric) and trial.metric.channels:
        channels = trial.probes.image.shape[1]
        maps = torch.stack([_maps(trial, stream) for stream in range(channels)], dim=2)
        scored = trial.metric.score(maps, trial.probes)
        holds = bool(scored.valid.all()) and bool(scored.value.isfinite().all())
        yield Finding(f"maps of {channels} channels", "finite and valid", f"{scored.value.tolist()}", holds)


PROMISES: tuple[Promise, ...] = (
    gives_one_number_a_picture,
    knows_chance_before_the_map,
    scores_each_picture_by_itself,
    repeats_itself,
    leaves_arguments_alone,
    ignores_magnitude,
    puts_empty_maps_at_chance,
    refuses_what_is_no_map,
    uses_levels_that_are_known,
    takes_channels,
)


def _at(scored: Scored, places: Tensor) -> Scored:
    return Scored(scored.value[places], scored.chance[places], scored.valid[places])


def _same(case: str, expected: list[Scored], got: list[Scored], tolerance: float) -> Finding:
    """Whether values, chance levels and validity are those expected."""
    pairs = list(zip(expected, got, strict=True))
    apart = torch.cat([_apart(one.value, other.value) for one, other in pairs])
    apart = torch.cat([apart, *(_apart(one.chance, other.chance) for one, other in pairs)])
    valid = all(one.valid.equal(other.valid) for one, other in pairs)
    text = f"off by {float(apart.max()):.2g}" + ("" if valid else ", other maps valid")
    wanted = f"the same scores within {tolerance:g}" if tolerance else "the same scores"
    return Finding(case, wanted, text, valid and bool((apart <= tolerance).all()))  # NaN is not


def _apart(known: Tensor, found: Tensor) -> Tensor:
    return (known - found).abs() / known.abs().clamp(min=1)
