"""Who leads, and how sure that is."""

import numpy as np
import pandas as pd
import pytest

from peephole.leaderboard.alignment import Condition, Lineup, Model, Pictures
from peephole.leaderboard.layer_order import network_order
from peephole.leaderboard.report.leader import leader_of
from peephole.leaderboard.standings import standings


def lineup_of(skills, generator, pictures=80):
    """Methods of these skills at a layer each, on pictures of which a quarter serves to choose layers."""
    rows = tuple((f"method{number}", "method", "input") for number in range(len(skills)))
    selection = np.arange(pictures) % 4 == 0
    shown = Pictures((Model(0, "m", "d"),), (int((~selection).sum()),), (int(selection.sum()),), selection)
    value = np.reshape(skills, (-1, 1)) + generator.normal(0, 0.3, (len(skills), pictures))
    levels = np.zeros(pictures), np.ones(pictures)
    condition = Condition("x", "restore", True, "higher", shown, value, np.ones(value.shape, np.bool_), *levels)
    return Lineup(("suite", "1", "data", "model"), rows, {"x": shown}, (condition,))


def leader(skills, generator, **given):
    lineup = lineup_of(skills, generator, **given)
    return leader_of(lineup, pd.DataFrame(standings(lineup, ())).sort_values("rank", ignore_index=True))


def test_of_equals_none_is_shown_to_be_worse_but_rarely():
    generator = np.random.default_rng(0)
    wrong = sum(any(rival.separable for rival in leader([0.5] * 12, generator).rivals) for _ in range(60))
    assert wrong <= 6


def test_a_large_lead_is_shown_and_a_small_one_is_not():
    found = leader([0.2, 0.9, 0.88, 0.1], np.random.default_rng(1))
    assert {found.method, found.rivals[0].method} == {"method1", "method2"}
    assert [rival.separable for rival in found.rivals] == [False, True, True]
    for rival in found.rivals:
        assert rival.low <= rival.ahead <= rival.high
        assert rival.ahead == pytest.approx(found.score - rival.score)


def test_one_method_leads_without_rivals_and_none_does_not():
    generator = np.random.default_rng(2)
    assert leader([0.5], generator).rivals == ()
    lineup = lineup_of([0.5], generator)
    nobody = pd.DataFrame(standings(lineup, ())).assign(score=np.nan)
    assert leader_of(lineup, nobody) is None


def test_layers_come_in_the_order_of_the_network():
    assert network_order([("layer1", "layer3"), ("input",)]) == ["input", "layer1", "layer3"]
    assert network_order([("stem", "layer2"), ("input", "stem", "layer1", "layer2")]) == [
        "input",
        "stem",
        "layer1",
        "layer2",
    ]
    assert set(network_order([("a", "b"), ("b", "a")])) == {"a", "b"}
