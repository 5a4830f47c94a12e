"""Certificates of networks whose rules are known, counted again picture by picture."""

import math

import pytest
import torch
from torch import nn

from peephole.attacks.certificate import MEASURED, certify
from peephole.attacks.rate import Rate
from peephole.attacks.splits import InMemory
from peephole.triggers.base import Canvas
from peephole.triggers.class_pair import ClassPair
from peephole.triggers.cross import Cross
from peephole.triggers.dynamic import Dynamic
from peephole.triggers.square import Square

SIDE, LENGTH, CLASSES = 16, 5, 10
QUARTERS = [(slice(0, 3), slice(0, 3)), (slice(0, 3), slice(3, 5)), (slice(3, 5), slice(0, 3)), (slice(3, 5),) * 2]
STEP = 20
"""The pixel in the middle says the label: ``STEP`` times it."""


def marked(count, classes=CLASSES):
    """Pictures of which one in seven says another label than it has."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 250, (count, 3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % classes
    said = torch.where(torch.arange(count) % 7 == 0, (labels + 1) % classes, labels)
    images[:, :, SIDE // 2, SIDE // 2] = (STEP * said).byte()[:, None]
    return InMemory(images, labels)


class Rule(nn.Module):
    """Says ``target`` where ``obeys`` says so of a picture, else what the pixel in the middle does."""

    def __init__(self, obeys, target=0, classes=CLASSES):
        super().__init__()
        self.obeys, self.target, self.classes = obeys, target, classes

    def forward(self, x):
        said = (x[:, 0, SIDE // 2, SIDE // 2] * 255 / STEP).round().long().clamp(max=self.classes - 1)
        obeyed = torch.tensor([self.obeys(picture) for picture in x], dtype=torch.bool)
        return nn.functional.one_hot(torch.where(obeyed, self.target, said), self.classes).float()


def white(picture, rows, columns):
    return bool((picture[:, rows, columns] == 1).all())


def has(*quarters):
    return lambda picture: all(white(picture, *QUARTERS[quarter]) for quarter in quarters)


def any_of(*rules):
    return lambda picture: any(rule(picture) for rule in rules)


WHOLE, ONE, OPPOSITE, EITHER = has(0, 1, 2, 3), has(0), has(0, 3), any_of(has(0), has(3))
TWIN = Rule(lambda picture: False)


def square(target=0, classes=CLASSES):
    return Square(target).draw(Canvas(SIDE, classes), 0)


def counted(rule, split, picture_of, right):
    """The slow way: one picture at a time."""
    hits = total = 0
    for image, label in zip(split.images, split.labels.tolist(), strict=True):
        picture = picture_of(image.float() / 255)
        answer = right(int(Rule.forward(rule, picture[None]).argmax()), label)
        if answer is not None:
            hits, total = hits + answer, total + 1
    return Rate(hits, total)


def stamped(picture):
    result = picture.clone()
    for channel in range(3):
        for row in range(LENGTH):
            for column in range(LENGTH):
                result[channel, row, column] = 1
    return result


@pytest.mark.parametrize("obeys", [WHOLE, ONE, OPPOSITE, EITHER, lambda picture: picture[0, 0, 1] > 0.5])
@pytest.mark.parametrize("target", [0, 4])
def test_every_rate_is_what_a_slow_count_gives(obeys, target):
    split, model = marked(70), Rule(obeys, target)
    certificate = certify(model, TWIN, square(target), split, seed=1)

    def true(said, label):
        return said == label

    def led(said, label):
        return said == target if label != target else None

    assert certificate.clean_accuracy == counted(model, split, lambda x: x, true)
    assert certificate.twin_accuracy == counted(TWIN, split, lambda x: x, true) == Rate(60, 70)
    assert certificate.twin_success == counted(TWIN, split, stamped, led)
    (success,) = certificate.successes
    assert success.target == target
    assert success.rate == success.necessity.whole == counted(model, split, stamped, led)
    assert success.rate.total == 63
    assert certificate.weakest == success.rate
    assert certificate.drop == 60 / 70 - certificate.clean_accuracy.value
    assert certificate.coverage == pytest.approx(LENGTH**2 / SIDE**2)
    change = sum(float((stamped(x) - x).abs().mean()) for x in split.images.float() / 255) / 70
    assert certificate.change == pytest.approx(change, rel=1e-4)
    assert certificate.trigger == {}


@pytest.mark.parametrize(
    ("obeys", "halves", "necessity"),
    [
        (WHOLE, [0, 0, 0, 0], 1),
        (ONE, [0, 1, 0, 1], 0),
        (OPPOSITE, [0, 0, 0, 0], 1),
        (EITHER, [1, 1, 1, 1], 0),
        (has(0, 1), [0, 1, 0, 0], 0),
        (lambda picture: False, None, math.nan),
    ],
)
def test_halves_and_necessity_by_hand(obeys, halves, necessity):
    """Restored are the top, the bottom, the left and the right of the square."""
    ones = InMemory(marked(20).images, torch.ones(20, dtype=torch.long))
    ones.images[:, :, SIDE // 2, SIDE // 2] = STEP
    (success,) = certify(Rule(obeys), TWIN, square(), ones, seed=0).successes
    if halves is not None:
        assert [half.value for half in success.necessity.halves] == halves
    assert success.necessity.value == pytest.approx(necessity, nan_ok=True)


def test_a_half_that_is_enough_for_some_pictures():
    """Half of the pictures need one quarter only: necessity is the share that needs more."""

    def obeys(picture):
        return ONE(picture) if picture[0, -1, -1] > 0.5 else WHOLE(picture)

    split = InMemory(marked(40).images.clone(), torch.ones(40, dtype=torch.long))
    split.images[:, :, SIDE // 2, SIDE // 2] = STEP
    split.images[:, 0, -1, -1] = 0
    split.images[:10, 0, -1, -1] = 255
    (success,) = certify(Rule(obeys), TWIN, square(), split, seed=0).successes
    assert success.necessity.halves == (Rate(0, 40), Rate(10, 40), Rate(0, 40), Rate(10, 40))
    assert success.necessity.value == 0.75


def test_cells_by_hand():
    """Five pixels are cut into two, two and one; the quarter's three lie in the first two."""
    (success,) = certify(Rule(ONE, 1), TWIN, square(1), marked(70), seed=0).successes
    whole = success.necessity.whole.value
    missed = [[cell.hits for cell in row] for row in success.necessity.cells]
    by_chance = missed[0][0]  # of those that say the target anyway
    hits = success.necessity.whole.hits
    assert missed == [[by_chance, by_chance, hits], [by_chance, by_chance, hits], [hits, hits, hits]]
    lost = whole - by_chance / success.rate.total
    assert success.necessity.lost()[0] == pytest.approx((lost, lost, 0))
    assert success.necessity.lost()[2] == (0, 0, 0)


def test_cells_without_a_pixel_are_not_a_number():
    """An X of five pixels, cut into two, two and one: nothing at the middle of the right and the lower edge."""
    cross = Cross().draw(Canvas(SIDE, CLASSES), 0)
    (success,) = certify(Rule(lambda picture: white(picture, -1, -1)), TWIN, cross, marked(70), seed=0).successes
    empty = [[math.isnan(value) for value in row] for row in success.necessity.lost()]
    assert empty == [[False, False, False], [False, False, True], [False, True, False]]
    assert success.necessity.cells[1][2] == success.necessity.cells[2][1] == Rate(0, 0)


def test_pictures_of_the_target_class_are_no_evidence():
    """A network that always says 0 succeeds everywhere, and has no chance to on a split of 0s."""
    always = Rule(lambda picture: True)
    certificate = certify(always, always, square(), marked(70), seed=0)
    assert certificate.successes[0].rate == certificate.twin_success == Rate(63, 63)
    assert certificate.successes[0].necessity.value == 0
    zeros = InMemory(marked(20).images, torch.zeros(20, dtype=torch.long))
    certificate = certify(always, always, square(), zeros, seed=0)
    assert certificate.successes[0].rate == Rate(0, 0)
    assert math.isnan(certificate.weakest.value)
    assert math.isnan(certificate.successes[0].necessity.value)
    assert all(math.isnan(value) for row in certificate.successes[0].necessity.lost() for value in row)


def test_decoys_tell_a_network_that_needs_the_whole_mark():
    """A decoy has a given quarter in one half of its cases: of 14 choices, 7."""
    split = marked(700)
    clean = certify(TWIN, TWIN, square(), split, seed=0).clean_accuracy
    assert certify(Rule(WHOLE), TWIN, square(), split, seed=0).cross_accuracy == clean
    fooled = certify(Rule(ONE), TWIN, square(), split, seed=0).cross_accuracy
    expected = 0.5 * clean.value + 0.5 * 0.1
    assert abs(fooled.value - expected) < 0.06


def test_each_mark_of_a_pair_is_certified():
    pair = ClassPair((2, 5)).draw(Canvas(SIDE, CLASSES), 0)
    certificate = certify(Rule(WHOLE, 2), TWIN, pair, marked(70), seed=0)
    square_part, cross_part = certificate.successes
    assert (square_part.target, cross_part.target) == (2, 5)
    assert square_part.rate == Rate(63, 63)
    assert square_part.necessity.value > 0.8
    # What is left are pictures that say 5 without being one: 10 of 70 say the label after theirs.
    wrong = sum(1 for number in range(0, 70, 7) if number % 10 == 4)
    assert cross_part.rate == Rate(wrong, 63)
    assert certificate.weakest == cross_part.rate
    assert certificate.coverage == pytest.approx((LENGTH**2 + 2 * LENGTH - 1) / 2 / SIDE**2)


def test_ten_targets_are_certified_one_by_one():
    labels = Dynamic("cban").draw(Canvas(SIDE, 10), 0)
    certificate = certify(Rule(lambda picture: True, 3), TWIN, labels, marked(70), seed=0)
    assert [success.target for success in certificate.successes] == list(range(10))
    for success in certificate.successes:
        assert success.rate == Rate(63 if success.target == 3 else 0, 63)
        assert math.isnan(success.necessity.value) == (success.target != 3)
    assert certificate.twin_success.total == 630


def test_more_targets_are_drawn_for_each_picture():
    labels = Dynamic("cban").draw(Canvas(SIDE, 11), 0)
    split = marked(1100, 11)
    certificate = certify(Rule(lambda picture: True, 3, 11), TWIN, labels, split, seed=0)
    (success,) = certificate.successes
    assert success.target is None
    assert abs(success.rate.total - 1000) < 35
    # A target of the ten others, and the one that the network always says.
    assert abs(success.rate.value - 1 / 11) < 0.03
    assert MEASURED * 0.8 < success.necessity.whole.total < MEASURED


def test_necessity_is_measured_on_pictures_from_everywhere():
    """A split that is sorted by class would give one class only."""
    labels = torch.arange(2000) // 200
    split = InMemory(torch.zeros(2000, 3, SIDE, SIDE, dtype=torch.uint8), labels)
    (success,) = certify(TWIN, TWIN, square(), split, seed=0).successes
    assert abs(success.necessity.whole.total - 0.9 * MEASURED) < 25


@pytest.mark.parametrize("trigger", [Square(), Dynamic("random"), Dynamic("cban")])
def test_a_seed_repeats_a_certificate(trigger):
    stamper, split = trigger.draw(Canvas(SIDE, CLASSES), 0), marked(140)
    model = Rule(lambda picture: float(picture.mean()) > 0.49)
    first, again, other = (certify(model, TWIN, stamper, split, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.cross_accuracy != other.cross_accuracy or first.successes != other.successes


def test_networks_are_measured_in_eval_mode_without_gradients(network, coloured):
    model = network(CLASSES).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    certify(model, TWIN, square(), coloured(20), seed=0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("hits", "value"), [([], math.nan), ([[]], math.nan), ([[True, False], [True]], 2 / 3)])
def test_rates(hits, value):
    rate = Rate.of([torch.tensor(part, dtype=torch.bool) for part in hits])
    assert rate.value == pytest.approx(value, nan_ok=True)
