"""Which metric is scored on which trigger."""

import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.applicability import applicability, metrics_of, need_of, parse_applicability, parts_of
from peephole.leaderboard.base import METRICS, ComparisonMetric
from peephole.triggers.base import TRIGGERS


def test_names_are_registered_and_every_metric_is_used() -> None:
    table = applicability()
    assert set(table.metrics) <= set(TRIGGERS.names())
    assert {metric for metrics in table.metrics.values() for metric in metrics} == set(METRICS.names())


def test_the_table_says_what_the_metrics_say() -> None:
    for name in METRICS.names():
        metric = METRICS[name]
        expected = "maps"
        if issubclass(metric, ComparisonMetric):
            expected = "twin" if metric.against == "twin" else "randomised"
        elif metric.network or any(METRICS[part].network for part in getattr(metric, "parts", ())):
            expected = "network"
        assert need_of(name) == expected, name
        assert parts_of(name) == getattr(metric, "parts", ()), name


def test_metrics_need_the_truth_that_their_triggers_have() -> None:
    for trigger, metrics in applicability().metrics.items():
        lacking = "mask" if trigger == "wanet" else "soft"
        for name in metrics:
            assert METRICS[name].truth != lacking, (trigger, name)
            parts = parts_of(name)
            assert set(parts) <= set(metrics), f"{name} is made of {parts}, which {trigger} lacks"


def test_the_core_metrics_of_the_headline() -> None:
    core = {trigger: [name for name in metrics_of(trigger) if METRICS[name].core] for trigger in TRIGGERS.names()}
    network = ["restore", "morf_minus_lerf"]
    assert core == {
        "square": ["completeness", *network],
        "x": ["fine_grained", *network],
        "cross": ["fine_grained", *network],
        "class_pair": ["class_sensitivity"],
        **dict.fromkeys(("badnet", "dynamic", "input_aware", "wanet"), network),
    }


def test_needs_are_known_by_text_too() -> None:
    assert need_of("morf(baseline='blur')") == need_of("morf") == "network"
    assert need_of("completeness") == need_of("somebody_elses") == "maps"


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
        applicability().metrics["square"] = ()


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
        "[metrics]\nx = ['a']\n[needs]\ny = ['a']",
        "[metrics]\nx = ['a']\n[parts]\na = []",
    ],
)
def test_other_tables_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(PeepholeError) as caught:
        parse_applicability(text)
    assert "\n" not in str(caught.value)
