"""Methods that are scored on a share of the pictures: which ones, and what it does to the plan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.options import Options
from peephole.plan import make_plan
from peephole.suites.suite import load_suite
from peephole.units.probe_set import covered, share_of

SELECTION = np.arange(250) < 50


def test_the_first_pictures_of_both_parts_are_taken():
    assert covered(SELECTION, 0.25).tolist() == [*range(13), *range(50, 100)]
    assert covered(SELECTION[::-1], 0.1).tolist() == [*range(20), *range(200, 205)]


def test_the_whole_is_everything():
    assert covered(SELECTION, 1.0).tolist() == list(range(250))


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.floats(0.001, 1), st.floats(0.001, 1))
def test_shares_are_nested_and_leave_two_of_each_part(selection, one, other):
    selection = np.array(selection)
    smaller, larger = (set(covered(selection, share).tolist()) for share in sorted((one, other)))
    assert smaller <= larger
    for part in (selection, ~selection):
        taken = sum(part[picture] for picture in smaller)
        assert taken >= min(2, part.sum())
        assert taken >= min(one, other) * part.sum() - 1e-9


def suite(fewer):
    quick = load_suite("quick")
    methods = ("gradient", "grad_cam", "tif(grad_cam, 0.5)")
    probes = quick.probes.model_copy(update={"fewer": fewer})
    return quick.model_copy(update={"methods": methods, "probes": probes, "triggers": ("square",)})


def rows(plan, need="maps"):
    return {row.method: row for row in plan.rows if row.need == need}


def test_only_the_maps_of_costly_methods_change():
    before, after = rows(make_plan(suite({}))), rows(make_plan(suite({"grad_cam": 0.25})))
    changed = {method for method in before if before[method].maps != after[method].maps}
    assert changed == {"grad_cam", "tif(grad_cam, 0.5)"}
    assert {method for method in before if before[method].scores != after[method].scores} == changed
    assert all(before[method].backdoor.probes == after[method].backdoor.probes for method in before)


def test_a_share_stands_in_the_spec_only_where_there_is_one():
    plan = rows(make_plan(suite({"grad_cam": 0.25})))
    assert plan["grad_cam"].maps.spec["share"] == 0.25
    assert "share" not in plan["gradient"].maps.spec
    assert [share_of(plan[method].maps) for method in ("gradient", "grad_cam", "oracle")] == [1.0, 0.25, 1.0]


def test_a_share_costs_its_share():
    plan = rows(make_plan(suite({"grad_cam": 0.25})))
    assert plan["grad_cam"].maps.cost().passes == pytest.approx(plan["gradient"].maps.cost().passes / 4)


def test_a_row_knows_its_pictures():
    plan = rows(make_plan(suite({"grad_cam": 0.25})))
    assert len(plan["gradient"].covered(SELECTION)) == 250
    assert len(plan["grad_cam"].covered(SELECTION)) == 63


def test_the_text_of_a_method_is_its_identity():
    quick = load_suite("quick")

    def maps(text):
        plan = make_plan(Options(methods=(text,), triggers=("square",)).apply(quick))
        return next(row.maps for row in plan.rows if not row.is_calibration)

    assert maps("tif( grad-cam,.5 )") == maps("tif(grad_cam, 0.5)")
    assert maps("tif(grad_cam, 0.5)") != maps("tif(grad_cam, 0.6)")
    assert maps("tif(grad_cam, 0.5)").spec["method"] == "tif(grad_cam, 0.5)"


@pytest.mark.parametrize(("need", "own", "costly"), [("maps", 1.0, 0.1), ("network", 0.125, 0.1), ("twin", 0.125, 0.1)])
def test_a_score_covers_the_smaller_of_its_method_s_and_its_metric_s_share(need, own, costly):
    plan = rows(make_plan(suite({"grad_cam": 0.1})), need)
    shares = {method: share_of(row.scores) for method, row in plan.items()}
    assert shares.pop("grad_cam") == shares.pop("tif(grad_cam, 0.5)") == costly
    assert set(shares.values()) == {own}


def test_maps_of_the_twin_are_made_of_the_pictures_that_are_compared():
    plan = rows(make_plan(suite({"grad_cam": 0.1})), "twin")
    for method, share in (("gradient", 0.125), ("grad_cam", 0.1)):
        other, maps = plan[method].scores.inputs["other_maps"], plan[method].maps
        assert share_of(other) == share
        assert (other.inputs["network"].kind, maps.inputs["network"].kind) == ("twin_model", "poisoned_model")
    assert plan["oracle"].scores.inputs["other_maps"] == plan["oracle"].maps  # it looks at no network


def test_levels_are_measured_once_for_all_methods():
    plan = make_plan(suite({"grad_cam": 0.1}))
    levels = {row.scores.inputs["levels"] for row in plan.rows if row.need == "network"}
    assert len(levels) == len(plan.backdoors)
    assert {share_of(unit) for unit in levels} == {0.125}


def test_sanity_is_asked_on_the_triggers_that_the_suite_names():
    quick = load_suite("quick")
    rows_by_need = {
        trigger: {row.need for row in make_plan(Options(triggers=(trigger,), seeds=1).apply(quick)).rows}
        for trigger in ("square", "wanet", "class_pair")
    }
    assert rows_by_need == {
        "square": {"maps", "network", "twin", "randomised"},
        "wanet": {"maps", "network", "twin"},
        "class_pair": {"maps", "network", "twin"},
    }


def metrics(text, trigger="square"):
    plan = make_plan(Options(metrics=text, triggers=(trigger,), seeds=1).apply(load_suite("quick")))
    return [row.metrics for row in plan.rows if row.method == "gradient"]


def test_metrics_can_be_chosen_and_added():
    assert metrics(("completeness", "morf-minus-lerf")) == [("completeness",), ("morf_minus_lerf", "morf", "lerf")]
    added = metrics(("+morf(baseline=blur)",))
    assert ("morf(baseline='blur')",) in added
    assert [one for one in added if one != ("morf(baseline='blur')",)] == metrics(())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("nonesuch",), "unknown metric 'nonesuch'"),
        (("truth_spearman",), "no trigger of the run is scored by truth_spearman"),
        (("+morf(baseline=pink)",), "baseline"),
        (("+morf(colour=1)",), "there is no option colour"),
    ],
)
def test_metrics_that_cannot_be_scored_are_refused(asked, words):
    with pytest.raises(PeepholeError, match=words):
        metrics(asked)
