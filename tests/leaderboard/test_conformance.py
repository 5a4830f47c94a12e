"""A kit that finds nothing is worth nothing: metrics with one fault each."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard import conformance
from peephole.leaderboard.base import METRICS, ComparisonMetric, Metric, Probes, Scored
from peephole.leaderboard.closed_forms import CLOSED_FORMS, ClosedForms, Mean
from peephole.leaderboard.conformance import check_metric
from peephole.leaderboard.finding import Finding
from peephole.leaderboard.measured import MeasuredMetric
from peephole.leaderboard.metrics.fine_grained import FineGrained
from peephole.leaderboard.metrics.restore import Restore
from peephole.leaderboard.metrics.twin_difference import TwinDifference

FORMS = CLOSED_FORMS["fine_grained"]


@pytest.fixture(autouse=True)
def _fewer_random_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "MANY", 200)


def failed(metric: Metric, forms: ClosedForms = FORMS) -> set[str]:
    """The cases that do not hold, without what they were tried on."""
    return {finding.case.split(", mask")[0] for finding in check_metric(metric, forms) if not finding.holds}


class Faultless(FineGrained):
    __doc__ = FineGrained.__doc__


class SinglePrecision(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        return replace(scored, value=scored.value.float().where(scored.valid, scored.chance.float()))


class ChanceFromTheMap(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        chance = scored.chance + 1e-9 * relevance.amax(dim=(1, 2, 3))
        return replace(scored, chance=chance, value=scored.value.where(scored.valid, chance))


class MixesPictures(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        return replace(scored, value=(scored.value / scored.value.max() * 0.5).where(scored.valid, scored.chance))


class DependsOnTheBatch(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        tie = torch.arange(len(relevance)) * 1e-6
        return replace(scored, value=(scored.value + tie).where(scored.valid, scored.chance))


class Draws(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance + 1e-6 * torch.rand(relevance.shape) * (relevance != 0), probes)


class ChangesTheMap(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance.clamp_(min=0), probes)


class TakesTheSize(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance.clamp(-1, 1), probes)


class TakesMagnitudes(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance.abs(), probes)


class DropsInvalidMaps(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        return replace(scored, value=scored.value.where(scored.valid, 0.0))


class AnswersNaN(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance.nan_to_num(), probes)


class AnswersAnySize(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        if relevance.shape != probes.truth.shape:
            relevance = torch.ones_like(probes.truth)
        return super().score(relevance, probes)


class TwoLines(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        if relevance.shape != probes.truth.shape:
            raise PeepholeError("another\nsize")
        return super().score(relevance, probes)


class BetterThanItIs(Faultless):
    __doc__ = FineGrained.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        scored = super().score(relevance, probes)
        return replace(scored, value=scored.value.sqrt().where(scored.valid, scored.chance))


class WithoutFacts(Faultless):
    """Formula: none."""

    title = ""


def test_a_metric_without_fault_passes() -> None:
    assert not failed(Faultless())


@pytest.mark.parametrize(
    ("fault", "cases"),
    [
        (SinglePrecision, {"value"}),
        (ChanceFromTheMap, {"chance of two maps"}),
        (MixesPictures, {"one picture at a time"}),
        (DependsOnTheBatch, {"one picture at a time", "two batches", "another order"}),
        (Draws, {"the same again", "torch's random state"}),
        (ChangesTheMap, {"arguments"}),
        (TakesTheSize, {"maps times 1e+30"}),
        (TakesMagnitudes, {"signed", "a map of -1.0 alone", "negative relevance as none"}),
        (DropsInvalidMaps, {"all zero", "a map of 0.0 alone"}),
        (AnswersNaN, {"NaN", "infinity"}),
        (AnswersAnySize, {"too narrow", "too few pictures", "no target"}),
        (TwoLines, {"too narrow", "too few pictures", "no target"}),
        (BetterThanItIs, {"constant", "balanced", "random maps"}),
        (WithoutFacts, {"facts", "docstring"}),
    ],
)
def test_a_fault_is_found(fault: type[Metric], cases: set[str]) -> None:
    assert cases <= failed(fault())


class MeasuresAgain(Restore):
    __doc__ = Restore.__doc__

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        return super().score(relevance, replace(probes, levels={}))


def test_a_level_that_is_measured_twice_is_found() -> None:
    assert {"levels given"} <= failed(MeasuresAgain(), CLOSED_FORMS["restore"])
    assert issubclass(MeasuresAgain, MeasuredMetric)


class RewardsTheTwin(TwinDifference):
    __doc__ = TwinDifference.__doc__

    def compare(self, relevance: Tensor, others: Tensor, probes: Probes) -> Scored:
        scored = super().compare(relevance, others, probes)
        return replace(scored, value=scored.value * 0.5)


class TakesAnyTwin(TwinDifference):
    __doc__ = TwinDifference.__doc__

    def compare(self, relevance: Tensor, others: Tensor, probes: Probes) -> Scored:
        fits = others.shape[1:] == relevance.shape and len(others) and bool(others.isfinite().all())
        return super().compare(relevance, others if fits else relevance.unsqueeze(0), probes)


@pytest.mark.parametrize(
    ("fault", "cases"),
    [
        (RewardsTheTwin, {"the truth here, nothing elsewhere"}),
        (TakesAnyTwin, {"NaN elsewhere", "too narrow elsewhere", "nothing elsewhere"}),
    ],
)
def test_a_fault_of_a_comparison_is_found(fault: type[ComparisonMetric], cases: set[str]) -> None:
    assert cases <= failed(fault(), CLOSED_FORMS["twin_difference"])


@pytest.mark.parametrize("wrong", [0.9, Mean(0.4), "invalid"])
def test_a_wrong_closed_form_is_found(wrong: float | Mean) -> None:
    assert failed(Faultless(), replace(FORMS, oracle=wrong)) == {"oracle"}


def test_a_metric_without_closed_forms_is_told_what_to_add() -> None:
    (finding,) = check_metric(Faultless())
    assert not finding.holds
    assert "an entry 'test_conformance' of CLOSED_FORMS in leaderboard/closed_forms.py" in finding.expected
    assert "oracle, anti_oracle, constant, balanced, signed, chance, reads_signs" in finding.expected


def test_what_is_no_metric_of_any_kind_is_refused() -> None:
    class Neither(Metric):
        """None."""

        truth = "mask"

    with pytest.raises(PeepholeError, match="no metric, expected a MapMetric, DerivedMetric or ComparisonMetric"):
        check_metric(Neither(), FORMS)


def test_a_finding_is_one_line() -> None:
    assert str(Finding("oracle", "1", "0.5", False)) == "FAILS: oracle: expected 1; got 0.5"
    findings = check_metric(METRICS["completeness"]())
    assert all("\n" not in str(finding) and str(finding).startswith("holds: ") for finding in findings)
