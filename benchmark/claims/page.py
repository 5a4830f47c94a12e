"""Verdicts as a page of Markdown."""

from __future__ import annotations

from functools import cache

import jinja2

from peephole.leaderboard.claim_result import Reproduction
from peephole.leaderboard.report.environment import interval, number
from peephole.leaderboard.verdict import Verdict


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("peephole", "templates"),
        autoescape=False,  # it is Markdown
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "cell": _cell}
    made.globals |= {"interval": interval, "verdicts": list(Verdict)}
    return made


def _cell(text: str) -> str:
    """A text that stands in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def page(reproduction: Reproduction) -> str:
    """All claims in a table, then each with its parts, figure and caption."""
    return _environment().get_template("claims.md").render(found=reproduction) + "\n"
