"""Claims on scores that are planted to bear them out, and to contradict them."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import kendalltau, spearmanr

from peephole.claims.base import CLAIMS
from peephole.claims.extent import QUICK
from peephole.claims.kinds import boxes, context, edge_detectors, measured_truth, method_order
from peephole.claims.p1_methods import BASELINES, CAM_LIKE, FUSED, GRADIENT_LIKE, LAYERED, at_own_layer
from peephole.claims.study import Study, Values
from peephole.errors import PeepholeError
from peephole.figures.style import paper_style
from peephole.leaderboard.claim_result import Estimate
from peephole.leaderboard.verdict import Verdict
from peephole.options import Options
from peephole.runner import plan_run

LAYERS = ("input", "stem", "layer1.0", "layer2.0", "layer3.0")
SIZES = (12, 9)
FLAT = (0.02, 0.05, 0.01, 0.04, 0.03)
"""Of ranks that hardly go with their place."""


def claimed(metric, method, place):
    """A score as P1 would have it, of a method at the layer of this place."""
    top = 4 if method in ("grad_cam", "score_cam", "cameras") else 0
    cam, fused = method in CAM_LIKE, method.startswith("tif")
    alpha = float(method.rstrip(")").rpartition(" ")[2]) if fused else 0.0
    multiplied = method.startswith("input_x") or method in ("deeplift", "integrated_gradients(steps=10)")
    if metric == "class_sensitivity":
        leads = method in ("deeplift", "input_x_gradient")
        return (0.8 if leads else 0.3) + FLAT[place]
    if metric == "fine_grained":
        return (0.9 if method == "guided_backprop" else 0.1 * alpha if fused else 0.6) - 0.05 * place
    if metric == "completeness":
        return 0.95 - 0.5 * (alpha - 0.5) if fused else (0.75 if cam else 0.1) + 0.05 * (place - top)
    if metric == "lerf":
        return (0.3 if cam else 0.6) - 0.05 * (place - top)
    if metric == "morf":
        return (0.5 if cam else 0.8 if multiplied else 0.4) - 0.05 * (place - top)
    return 0.4 if fused else 0.2  # MoRF less LeRF


def denied(metric, method, place):
    """The contrary: what was high is low. Of class sensitivity, layers matter most, and methods do not."""
    if metric == "class_sensitivity":
        return 0.1 + 0.2 * place - (0.05 if method in ("deeplift", "input_x_gradient") else 0)
    return 1 - claimed(metric, method, place)


class Planted:
    """A study of scores that a function gives; ``spoilt`` says under which triggers no model meets its gates."""

    quick, extent = True, QUICK

    def __init__(self, score, spoilt=()):
        self.score, self.spoilt = score, spoilt

    def values(self, metric, methods, name):
        if name in self.spoilt:
            raise PeepholeError(f"no model with the trigger {name} meets its gates and has {metric}")
        generator = np.random.default_rng(len(metric) + len(name))
        clean = [[self.score(metric, method, place) for place in range(5)] for method in methods]
        noise = generator.normal(0, 0.004, (len(methods), 5, sum(SIZES)))
        value = np.array(clean, dtype=np.float64)[..., None] + noise
        places = np.concatenate([np.arange(size) for size in SIZES])
        level, best = np.full(sum(SIZES), 0.5), np.full(sum(SIZES), 0.0 if metric == "restore" else 1.0)
        return Values(
            name, metric, tuple(methods), LAYERS, value, level, best, SIZES, places, (0, 1), metric == "restore"
        )


def verdicts(claim, study):
    found = claim.examine(study)
    assert found.keys() == {expectation.name for expectation in claim.expectations}
    return {
        each.name: Verdict.NOT_TESTED
        if isinstance(answer := found[each.name], str)
        else each.criterion.verdict(answer.low, answer.high)
        for each in claim.expectations
    }


def drawn(claim, study):
    with paper_style():
        drawing = claim.draw(study, 7.0)
    assert isinstance(drawing.figure, Figure)
    assert "95 %" in drawing.caption or claim.number == 15
    return drawing


def mean(values):
    """Over models of the mean over pictures."""
    parts = np.split(values, np.cumsum(SIZES)[:-1])
    return sum(float(sum(part)) / len(part) for part in parts) / len(parts)


P1 = ("layer_trends", "reliability_by_layer", "method_order")


@pytest.mark.parametrize("name", P1)
def test_what_p1_claims_holds_where_it_is_planted(name):
    claim, study = CLAIMS[name](), Planted(claimed)
    assert set(verdicts(claim, study).values()) == {Verdict.HOLDS}
    drawn(claim, study)


@pytest.mark.parametrize("name", P1)
def test_what_p1_claims_fails_where_the_contrary_is_planted(name):
    assert set(verdicts(CLAIMS[name](), Planted(denied)).values()) == {Verdict.FAILS}


@pytest.mark.parametrize("name", [*P1, "context", "edge_detectors"])
def test_without_models_nothing_is_tested_and_the_reason_is_given(name):
    claim, study = (
        CLAIMS[name](),
        Planted(claimed, spoilt=("square", "x", "class_pair", *context.PATCHES, *context.CONTEXT)),
    )
    assert set(verdicts(claim, study).values()) == {Verdict.NOT_TESTED}
    assert all("meets its gates" in answer for answer in claim.examine(study).values())
    with paper_style():
        assert claim.draw(study, 7.0) is None


def test_one_trigger_stands_for_both_and_it_is_said():
    claim = CLAIMS["reliability_by_layer"]()
    found = claim.examine(Planted(claimed, spoilt=("x",)))["lerf_improves"]
    assert isinstance(found, Estimate)
    assert found.of == "pictures of 2 models, under square"
    assert found.n == sum(SIZES)


def test_trends_by_loops():
    study, claim = Planted(lambda *which: 0.5), CLAIMS["layer_trends"]()
    found = claim.examine(study)
    for name, metric, trigger in (
        ("class_flat", "class_sensitivity", "class_pair"),
        ("fine_falls", "fine_grained", "x"),
    ):
        values = study.values(metric, LAYERED, trigger).value
        curves = [[mean(layer) for layer in method] for method in values]
        rho = [spearmanr(curve, range(5)).statistic for curve in curves]
        assert found[name].value == pytest.approx(sum(rho) / 5)
    values = study.values("class_sensitivity", LAYERED, "class_pair").value
    curves = np.array([[mean(layer) for layer in method] for method in values])
    methods = [np.std([curve[layer] for curve in curves], ddof=1) for layer in range(4)]
    layers = [np.std(curve[:4], ddof=1) for curve in curves]
    lead = sum(methods) / 4 - sum(layers) / 5
    assert found["class_method"].value == pytest.approx(lead)


def test_leads_by_loops():
    study, claim = Planted(lambda *which: 0.5), CLAIMS["method_order"]()
    found = claim.examine(study)
    values = study.values("fine_grained", method_order.TABLE, "x")
    means = {method: mean(values.value[row, -1 if method in ("grad_cam", "score_cam", "cameras") else 0])
             for row, method in enumerate(method_order.TABLE)}  # fmt: skip
    others = [value for method, value in means.items() if method != "guided_backprop"]
    assert found["guided_fine"].value == pytest.approx(means["guided_backprop"] - max(others))
    values = study.values("completeness", method_order.TABLE, "square")
    means = dict(zip(method_order.TABLE, map(mean, at_own_layer(values)), strict=True))
    expected = np.mean([means[method] for method in CAM_LIKE]) - np.mean([means[method] for method in GRADIENT_LIKE])
    assert found["cams_complete"].value == pytest.approx(expected)


def order(flipped):
    """Restore and MoRF less LeRF by a method's number; in context the other way round if it is flipped."""
    methods = context.Context.methods

    class Ordered(Planted):
        def values(self, metric, methods_asked, name):
            turned = -1 if flipped and name in context.CONTEXT else 1
            self.score = lambda metric, method, place: 0.5 + turned * 0.02 * (methods.index(method) - 6)
            return super().values(metric, methods_asked, name)

    return Ordered(None)


@pytest.mark.parametrize("flipped", [False, True])
def test_orders_are_predicted_or_not(flipped):
    claim, study = CLAIMS["context"](), order(flipped)
    found = verdicts(claim, study)
    assert found["restore_simple"] == found["removal_simple"] == Verdict.HOLDS
    assert found["restore_context"] == found["removal_context"] == (Verdict.FAILS if flipped else Verdict.HOLDS)
    drawn(claim, study)


def test_agreement_by_loops():
    study, claim = Planted(lambda *which: 0.5), CLAIMS["context"]()

    def scaled(triggers):
        parts = []
        for trigger in triggers:
            values = study.values("restore", claim.methods, trigger)
            parts.append([(mean(row) - 0.5) / (0.0 - 0.5) for row in at_own_layer(values)])
        return np.mean(parts, axis=0)

    expected = kendalltau(scaled((*context.PATCHES, *context.SHAPES)), scaled(context.CONTEXT)).statistic
    assert claim.examine(study)["restore_context"].value == pytest.approx(expected)


def test_triggers_whose_truth_is_no_better_than_chance_are_left_out():
    class Blind(Planted):
        def values(self, metric, methods, name):
            values = super().values(metric, methods, name)
            if name == "wanet" or self.spoilt_truth:
                values.best[:] = 0.5
            return values

    claim, study = CLAIMS["context"](), Blind(claimed)
    study.spoilt_truth = False
    found = claim.examine(study)["restore_context"]
    assert "input_aware" in found.of
    assert "wanet" not in found.of
    study.spoilt_truth = True
    assert "no better than chance" in claim.examine(study)["restore_context"]


class Twins(Planted):
    """Scores that grow from picture to picture, and twins' scores of some pictures."""

    def __init__(self, share):
        super().__init__(None)
        self.share = share

    def values(self, metric, methods, name):
        self.score = lambda *which: 0.0
        values = super().values(metric, methods, name)
        corrected = 0.3 + 0.02 * values.places
        kept = values.places % 2 == 1
        shares = np.array([self.share(method) for method in methods])
        if metric == "truth_auprc":
            chance = np.full_like(corrected, 0.2)
            value = np.broadcast_to(corrected * 0.8 + 0.2, values.value.shape)
            return Values(
                name, metric, values.methods, LAYERS, value, chance, chance, SIZES, values.places, (0, 1), False
            )
        difference = (corrected * (1 - shares)[:, None, None] * np.ones((1, 5, 1)))[..., kept]
        sizes = tuple(int(part.sum()) for part in np.split(kept, np.cumsum(SIZES)[:-1]))
        nothing = np.zeros(sum(sizes))
        return Values(name, metric, values.methods, LAYERS, difference, nothing, nothing, sizes, values.places[kept], (0, 1), False)  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(("high", "low", "expected"), [(0.8, 0.1, Verdict.HOLDS), (0.2, 0.9, Verdict.FAILS)])
def test_what_is_found_on_the_twin(high, low, expected):
    claim = CLAIMS["edge_detectors"]()
    study = Twins(lambda method: high if method in edge_detectors.PICTURE else low)
    assert set(verdicts(claim, study).values()) == {expected}
    found = claim.examine(study)
    assert found["deconv"].value == pytest.approx(high, rel=1e-9)  # only if pictures are paired
    assert found["gradient"].value == pytest.approx(low, rel=1e-9)
    drawn(claim, study)


def test_a_method_that_finds_nothing_has_no_share():
    class Blind(Twins):
        def values(self, metric, methods, name):
            values = super().values(metric, methods, name)
            if metric == "truth_auprc":
                values = Values(**{**vars(values), "value": np.full_like(values.value, 0.2)})
            return values

    found = CLAIMS["edge_detectors"]().examine(Blind(lambda method: 0.5))
    assert found["deconv"] == "deconv does not find the trigger on the poisoned model either"


@pytest.fixture(scope="module")
def plan():
    methods = dict.fromkeys((*BASELINES, *FUSED, *LAYERED))
    triggers = ("square", "x", "class_pair")
    return plan_run("quick", options=Options(triggers=triggers, methods=tuple(methods)))


def stored(plan, shard_of, facts=None):
    """A study whose units are all there."""
    workspace = SimpleNamespace(read=shard_of, store=SimpleNamespace(facts=lambda kind, digest: facts))
    study = Study(plan, workspace, QUICK)
    study.has = lambda unit: True
    return study


@pytest.mark.parametrize(("best", "expected"), [(0.9, Verdict.HOLDS), (0.1, Verdict.FAILS)])
def test_boxes(plan, best, expected):
    def shard(unit):
        generator = np.random.default_rng(unit.spec["seed"])
        level = [best if method == FUSED[-1] else 0.5 for method in boxes.METHODS]
        value = np.array(level)[:, None] + generator.normal(0, 0.02, (len(level), 30))
        return SimpleNamespace(arrays={"value": value, "chance": np.full(30, 0.3)}, facts={"boxes": True})

    claim, study = CLAIMS["boxes"](), stored(plan, shard)
    assert len(claim.units(study)) == 2
    assert set(verdicts(claim, study).values()) == {expected}
    drawn(claim, study)
    found = claim.examine(study)["fusion_leads"]
    means = [np.mean([shard(unit).arrays["value"][row].mean() for unit in claim.units(study)]) for row in range(13)]
    assert found.value == pytest.approx(means[-1] - max(means[:10]))


def test_data_without_boxes_are_not_tested(plan):
    claim = CLAIMS["boxes"]()
    study = stored(plan, lambda unit: SimpleNamespace(arrays={}, facts={"boxes": False}))
    assert set(claim.examine(study).values()) == {"shapes has no boxes of objects"}


CERTIFICATE = {
    "certificate": {
        "targets": [{"target": 0, "attack_success": [100, 100], "necessity": 1.0}],
        **{name: [90, 100] for name in ("clean_accuracy", "twin_accuracy", "cross_accuracy")},
    }
}


def both_truths(same, costs=0.5):
    def shard(unit):
        generator = np.random.default_rng(unit.spec.get("seed", 0))
        methods, metric = measured_truth.METHODS, unit.spec["metric"]
        # Methods at their own layers are in the order of their numbers by the stamped truth.
        clean = np.array([[claimed(metric, LAYERED[0], place) for place in range(5)]] * len(methods))
        value = np.stack([clean, clean if same else 1 - clean])
        if metric == "class_sensitivity" and not same:
            value[1] = 0.1 + 0.1 * np.arange(5)
        number = 0.5 * np.arange(len(methods))[:, None]
        value += np.stack([number, number if same else -number])
        value = value[..., None] + generator.normal(0, 0.001, (*value.shape, 25))
        value[:, methods.index("score_cam"), :, 10:] = np.nan
        lost = np.array([[costs, 0.0, np.nan]])
        return SimpleNamespace(arrays={"value": value, "lost": lost}, facts={"layers": LAYERS})

    return shard


@pytest.mark.parametrize(("same", "expected"), [(True, Verdict.HOLDS), (False, Verdict.FAILS)])
def test_measured_truth(plan, same, expected):
    claim, study = CLAIMS["measured_truth"](), stored(plan, both_truths(same), CERTIFICATE)
    units = claim.units(study)
    assert len(units) == 6
    assert all(len(unit.inputs) == 2 + len(measured_truth.METHODS) for unit in units)
    assert set(verdicts(claim, study).values()) == {expected}
    found = claim.examine(study)
    assert found["fine_falls"].n == 50
    assert found["fine_order"].n == 20  # those that Score-CAM has, too
    drawn(claim, study)


def test_models_of_which_no_part_matters_have_no_measured_truth(plan):
    claim, study = CLAIMS["measured_truth"](), stored(plan, both_truths(True, costs=0.04), CERTIFICATE)
    assert all("costs the attack 5% of its success" in answer for answer in claim.examine(study).values())
    with paper_style():
        assert claim.draw(study, 7.0) is None
