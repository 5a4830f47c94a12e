"""Which metric is scored on which trigger."""

import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.applicability import applicability, metrics_of, parse_applicability
from peephole.leaderboard.base import METRICS
from peephole.triggers.base import TRIGGERS


def test_names_are_registered_and_every_metric_is_used() -> None:
    table = applicability()
    assert set(table) <= set(TRIGGERS.names())
    assert {metric for metrics in table.values() for metric in metrics} == set(METRICS.names())


def test_known_triggers() -> None:
    assert metrics_of("square") == ("completeness",)
    assert metrics_of("class_pair") == ("class_sensitivity",)
    assert metrics_of("x") == metrics_of("cross") == ("fine_grained",)


def test_an_unknown_trigger_lists_the_known_ones() -> None:
    with pytest.raises(PeepholeError, match=r"no metric applies to trigger 'wart'; .*class_pair, cross, square, x"):
        metrics_of("wart")


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        applicability()["square"] = ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[metrics",
        "metrics = 3",
        "[metrics]\nx = 'fine_grained'",
        "[metrics]\nx = []",
        "[metrics]\nx = [1]",
        "[metrics]\nx = ['a']\n[more]\ny = 1",
    ],
)
def test_other_tables_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(PeepholeError) as caught:
        parse_applicability(text)
    assert "\n" not in str(caught.value)
