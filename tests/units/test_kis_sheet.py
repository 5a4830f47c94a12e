"""The picture of KIS."""

import math
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from peephole import kis_sheet
from peephole.kis_sheet import draw_kis
from peephole.leaderboard.kis_study import CLEAN_MODEL, Sample, correctness_table, kis_table


def sample(model, pictures, at=0.5, n=60, seed=0):
    rng = np.random.default_rng(seed)
    values = np.minimum(rng.normal(at, 0.2, (3, n)), 1)
    success = rng.random(n) < 0.9 if pictures == "poisoned" else None
    return Sample(model, pictures, seed, values, rng.random(n) < 0.8, success)


@cache
def tables(samples):
    return kis_table(samples), correctness_table(samples)


def draw(samples, path, key="k"):
    return draw_kis(samples, *tables(tuple(samples)), path, key)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Nobody looks at these pictures."""
    monkeypatch.setattr(kis_sheet, "DOTS", 30)


@pytest.fixture
def panels(monkeypatch):
    """What each panel says, as it is drawn."""
    found = []
    original = kis_sheet._frame

    def kept(axes, edges, title, measures):
        original(axes, edges, title, measures)
        found.append(axes)

    monkeypatch.setattr(kis_sheet, "_frame", kept)
    return found


SAMPLES = (
    sample(CLEAN_MODEL, "clean"),
    *(
        sample(model, kind, at)
        for model, at in (("badnet", 0.6), ("wanet(s=6.0)", -0.7))
        for kind in ("clean", "poisoned")
    ),
)


def test_there_is_a_panel_for_each_variant_and_each_attack(tmp_path, panels):
    assert draw(SAMPLES, tmp_path / "kis.png") == [tmp_path / "kis.png"]
    titles = [axes.get_title() for axes in panels]
    assert len(titles) == 5
    assert titles[0].startswith("KIS")
    assert titles[3].startswith("backdoor badnet\nclean: ")
    assert titles[4].startswith("backdoor wanet(s=6.0)\n")
    with Image.open(tmp_path / "kis.png") as image:
        assert np.asarray(image.convert("RGB")).std() > 0


def test_bars_are_the_shares_of_the_pictures(tmp_path, panels):
    draw(SAMPLES, tmp_path / "kis.png")
    (clean, poisoned) = panels[4].patches[:2]
    values, edges, _ = poisoned.get_data()
    (one,) = [each for each in SAMPLES if (each.model, each.pictures) == ("wanet(s=6.0)", "poisoned")]
    s = one.values[0][one.success]
    assert values.sum() == pytest.approx(1)
    assert 0.0 in edges
    assert edges[-1] == 1
    assert values[edges[:-1] >= 0].sum() == pytest.approx((s >= 0).mean())
    assert values[3] == pytest.approx(((s >= edges[3]) & (s < edges[4])).mean())
    assert clean.get_data().values.sum() == pytest.approx(1)
    texts = [text.get_text() for text in panels[4].get_legend().get_texts()]
    assert texts == ["60 clean pictures", f"{len(s)} poisoned pictures"]


def test_the_words_are_those_of_the_tables(tmp_path, panels):
    draw(SAMPLES, tmp_path / "kis.png")
    distributions, correctness = tables(SAMPLES)
    row = distributions.query("variant == 'kis' and model == 'wanet(s=6.0)' and pictures == 'poisoned'").iloc[0]
    assert f"poisoned: {row['share_right']:.0%} right of zero, two peaks not shown" in panels[4].get_title()
    words = [text.get_text() for text in panels[0].texts]
    row = correctness.iloc[0]
    assert words == [
        f"{row[f'accuracy_{side}']:.0%} correct\n{side} of zero" for side in ("left", "right") if row[f"n_{side}"]
    ]


def test_a_picture_of_the_same_is_left_alone(tmp_path):
    path = tmp_path / "kis.png"
    draw(SAMPLES, path)
    before = path.stat().st_mtime_ns
    draw(SAMPLES, path)
    assert path.stat().st_mtime_ns == before
    draw(SAMPLES, path, key="other")
    assert path.stat().st_mtime_ns > before


def test_nothing_is_drawn_of_nothing(tmp_path):
    assert draw([], tmp_path / "kis.png") == []
    assert not (tmp_path / "kis.png").exists()


@pytest.mark.parametrize(
    "samples",
    [
        [sample(CLEAN_MODEL, "clean")],
        [sample("badnet", "clean")],
        [sample("badnet", "poisoned", n=3)],
        [sample(CLEAN_MODEL, "clean", n=0), sample("badnet", "poisoned", n=0)],
        [sample(f"badnet(target={n})", "clean", at=-40) for n in range(6)],
    ],
    ids=["model", "attack", "few", "none", "far left"],
)
def test_what_is_missing_is_left_out(tmp_path, samples, panels):
    assert draw(samples, tmp_path / "kis.png")
    assert all(math.isfinite(end) for axes in panels for end in (*axes.get_xlim(), *axes.get_ylim()))
    assert isinstance(panels[0].figure, Figure)
