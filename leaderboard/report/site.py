"""Writing a report: its pages, and what they bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from peephole.files import write_atomically, write_text
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.environment import environment
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.pages import board, compare, cost, definitions, kis, method, model
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.report.vega import write_vega

INDEX = "index.html"
ASSETS = "assets"
FOLDERS = ("methods", "models")
"""Where pages lie that a later report may not have any more."""
PAGES: tuple[Callable[[Subject], Iterable[Page]], ...] = (
    board.pages,
    compare.pages,
    cost.pages,
    kis.pages,
    model.pages,
    method.pages,
    definitions.pages,
)
"""In the order of the navigation."""


def write_site(contents: Contents, folder: Path, siblings: Sequence[tuple[str, str]] = ()) -> Path:
    """Write the pages of a report, which need no network and no server.

    Args:
        contents: what they show. Its pictures are in ``folder`` already.
        siblings: reports of other boards: what each is called, and the way from ``folder`` to its first page.
        folder: where to; other files in it are left alone, but pages of methods and models that are no more.

    Returns:
        The first page.
    """
    vega = write_vega(folder / ASSETS)
    for name, text in _assets():
        write_atomically(folder / ASSETS / name, partial(write_text, text=text), settle=False)
    subject = Subject(contents, tuple(siblings))
    written = set()
    for page in (page for pages in PAGES for page in pages(subject)):
        template = environment().get_template(page.template)
        text = template.render(subject=subject, page=page, root=page.root, vega=vega, **page.context)
        write_atomically(folder / page.path, partial(write_text, text=text), settle=False)
        written.add(folder / page.path)
    for stale in [path for name in FOLDERS for path in (folder / name).glob("*.html") if path not in written]:
        stale.unlink()
    return folder / INDEX


def _assets() -> Iterator[tuple[str, str]]:
    for file in (files("peephole.leaderboard.report") / ASSETS).iterdir():
        if file.name.endswith((".js", ".css")):
            yield file.name, file.read_text(encoding="utf-8")
