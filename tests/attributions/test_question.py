"""Rules that ask the same share the passes, and what each would have taken alone is known."""

import pytest
import torch
from torch import nn

from peephole.attributions.base import ATTRIBUTIONS, layers_of
from peephole.attributions.graph import canonicalise
from peephole.attributions.ledger import Ledger
from peephole.attributions.methods import build
from peephole.attributions.question import Question, uses_of
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way
from peephole.errors import PeepholeError


@pytest.fixture
def canonical(residual):
    return canonicalise(residual, (3, 8, 8))


TARGET = torch.tensor([0, 1, 4])


@pytest.fixture
def counted(monkeypatch):
    """How many forward and backward passes are made."""
    counts = {"tapes": 0, "ways": 0}
    record, go = Tape.__init__, Way.go

    def counting_record(self, *args):
        counts["tapes"] += 1
        record(self, *args)

    def counting_go(self, *args):
        counts["ways"] += 1
        return go(self, *args)

    monkeypatch.setattr(Tape, "__init__", counting_record)
    monkeypatch.setattr(Way, "go", counting_go)
    return counts


def test_asking_together_gives_what_asking_alone_gives(canonical, pictures):
    question = Question(canonical, pictures, TARGET, canonical.layers)
    for name in ATTRIBUTIONS:
        method = build(name)
        layers = layers_of(method, canonical)
        together = question.maps(method, layers)
        alone = method.attribute(canonical, pictures, TARGET, layers)
        assert list(together) == list(layers)
        for layer in layers:
            assert torch.equal(together[layer], alone[layer]), (name, layer)


def test_rules_of_one_pass_share_one_forward_pass(canonical, pictures, counted):
    question = Question(canonical, pictures, TARGET, canonical.layers)
    shared = ["gradient", "input_x_gradient", "grad_cam"]
    for name in [*shared, "guided_backprop", "input_x_guided_backprop", "lrp_alpha1_beta0"]:
        question.maps(build(name))
    assert counted == {"tapes": 1, "ways": 3}
    question.maps(build("lrp_alpha1_beta0(bottom=False)"))
    question.maps(build("cascade(gradient, 0)"))
    assert counted["tapes"] == 1


def test_a_fusion_takes_the_maps_that_are_there(canonical, pictures, counted):
    question = Question(canonical, pictures, TARGET, canonical.layers)
    question.maps(build("deeplift"))
    before = dict(counted)
    question.maps(build("tif(deeplift, 0.7)"), ["input"])
    assert counted == before
    assert uses_of(build("tif(deeplift, 0.7)")) == (build("deeplift"),)


def test_forgotten_maps_are_worked_out_again(canonical, pictures, counted):
    question = Question(canonical, pictures, TARGET, canonical.layers)
    method = build("deeplift")
    first = question.maps(method)
    made = counted["tapes"]
    question.forget(method, canonical.layers)
    again = question.maps(method)
    assert counted["tapes"] > made
    assert all(torch.equal(first[layer], again[layer]) for layer in first)


def test_methods_of_others_are_called_as_they_are(canonical, pictures):
    class Foreign:
        title, source = "Foreign", "nobody"
        __hash__ = None

        def attribute(self, model, x, target, layers):
            return {layer: torch.ones(len(x), 1, *model.shapes[layer][1:]) for layer in layers}

    question = Question(canonical, pictures, TARGET, canonical.layers)
    method = Foreign()
    assert question.maps(method)["input"].sum() == 3 * 64
    assert question.seconds(method) >= 0
    assert uses_of(method) == ()


def test_the_part_above_a_layer_is_asked_like_a_whole_network(canonical, pictures):
    """What lies below a cut does not matter to any rule but those that look at the picture itself."""
    layer = canonical.layers[2]
    above = canonical.above(layer)
    with torch.no_grad():
        activation = canonical.run(pictures, until=layer)[0]
    for name in ("gradient", "guided_backprop", "lrp_alpha1_beta0", "dtd", "deeplift", "integrated_gradients"):
        found = build(name).attribute(above, activation, TARGET, [layer])[layer]
        expected = build(name).attribute(canonical, pictures, TARGET, [layer])[layer]
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6), name


def test_a_cut_that_folding_swallows_can_still_be_asked(residual, pictures):
    canonical = canonicalise(residual, (3, 8, 8))
    gone = next(name for name in canonical.cuts if isinstance(canonical.module(name), nn.Conv2d))
    for name in ("gradient", "excitation_backprop(batch_norm='identity')", "deeplift"):
        values = build(name).attribute(canonical, pictures, TARGET, [gone])[gone]
        assert values.shape[1:] == canonical.shapes[gone]
        assert values.isfinite().all()
    with pytest.raises(PeepholeError, match="name one of the layers"):
        build("lrp_alpha1_beta0").attribute(canonical, pictures, TARGET, [gone])


class TestLedger:
    def test_work_is_done_once(self):
        ledger, calls = Ledger(), []
        assert ledger.once("a", lambda: calls.append(1) or len(calls)) == 1
        assert ledger.once("a", lambda: calls.append(1) or len(calls)) == 1

    def test_time_is_booked_where_it_is_spent_and_charged_to_all_who_need_it(self, monkeypatch):
        clock = iter(range(0, 100, 1))
        monkeypatch.setattr("peephole.attributions.ledger.time.perf_counter", lambda: float(next(clock)))
        ledger = Ledger()
        shared = lambda: ledger.once("shared", lambda: "forward")  # noqa: E731
        ledger.once("one", shared)  # clock: one 0, shared 1–2, one 3
        ledger.once("two", shared)  # clock: two 4–5
        assert ledger.seconds("shared") == 1
        assert ledger.seconds("one") == 3
        assert ledger.seconds("two") == 2

    def test_what_fails_is_not_kept(self):
        ledger = Ledger()
        with pytest.raises(ZeroDivisionError):
            ledger.once("a", lambda: 1 / 0)
        assert ledger.once("a", lambda: 2) == 2

    def test_forgetting_keeps_the_bill(self):
        ledger = Ledger()
        ledger.once("a", lambda: 1)
        before = ledger.seconds("a")
        ledger.forget("a")
        assert ledger.seconds("a") == before
