"""The specifications of the charts are ones that Vega-Lite draws."""

import json
import re
from importlib.resources import files

import pytest
import vl_convert

CHARTS = files("peephole.leaderboard.report") / "charts"
ROWS = {
    "cost": [
        {"method": name, "layer": "input", "score": score, "low": score - 0.1, "high": score + 0.1}
        | {"front": front, "name": name if front else "", "page": "methods/a.html", "cost": cost, "passes": cost}
        for name, score, cost, front in (("a<b>", 0.4, 1.0, True), ("ü", 0.8, 30.0, True), ("c", 0.3, 9.0, False))
    ],
    "kis": [
        {"kind": kind, "from": n / 10, "to": (n + 1) / 10, "share": 0.05}
        for kind in ("clean", "poisoned")
        for n in range(-10, 10)
    ],
}
PARAMETERS = {"kinds": ["clean", "poisoned"], "low": -1.0}


def filled(name):
    spec = json.loads((CHARTS / f"{name}.json").read_text(encoding="utf-8"))
    spec["data"] = {"values": ROWS[name]}
    for param in spec.get("params", ()):
        param["value"] = PARAMETERS[param["name"]]
    return {**spec, "width": 400}


@pytest.mark.parametrize("name", ROWS)
def test_a_chart_is_drawn(name):
    svg = vl_convert.vegalite_to_svg(json.dumps(filled(name)))
    assert "NaN" not in svg
    assert svg.count("<path") > 10
    for text in {"cost": ("a&lt;b&gt;", "ü"), "kis": ("clean", "poisoned")}[name]:
        assert text in svg


@pytest.mark.parametrize("path", sorted(path.name for path in CHARTS.iterdir()))
def test_charts_fill_the_width_and_fetch_nothing(path):
    text = (CHARTS / path).read_text(encoding="utf-8")
    spec = json.loads(text)
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v6.json"
    assert spec["width"] == "container"
    assert spec["autosize"]["contains"] == "padding"
    assert '"url"' not in text
    assert "data" not in spec


def test_names_on_the_front_stay_within_the_chart():
    """Left of its point where the point is in the right half, else right of it."""
    svg = vl_convert.vegalite_to_svg(json.dumps(filled("cost")))
    anchors = {text: anchor for anchor, text in re.findall(r'text-anchor="(\w+)"[^>]*>([^<]+)</text>', svg)}
    assert (anchors["a&lt;b&gt;"], anchors["ü"]) == ("start", "end")


def test_each_bar_has_a_line_on_top_of_it():
    """Horizontal, as wide as a bin: half of the width is twenty bins."""
    svg = vl_convert.vegalite_to_svg(json.dumps(filled("kis")))
    lines = re.findall(r'<line [^>]*aria-roledescription="rule mark"[^>]*x2="([-\d.]+)" y2="([-\d.]+)"', svg)
    assert len(lines) == 2 * 20 + 1
    assert sum(float(y) == 0 and float(x) != 0 for x, y in lines) == 2 * 20
