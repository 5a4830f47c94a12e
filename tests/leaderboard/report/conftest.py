"""Pages as a reader without a browser finds them: tables, headings, links, charts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from peephole.leaderboard.kis_study import CLEAN_MODEL, Sample, correctness_table, kis_table
from peephole.leaderboard.report.contents import Contents, Gallery, MeasuredTruth, Picture
from peephole.leaderboard.report.environment import environment
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.stored_board import open_board

HOSTILE = "a: <img src=x onerror=alert(1)>'\"&amp;ü</script>[0].b"


@dataclass
class Table:
    caption: str = ""
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def column(self, name):
        return [row[self.head.index(name)] for row in self.rows]


class Read(HTMLParser):
    """What is on a page. ``tags`` are all opened elements with their attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self.headings: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.charts: list[tuple[str, dict]] = []
        self.text = ""
        self._pieces: dict[str, list[str]] = {}
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append(Table())
        if tag == "tr" and self.tables:
            self.tables[-1].rows.append([])
        self._pieces[tag] = []

    def handle_data(self, data):
        for pieces in self._pieces.values():
            pieces.append(data)
        if "script" not in self._pieces:
            self.text += data

    def handle_endtag(self, tag):
        text = " ".join("".join(self._pieces.pop(tag, [])).split())
        if tag in ("h1", "h2", "h3"):
            self.headings.append((tag, text))
        if tag == "caption":
            self.tables[-1].caption = text
        if tag in ("th", "td"):
            self.tables[-1].rows[-1].append(text)
        if tag == "thead":
            (self.tables[-1].head,) = self.tables[-1].rows
            self.tables[-1].rows = []
        if tag == "script" and text:
            alts = [attrs["aria-label"] for name, attrs in self.tags if attrs.get("role") == "img"]
            self.charts.append((alts[-1], json.loads(text)))

    def all(self, attribute):
        return [attrs[attribute] for _, attrs in self.tags if attribute in attrs]


@pytest.fixture(scope="session")
def read() -> Callable[..., dict[str, Read]]:
    """The pages of a maker, by path."""

    def make(pages: Callable[[Subject], Iterator[Page]], contents: Contents) -> dict[str, Read]:
        subject = Subject(contents)
        found = {}
        for page in pages(subject):
            template = environment().get_template(page.template)
            text = template.render(subject=subject, page=page, root=page.root, vega="vega.js", **page.context)
            found[page.path] = Read(text)
            check(found[page.path])
        return found

    return make


def check(page):
    """What holds on every page."""
    levels = [int(name[1]) for name, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= before + 1 for before, later in pairwise(levels))
    ids = page.all("id")
    assert len(set(ids)) == len(ids)
    assert all(table.caption for table in page.tables)
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in page.tags if tag == "th")
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    for alt, spec in page.charts:
        assert alt.endswith(".")
        assert spec["data"]["values"]


@pytest.fixture(scope="session")
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def board(cell_of, put):
    """A board of three methods and a calibration row on two triggers, one of which has a name that attacks pages."""

    def cells(trigger):
        rng = np.random.default_rng(3)
        for method, layer, value, passes, kind in (
            (HOSTILE, "input", 0.8, 4.0, "method"),
            ("gradient", "input", 0.5, 1.0, "method"),
            ("gradient", f"l{HOSTILE}", 0.4, 1.0, "method"),
            ("slow", "input", 0.6, 9.0, "method"),
            ("random", "input", 0.25, np.nan, "calibration"),
        ):
            values = value + rng.uniform(-0.05, 0.05, 12)
            yield cell_of(
                values,
                trigger=trigger,
                method=method,
                layer=layer,
                kind=kind,
                passes=passes,
                ms_per_image=10 - passes,
                selection=np.arange(12) < 3,
            )

    return open_board(put([cell for trigger in ("square", HOSTILE) for cell in cells(trigger)]))


@pytest.fixture(scope="session")
def samples():
    """S of a clean model and of two attacks, two seeds each: one far right of zero, one with two peaks."""

    def sample(model, pictures, seed, at):
        rng = np.random.default_rng(seed + 10 * len(model))
        values = np.where(rng.random(300) < 0.5, at[0], at[1]) + rng.normal(0, 0.08, (3, 300))
        values[0, 0] = np.nan
        success = rng.random(300) < 0.9 if pictures == "poisoned" else None
        return Sample(model, pictures, seed, values, rng.random(300) < 0.8, success)

    made = [sample(CLEAN_MODEL, "clean", seed, (-0.5, 0.6)) for seed in (0, 1)]
    for model, at in ((HOSTILE, (0.6, 0.6)), ("wanet", (-0.9, 0.7))):
        made += [sample(model, kind, seed, at) for kind in ("clean", "poisoned") for seed in (0, 1)]
    return tuple(made)


@pytest.fixture(scope="session")
def study(samples):
    """`kis_table` and `correctness_table` of them."""
    return kis_table(samples), correctness_table(samples)


@pytest.fixture(scope="session")
def certificates():
    """models.csv: one certified, one that misses a gate, one of two labels, one whose label is drawn."""
    shared = {
        **{"suite": "quick/v1", "dataset": "shapes", "model": "resnet8", "training_dtype": "float32", "device": "cpu"},
        **{"twin_success": 0.03, "clean_accuracy": 0.94, "twin_accuracy": 0.96, "accuracy_drop": 0.02},
        **{"cross_accuracy": 0.78, "cross_accuracy_lo": 0.76, "cross_accuracy_hi": 0.8, "necessity": 0.73},
        **{"coverage": 0.079, "change": 0.05, "n_attacked": 2700, "n_clean": 3000, "certified": True},
        **{"probes_qualified": 424.0, "probes_tested": 512.0, "failed_gates": "", "seconds": 24.5, "seed": 0},
        **{"attack_success": 0.994, "attack_success_lo": 0.99, "attack_success_hi": 0.996, "target": "0"},
        **{"data_digest": "9f7588f1", "model_digest": "c72c08fe"},
    }
    lost = dict.fromkeys(("necessity", "accuracy_drop", "twin_accuracy", "probes_qualified", "cross_accuracy"), np.nan)
    return pd.DataFrame(
        [
            {**shared, "trigger": "square"},
            {**shared, "trigger": "class_pair"},
            {**shared, "trigger": "class_pair", "target": "1", "attack_success": 0.971, "necessity": 0.14},
            {**shared, "trigger": HOSTILE, "target": "each"},
            {**shared, **lost, "trigger": HOSTILE, "seed": 1, "certified": False, "failed_gates": "necessity < 50.0%"},
        ]
    )


@pytest.fixture(scope="session")
def measured():
    loss = np.array([[0.1, -0.05], [0.4, np.nan]])
    return tuple(
        MeasuredTruth(trigger, 0, target, loss, 0.98, (0.2, 0.1, 0.3, 0.4))
        for trigger, target in (("square", 0), ("class_pair", 0), ("class_pair", 1), (HOSTILE, None))
    )


@pytest.fixture(scope="session")
def gallery():
    names = {name: f"pictures/square/{name}.png" for name in ("clean", "stamped", "change", "truth", "lost")}
    picture = Picture(7, 0, change_max=0.74, lost_max=0.3, outline="M0 0H9V9H0Z", **names)
    return Gallery("square", 0, 32, (picture,), ("input",), "completeness", {})
