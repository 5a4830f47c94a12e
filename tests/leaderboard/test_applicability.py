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
    assert metrics_of("badnet") == metrics_of("dynamic") == metrics_of("input_aware") == ("truth_auprc",)
    assert metrics_of("wanet") == ("truth_spearman",)


def test_options_of_a_trigger_do_not_matter() -> None:
    assert metrics_of("badnet(pattern='checkerboard')") == metrics_of("badnet")
    assert metrics_of("wanet (strength=0.5, grid=8)") == metrics_of("wanet")
    with pytest.raises(PeepholeError, match="no metric applies to trigger 'wart';"):
        metrics_of("wart(size=3)")


def test_an_unknown_trigger_lists_the_known_ones() -> None:
    with pytest.raises(
        PeepholeError, match=r"no metric applies to trigger 'wart'; .*class_pair, cross, .*square, wanet, x"
    ):
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
