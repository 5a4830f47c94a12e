"""Charts of a page: Vega-Lite specifications, filled with data here and drawn in the browser."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from peephole.leaderboard.report.environment import data, environment


def chart(
    name: str, values: Any, *, alt: str, caption: str = "", height: int | None = None, **parameters: Any
) -> Markup:
    """A figure with the chart ``charts/NAME.json``.

    Args:
        name: of the specification, whose data sets and parameters are filled by name.
        values: the rows of its data set ``rows``: a list of objects with JSON values.
        alt: what those are told who do not see it.
        caption: what stands below, as text.
        height: in pixels, if it depends on the data.
        parameters: values of the specification's parameters of these names.

    Raises:
        KeyError: the specification has no parameter of a name.
    """
    spec = json.loads(_specification(name))
    spec["data"] = {"values": values}
    if height is not None:
        spec["height"] = height
    known = {each["name"]: each for each in spec.get("params", ())}
    for parameter, value in parameters.items():
        known[parameter]["value"] = value
    template = environment().get_template("chart.html")
    return Markup(template.render(name=name, spec=data(spec), alt=alt, caption=caption))


@cache
def _specification(name: str) -> str:
    return (files("peephole.leaderboard.report") / "charts" / f"{name}.json").read_text(encoding="utf-8")
