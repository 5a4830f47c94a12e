"""Writing a report: its pages, and what they bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path

from peephole.files import write_atomically, write_text
from peephole.leaderboard.report.contents import Contents, claim_figure
from peephole.leaderboard.report.environment import environment
from peephole.leaderboard.report.manifest import claim, keep_only, listed
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.pages import board, claims, compare, cost, definitions, kis, method, model
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.report.vega import write_vega

INDEX = "index.html"
ASSETS = "assets"
PICTURES = "pictures"
PAGES: tuple[Callable[[Subject], Iterable[Page]], ...] = (
    board.pages,
    compare.pages,
    cost.pages,
    kis.pages,
    claims.pages,
    model.pages,
    method.pages,
    definitions.pages,
)
"""In the order of the navigation."""


def write_site(contents: Contents, folder: Path, siblings: Sequence[tuple[str, str]] = ()) -> Path:
    """Write the pages of a report, which need no network and no server.

    Args:
        contents: what they show. Its pictures are in ``folder`` already.
        folder: where to. Pages and pictures of an earlier report that are no more go; other files are left alone.
        siblings: reports of other boards: what each is called, and the way from ``folder`` to its first page.

    Returns:
        The first page.

    Raises:
        PeepholeError: the folder holds something else.
    """
    claim(folder)
    vega = write_vega(folder / ASSETS)
    written = {f"{ASSETS}/{vega}"}
    for name, text in _assets():
        write_atomically(folder / ASSETS / name, partial(write_text, text=text), settle=False)
        written.add(f"{ASSETS}/{name}")
    subject = Subject(contents, tuple(siblings))
    written.update(*(gallery.files for gallery in contents.galleries))
    if contents.claims:
        written.update(claim_figure(result) for result in contents.claims.results if result.figure)
    for page in (page for pages in PAGES for page in pages(subject)):
        template = environment().get_template(page.template)
        text = template.render(subject=subject, page=page, root=page.root, vega=vega, **page.context)
        write_atomically(folder / page.path, partial(write_text, text=text), settle=False)
        written.add(page.path)
    if not contents.galleries:  # as where the store cannot be read: what was drawn from it once stays
        written |= {path for path in listed(folder) if path.startswith(f"{PICTURES}/") and "/claims/" not in path}
    keep_only(folder, written)
    return folder / INDEX


def _assets() -> Iterator[tuple[str, str]]:
    for file in (files("peephole.leaderboard.report") / ASSETS).iterdir():
        if file.name.endswith((".js", ".css")):
            yield file.name, file.read_text(encoding="utf-8")
