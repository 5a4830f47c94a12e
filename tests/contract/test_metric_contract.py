"""What every registered metric promises, whatever it measures, and the scores of maps of which all is known."""

import pytest

from peephole.leaderboard.base import METRICS
from peephole.leaderboard.closed_forms import CLOSED_FORMS, Mean
from peephole.leaderboard.conformance import check_metric


@pytest.mark.parametrize("name", METRICS.names())
def test_conforms(name: str) -> None:
    findings = check_metric(METRICS[name]())
    assert not [str(finding) for finding in findings if not finding.holds]


def test_closed_forms_are_of_metrics_that_there_are() -> None:
    assert set(CLOSED_FORMS) == set(METRICS.names())


@pytest.mark.parametrize("name", [name for name in METRICS.names() if METRICS[name].truth != "any"])
def test_the_truth_is_better_than_chance_and_its_opposite_worse(name: str) -> None:
    sign = 1 if METRICS[name].direction == "higher" else -1
    forms = CLOSED_FORMS[name]
    known = (forms.anti_oracle, forms.chance, forms.oracle)
    opposite, chance, truth = (one.value if isinstance(one, Mean) else one for one in known)
    assert sign * opposite < sign * chance < sign * truth
    assert truth == METRICS[name].best
