"""The pictures of a report, against slow re-derivations from the store."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import peephole
from peephole.machine import Machine
from peephole.outline import borders, svg_path
from peephole.probe_tiles import probe_tiles
from peephole.report.colour_scale import COLOURS, LIMIT, colour_numbers, fractions, palette, ticks
from peephole.report.galleries import SCALE, draw_galleries
from peephole.report.map_sheets import in_times_mean
from peephole.report.shown import picture_side, questions_of, reduced, tile_side
from peephole.runner import plan_run
from peephole.store.store import Store
from peephole.workspace import Workspace

SIDE = 20


@pytest.fixture
def drawn(plan, workspace, available, tmp_path):
    galleries, missing = draw_galleries(plan, workspace, available, tmp_path)
    assert missing == ()
    return {gallery.trigger: gallery for gallery in galleries}, tmp_path


def numbers_of(path):
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def test_there_is_a_gallery_a_trigger_with_a_sheet_a_method(drawn, plan):
    galleries, _ = drawn
    assert list(galleries) == ["square", "class_pair"]
    for gallery in galleries.values():
        assert list(gallery.sheets) == list(dict.fromkeys(row.method for row in plan.rows))
        assert gallery.layers == ("input", "stem", "layer1.0", "layer2.0", "layer3.0")
        assert (gallery.side, gallery.seed, len(gallery.pictures)) == (SIDE, 0, 4)


def test_pictures_are_the_first_reported_and_all_targets_are_asked_for(drawn, plan, workspace):
    galleries, _ = drawn
    for backdoor in plan.first:
        probes = workspace.read(backdoor.probes).arrays
        reported = np.flatnonzero(~probes["selection"])
        shown = [(picture.place, picture.target) for picture in galleries[backdoor.trigger].pictures]
        count = 4 // probes["target"].shape[1]
        assert shown == [(place, target) for place in reported[:count] for target in probes["target"][place]]


def test_costly_methods_show_fewer_of_the_same_pictures(drawn):
    galleries, _ = drawn
    # An eighth of 8 pictures is less than two, of which there are always as many.
    assert galleries["square"].sheets["score_cam"].questions == (0, 1)
    assert galleries["square"].sheets["gradient"].questions == (0, 1, 2, 3)


@pytest.mark.parametrize("trigger", ["square", "class_pair"])
@pytest.mark.parametrize("method", ["gradient", "score_cam", "oracle"])
def test_a_tile_is_the_map_in_times_its_mean_magnitude(drawn, plan, workspace, trigger, method):
    galleries, folder = drawn
    gallery = galleries[trigger]
    sheet = gallery.sheets[method]
    row = next(row for row in plan.rows if (row.method, row.backdoor.trigger, row.need) == (method, trigger, "maps"))
    maps = workspace.read(row.maps).group("maps")
    scores = workspace.read(row.scores)
    targets = workspace.read(row.backdoor.probes).arrays["target"]
    there = row.covered(workspace.read(row.backdoor.probes).arrays["selection"]).tolist()
    assert sheet.layers == tuple(maps)
    file = numbers_of(folder / sheet.file)
    assert file.shape == (SIDE * len(sheet.questions), SIDE * len(sheet.layers))
    for line, number in enumerate(sheet.questions):
        picture = gallery.pictures[number]
        which = targets[picture.place].tolist().index(picture.target)
        place = there.index(picture.place)
        for column, layer in enumerate(sheet.layers):
            one = torch.from_numpy(maps[layer][place, which]).double().sum(dim=0)
            large = one
            if one.shape != (SIDE, SIDE):
                large = torch.nn.functional.interpolate(one[None, None], (SIDE, SIDE), mode="bilinear")[0, 0]
            tile = file[SIDE * line : SIDE * (line + 1), SIDE * column : SIDE * (column + 1)]
            mean = large.abs().mean().item()
            for y, x in ((0, 0), (3, 4), (17, 19), (19, 12)):
                times = large[y, x].item() / mean if mean else 0.0
                share = 0.5 + math.asinh(min(LIMIT, max(-LIMIT, times))) / 2 / math.asinh(LIMIT)
                assert abs(int(tile[y, x]) - (COLOURS - 1) * share) <= 0.5 + 1e-6
            value, valid = (scores.arrays[name][0, column, place] for name in ("value", "valid"))
            assert sheet.values[line][column] == (value if valid else None)
    assert gallery.metric == row.metrics[0]


def test_probe_pictures_are_what_was_stamped(drawn, plan, workspace):
    galleries, folder = drawn
    for backdoor in plan.first:
        probes = workspace.read(backdoor.probes).arrays
        for picture in galleries[backdoor.trigger].pictures:
            which = probes["target"][picture.place].tolist().index(picture.target)
            clean, image = (probes[name][picture.place] for name in ("clean", "image"))
            for file, expected in ((picture.clean, clean), (picture.stamped, image)):
                with Image.open(folder / file) as found:
                    assert np.abs(np.asarray(found) - 255 * expected.transpose(1, 2, 0)).max() <= 0.5 + 1e-4
            assert picture.change_max == pytest.approx(np.abs(image - clean).mean(axis=0).max())
            assert 0 <= picture.lost_max <= 1
            assert picture.outline == svg_path(probes["mask"][picture.place, which])
            assert picture.outline
            with Image.open(folder / picture.truth) as found:
                bright = np.asarray(found).sum(axis=2) > 300
            assert (bright == probes["mask"][picture.place, which]).all()


def test_a_graded_truth_has_no_mask_and_every_part_its_own_loss():
    clean = np.full((3, 4, 4), 0.5, np.float32)
    image = clean.copy()
    image[0, 1, :2] += 0.3
    exact = np.zeros((1, 4, 4), np.bool_)
    exact[0, 1:3, 1:3] = True
    soft = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 4, 4)
    counted = [[[9, 10], [4, 10]], [[0, 10], [0, 0]]]
    certificate = {"targets": [{"target": None, "whole": [8, 10], "cells": counted}]}
    probe = {"clean": clean, "image": image, "exact": exact, "soft": soft, "target": np.array([3])}
    tiles = probe_tiles(probe, certificate)
    assert not tiles.mask.any()
    assert (tiles.truth == soft[0]).all()
    assert tiles.change.max() == pytest.approx(0.1)
    # The whole mark succeeds at 80 %: a part without which more does is no loss, nor one of which nothing is known.
    np.testing.assert_allclose(tiles.lost[1:3, 1:3], [[0, 0.4], [0.8, 0]], atol=1e-12)
    assert tiles.lost.sum() == pytest.approx(1.2)


def test_what_is_current_is_left_alone_and_what_is_not_is_drawn_again(drawn, plan, workspace, available):
    galleries, folder = drawn
    files = sorted(folder.rglob("*.png"))
    assert len(files) == 1 + 2 * (4 * 5 + len(galleries["square"].sheets))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
    sheet = folder / galleries["square"].sheets["gradient"].file
    sheet.write_bytes(b"no picture")
    again, _ = draw_galleries(plan, workspace, available, folder)
    assert {gallery.trigger: gallery for gallery in again} == galleries
    assert sorted(folder.rglob("*.png")) == files
    for path in files:
        assert path.read_bytes() == before[path][1]
        assert (path.stat().st_mtime_ns == before[path][0]) == (path != sheet)


def test_missing_units_are_told_of(plan, workspace, available, tmp_path):
    gone = next(row.maps.digest for row in plan.rows if row.method == "grad_cam")
    galleries, missing = draw_galleries(plan, workspace, available - {gone}, tmp_path)
    assert missing == ("There are no maps on square, seed 0 of grad_cam; do the run once more.",)
    assert "grad_cam" not in galleries[0].sheets
    assert "grad_cam" in galleries[1].sheets
    galleries, missing = draw_galleries(plan, workspace, available - {plan.first[1].probes.digest}, tmp_path)
    assert [gallery.trigger for gallery in galleries] == ["square"]
    assert missing == (
        "There are no pictures of class_pair, seed 0: its maps are not in the store; do the run once more.",
    )


@given(st.lists(st.floats(-1e300, 1e300), min_size=4, max_size=4), st.floats(1e-3, 1e3))
def test_colours_know_no_unit_and_keep_signs(values, unit):
    relevance = np.array(values).reshape(1, 2, 2)
    colours = colour_numbers(in_times_mean(relevance)).astype(int)
    scaled = colour_numbers(in_times_mean(relevance / unit)).astype(int)
    assert np.abs(colours - scaled).max() <= 1  # rounding
    opposite = colour_numbers(in_times_mean(-relevance)).astype(int)
    assert (colours + opposite == COLOURS - 1).all()
    assert (np.sign(colours - COLOURS // 2) * np.sign(relevance) >= 0).all()


def test_zero_is_the_middle_and_nearly_white_and_red_speaks_for_the_label():
    assert colour_numbers(in_times_mean(np.zeros((2, 3, 3)))).tolist() == [[[127] * 3] * 3] * 2
    colours = np.array(palette()).reshape(-1, 3)
    assert len(colours) == COLOURS
    assert colours[127].min() > 215
    assert colours[200, 0] > colours[200, 2]
    assert colours[54, 0] < colours[54, 2]
    assert colours[[0, -1]].max() < 110  # the ends are dark: the map is told apart in grey, too


def test_ticks_lie_where_their_values_do(tmp_path, drawn):
    _, folder = drawn
    bar = numbers_of(folder / SCALE)
    assert bar.shape[1] == COLOURS
    for place, text in ticks():
        value = float(text.replace("−", "-"))
        assert place == fractions(np.array(value))
        assert bar[0, round(place * (COLOURS - 1))] == colour_numbers(np.array(value))
    assert [place for place, _ in ticks()] == sorted(place for place, _ in ticks())
    assert (ticks()[0], ticks()[4], ticks()[-1]) == ((0.0, "−30"), (0.5, "0"), (1.0, "30"))


def test_large_pictures_are_averaged():
    assert [tile_side(side) for side in (9, 32, 96, 224)] == [9, 32, 96, 96]
    assert [picture_side(side) for side in (9, 32, 96, 100, 224)] == [9, 32, 96, 96, 192]
    values = np.random.default_rng(0).random((2, 3, 192, 192))
    expected = values.reshape(2, 3, 96, 2, 96, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(reduced(values, 96), expected)
    assert reduced(values, 192) is values


def test_questions_are_of_reported_pictures():
    selection = np.array([True, False, True, False, False])
    one = questions_of(selection, np.array([[7], [1], [7], [2], [3]]))
    assert [(question.place, question.which, question.label) for question in one] == [(1, 0, 1), (3, 0, 2), (4, 0, 3)]
    two = questions_of(selection, np.tile([0, 1], (5, 1)))
    assert [(question.place, question.label) for question in two] == [(1, 0), (1, 1), (3, 0), (3, 1)]


@given(st.integers(0, 2**20 - 1))
def test_outlines_part_what_is_in_from_what_is_not(bits):
    mask = np.array([bits >> place & 1 for place in range(20)], dtype=np.bool_).reshape(4, 5)
    found = set()
    for (x0, y0), (x1, y1) in borders(mask):
        assert (x0 == x1) != (y0 == y1)
        for step in range(int(x1 - x0 + y1 - y0)):
            edge = (x0 + step, y0, 0) if y0 == y1 else (x0, y0 + step, 1)
            assert edge not in found
            found.add(edge)
    padded = np.pad(mask, 1)
    expected = {(x, y, 0) for y in range(5) for x in range(5) if padded[y, x + 1] != padded[y + 1, x + 1]}
    expected |= {(x, y, 1) for y in range(4) for x in range(6) if padded[y + 1, x] != padded[y + 1, x + 1]}
    assert found == expected
    assert (svg_path(mask) == "") == (not mask.any())


def test_an_outline_is_short():
    mask = np.zeros((9, 9), np.bool_)
    mask[2:5, 3:7] = True
    assert svg_path(mask) == "M3 2L7 2M3 5L7 5M3 2L3 5M7 2L7 5"


def test_where_a_metric_was_asked_about_fewer_pictures_the_other_maps_have_no_number(options, finished, tmp_path):
    options = replace(options, triggers=("square",), methods=("gradient",), metrics=("restore",))
    folder = shutil.copytree(finished, tmp_path / "restore")
    result = peephole.run("quick", out=folder, options=options, machine=Machine("cpu"), report=False)
    assert not result.outcome.failed
    plan = plan_run("quick", options=options)
    store = Workspace(Store(folder / "store"), Machine("cpu"))
    ((gallery,), missing) = draw_galleries(plan, store, {unit.digest for unit in plan.units}, tmp_path / "site")
    assert missing == ()
    assert gallery.metric == "restore"
    values = gallery.sheets["gradient"].values
    assert [[value is None for value in line] for line in values] == [[False] * 5] * 2 + [[True] * 5] * 2
