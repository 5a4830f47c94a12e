"""The templates, and how numbers and data are written in them. Everything is escaped unless it is `Markup`."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from peephole.leaderboard.models_remark import models_remark

NOTHING = "–"
MINUS = "−"
DIGITS = 7
"""Significant digits of numbers in a page's data: more than are shown, so that nothing is rounded twice."""


@cache
def environment() -> jinja2.Environment:
    """The templates of the package; a name that a context lacks is an error."""
    from peephole.leaderboard.report.charts import chart

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("peephole.leaderboard.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "percent": percent, "data": data, "code": code}
    made.tests["nan"] = math.isnan
    made.globals |= {"interval": interval, "models_remark": models_remark, "chart": chart}
    return made


def number(value: Any, places: int = 2) -> str:
    """A number with a real minus sign; `NOTHING` for what is missing."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{value:.{places}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)


def percent(value: Any, places: int = 1) -> str:
    """A share as a percentage."""
    return NOTHING if value is None or math.isnan(value) else f"{number(100 * value, places)} %"


def interval(low: Any, high: Any, places: int = 2) -> str:
    """``[0.12, 0.34]``, or nothing where there is none."""
    missing = low is None or high is None or math.isnan(low) or math.isnan(high)
    return "" if missing else f"[{number(low, places)}, {number(high, places)}]"


def code(text: str) -> Markup:
    """Text whose parts in back quotes, single or double, are code."""
    parts = re.split(r"(?<!`)``?([^`]+)``?(?!`)", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def data(value: Any) -> Markup:
    """JSON that may stand in a ``<script type="application/json">``: no character of it means anything to HTML."""
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def plain(value: Any) -> Any:
    """JSON values: arrays as lists, numbers in `DIGITS` digits, None for NaN and what pandas calls NA."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value if isinstance(value, str) else None
