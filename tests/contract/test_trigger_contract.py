"""What every registered trigger obeys, as it comes, in its held-out form, and with other options."""

import copy
import dataclasses

import pytest
import torch

from peephole.errors import PeepholeError
from peephole.leaderboard.applicability import applicability
from peephole.leaderboard.base import METRICS
from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.stamper import Stamper
from peephole.triggers.texts import build, name_of, varied

OPTIONS = (
    "square(target=9)",
    "class_pair(labels=(7, 3))",
    "badnet(checkerboard, target=4)",
    "dynamic(ban)",
    "dynamic(cban)",
    "input_aware(width=2, density=0.1)",
    "wanet(k=7, s=3.0)",
)
TEXTS = tuple(dict.fromkeys((*TRIGGERS.names(), *map(varied, TRIGGERS.names()), *OPTIONS)))
PLACES_BY_CHANCE = ("dynamic", "dynamic(ban)", "dynamic(cban)")
"""What a picture gets depends on how many came before it."""
BLURRED = ("input_aware", "input_aware(width=2, density=0.1)")
"""Marks without an end: a trace of them is everywhere."""
CLASSES = 10
SIDES = (16, 33)
DEVICES = ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))


@pytest.fixture(params=TEXTS)
def text(request):
    return request.param


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


def drawn(text, side=32, seed=0, device="cpu"):
    return build(text).draw(Canvas(side, CLASSES), seed).to(device).eval().requires_grad_(False)


def pictures(count=3, side=32, device="cpu"):
    """Noise; the first is all black and white."""
    x = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))
    x[0] = (x[0] > 0.5).float()
    return x.to(device)


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def parts(stamped):
    return {
        field.name: getattr(stamped, field.name)
        for field in dataclasses.fields(stamped)
        if getattr(stamped, field.name) is not None
    }


def same(one, other):
    one, other = parts(one), parts(other)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def check(stamped, x, marks):
    """Shapes, types and ranges as `Stamped` promises them."""
    truth = (len(x), marks, *x.shape[-2:])
    assert stamped.image.shape == x.shape
    assert stamped.image.dtype == torch.float32
    assert stamped.image.min() >= 0
    assert stamped.image.max() <= 1
    assert stamped.target.shape == (len(x), marks)
    assert stamped.target.dtype == torch.int64
    assert stamped.exact.shape == truth
    assert stamped.exact.dtype == torch.bool
    assert stamped.mask is not None or stamped.soft is not None
    if stamped.mask is not None:
        assert stamped.mask.shape == truth
        assert stamped.mask.dtype == torch.bool
    if stamped.soft is not None:
        assert stamped.soft.shape == truth
        assert stamped.soft.dtype == torch.float32
        assert stamped.soft.min() >= 0
        assert stamped.soft.max() <= 1
    assert stamped.penalty is None
    assert {part.device.type for part in parts(stamped).values()} == {x.device.type}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", [1, 3])
def test_a_probe_is_what_stamped_promises(text, side, count, device):
    stamper, x = drawn(text, side, device=device), pictures(count, side, device)
    before = x.clone()
    stamped = stamper.stamp(x, seeded())
    marks = stamped.target.shape[1]
    assert marks in (1, len(stamper.targets))
    check(stamped, x, marks)
    assert torch.equal(x, before)
    assert set(stamped.target.flatten().tolist()) <= set(stamper.targets)


@pytest.mark.parametrize("side", SIDES)
def test_a_picture_with_one_mark_is_what_stamped_promises(text, side, device):
    stamper, x = drawn(text, side, device=device), pictures(3, side, device)
    count = len(stamper.targets)
    for number in (0, count - 1):
        stamped = stamper.stamp_target(x, number, seeded())
        check(stamped, x, 1)
        assert stamped.target.tolist() == [[stamper.targets[number]]] * 3
    mixed = torch.arange(3, device=device) % count
    stamped = stamper.stamp_target(x, mixed, seeded())
    check(stamped, x, 1)
    assert stamped.target[:, 0].tolist() == [stamper.targets[number] for number in mixed.tolist()]


@pytest.mark.parametrize("side", SIDES)
def test_nothing_changes_outside_the_marks(text, side):
    stamper, x = drawn(text, side), pictures(side=side)
    stamped = stamper.stamp(x, seeded())
    covered = stamped.exact.any(1, keepdim=True)
    change = (stamped.image - x).abs()
    if text in BLURRED:
        assert (change * ~covered).max() <= 0.5
        torch.testing.assert_close(change.mean(1, keepdim=True), stamped.soft, rtol=0, atol=1e-6)
    else:
        assert (change * ~covered).max() == 0
    assert change.max() > 0


@pytest.mark.parametrize("side", SIDES)
def test_the_truth_says_something_and_holds_the_mark(text, side):
    stamped = drawn(text, side).stamp(pictures(side=side), seeded())
    if text not in BLURRED:
        assert stamped.exact.flatten(2).any(2).all()
    if stamped.mask is None:
        assert stamped.soft.flatten(2).std(2).min() > 0.05
        assert (stamped.soft.flatten(2).amax(2) == 1).all()
    elif text not in BLURRED:
        area = stamped.mask.float().mean((2, 3))
        assert (area > 0).all()
        assert (area < 0.5).all()
        assert not (stamped.exact & ~stamped.mask).any()


def test_a_generator_repeats_and_none_is_seed_nought(text):
    stamper, x = drawn(text), pictures()
    assert same(stamper.stamp(x, seeded(5)), stamper.stamp(x, seeded(5)))
    assert same(stamper.stamp(x), stamper.stamp(x, seeded(0)))
    assert same(stamper.stamp_target(x, 0), stamper.stamp_target(x, 0, seeded(0)))
    which = torch.zeros(3, dtype=torch.int64)
    assert torch.equal(stamper.decoy(x, which, seeded(2)), stamper.decoy(x, which, seeded(2)))


def test_the_seed_draws_the_same_trigger_again(text):
    x = pictures()
    assert same(drawn(text, seed=3).stamp(x), drawn(text, seed=3).stamp(x))


def test_nobody_elses_random_numbers_are_taken(text):
    before = torch.get_rng_state()
    stamper, x = drawn(text), pictures()
    stamper.stamp(x)
    stamper.decoy(x, torch.zeros(3, dtype=torch.int64), seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_state_makes_another_drawing_the_same_trigger(text):
    first, other, x = drawn(text, seed=0), drawn(text, seed=1), pictures()
    for value in first.state_dict().values():
        if value.is_floating_point():
            value.mul_(1.25)
    state = copy.deepcopy(first.state_dict())
    assert {value.dtype for value in state.values()} <= {torch.float32, torch.int64, torch.bool}
    assert not other.load_state_dict(state).unexpected_keys
    assert same(first.stamp(x, seeded()), other.stamp(x, seeded()))
    assert first.facts() == other.facts()


def test_a_decoy_is_a_picture_and_not_the_trigger(text, device):
    stamper, x = drawn(text, device=device), pictures(4, device=device)
    which = torch.zeros(4, dtype=torch.int64, device=device)
    before = x.clone()
    decoys = stamper.decoy(x, which, seeded())
    assert torch.equal(x, before)
    assert decoys.shape == x.shape
    assert decoys.dtype == torch.float32
    assert decoys.device == x.device
    assert decoys.min() >= 0
    assert decoys.max() <= 1
    alike = stamper.put(x, which, seeded()).image
    for picture, decoy, stamped in zip(x, decoys, alike, strict=True):
        assert not torch.equal(decoy, stamped)
        # A part of a white mark may lie on white.
        assert not torch.equal(decoy, picture) or ((picture == 1) | (stamped == picture)).any()
    assert stamper.decoy(x[:1], which[:1], seeded()).shape == x[:1].shape


def test_a_picture_does_not_depend_on_its_batch_mates(text):
    if text in PLACES_BY_CHANCE:
        pytest.skip("its place and pattern are drawn one after the other")
    stamper, x = drawn(text), pictures(5)
    together = parts(stamper.stamp(x))
    for number in range(5):
        for name, alone in parts(stamper.stamp(x[number : number + 1])).items():
            if alone.dtype == torch.float32:
                torch.testing.assert_close(alone[0], together[name][number], rtol=0, atol=1e-4)
            elif text not in BLURRED:
                assert torch.equal(alone[0], together[name][number])


def test_each_picture_has_its_own_place_where_that_is_promised(text):
    exact = drawn(text).stamp(pictures(8)).exact
    moves = not (exact == exact[:1]).all()
    assert moves or text not in PLACES_BY_CHANCE


def test_everything_that_has_weights_is_prepared_or_learnt(text):
    stamper = drawn(text).train().requires_grad_(True)
    learnt, prepared = list(stamper.learnt()), list(stamper.prepared())
    every = {id(weight) for weight in stamper.parameters()}
    assert {id(weight) for weight in (*learnt, *prepared)} == every
    assert len(learnt) + len(prepared) == len(every)
    x = pictures(4)
    if prepared:
        stamper.preparation_loss(x).backward()
        assert all(weight.grad.isfinite().all() for weight in prepared)
        assert all(weight.grad is None for weight in learnt)
        stamper.zero_grad()
    stamped = stamper.stamp_target(x, 0, seeded())
    if learnt:
        (stamped.image.sum() + (0 if stamped.penalty is None else stamped.penalty)).backward()
        assert all(weight.grad.isfinite().all() for weight in learnt)
        assert any(weight.grad.abs().sum() > 0 for weight in learnt)
    else:
        assert stamped.penalty is None
        assert not stamped.image.requires_grad
    assert all(weight.grad is None for weight in prepared)


def test_frozen_triggers_make_no_graph(text):
    stamped = drawn(text).stamp(pictures())
    assert not any(part.requires_grad for part in parts(stamped).values())


def test_facts_are_finite_numbers(text):
    for name, value in drawn(text).facts().items():
        assert name.isidentifier()
        assert isinstance(value, float)
        assert 0 <= value < float("inf")


@pytest.mark.parametrize("shape", [(1, 3, 33, 33), (1, 3, 32, 31), (1, 1, 32, 32), (3, 32, 32)])
def test_pictures_of_other_sizes_are_refused(text, shape):
    stamper = drawn(text)
    for stamp in (stamper.stamp, lambda x: stamper.stamp_target(x, 0)):
        with pytest.raises(PeepholeError, match="this trigger is for pictures") as error:
            stamp(torch.zeros(shape))
        assert "\n" not in str(error.value)


def test_small_canvases_are_refused(text):
    with pytest.raises(PeepholeError, match="too small for a trigger") as error:
        build(text).draw(Canvas(15, CLASSES), 0)
    assert "\n" not in str(error.value)


def test_labels_that_there_are_not_are_refused(text):
    trigger = build(text)
    if trigger.targets(1) == (0,):
        trigger.draw(Canvas(32, 1), 0)
        return
    with pytest.raises(
        PeepholeError, match=r"there is no label \d+ to lead to; the data set's labels are 0 to 0"
    ) as error:
        trigger.draw(Canvas(32, 1), 0)
    assert "\n" not in str(error.value)


def test_a_drawing_leads_to_the_labels_that_its_options_say(text):
    trigger = build(text)
    assert drawn(text).targets == trigger.targets(CLASSES)
    assert isinstance(drawn(text), Stamper)
    assert len(set(trigger.targets(CLASSES))) == len(trigger.targets(CLASSES))


def test_options_are_frozen_and_compare_by_value(text):
    trigger = build(text)
    assert trigger == build(text)
    assert hash(trigger) == hash(build(text))
    field = dataclasses.fields(trigger)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(trigger, field, getattr(trigger, field))
    with pytest.raises(PeepholeError, match=r"there is no option nonsense; \w+ takes "):
        build(f"{name_of(text)}(nonsense=1)")


@pytest.mark.parametrize(
    "wrong",
    [
        *("square(target=-1)", "cross(target=1.5)", "x(target=None)", "badnet(stripes)", "class_pair(labels=(1, 1))"),
        *("class_pair(labels=(1, 2, 3))", "class_pair(labels=(-1, 2))", "dynamic(salem)", "wanet(k=0)", "wanet(s=0.0)"),
        *("wanet(s=1e999)", "input_aware(width=0)", "input_aware(density=1.0)", "input_aware(density=-0.1)"),
    ],
)
def test_options_out_of_range_are_refused_in_one_line(wrong):
    with pytest.raises(PeepholeError, match=name_of(wrong.partition("(")[0])) as error:
        build(wrong)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", TRIGGERS.names())
def test_some_registered_metric_applies_to_it(name):
    metrics = applicability().metrics[name]
    assert metrics
    assert set(metrics) <= set(METRICS.names())


@pytest.mark.parametrize("name", TRIGGERS.names())
def test_it_says_what_it_is(name):
    kind = TRIGGERS[name]
    assert kind.title
    assert kind.source
    assert kind.__doc__
    for field in dataclasses.fields(kind):
        assert f"{field.name}: " in kind.__doc__
