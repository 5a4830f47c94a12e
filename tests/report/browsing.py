"""A browser for tests: without a network, and with an ear for errors."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCROLL = """async () => {
    const shown = selector => [...document.querySelectorAll(selector)].filter(each => each.getClientRects().length);
    for (const figure of shown("figure.chart")) {
        figure.scrollIntoView();
        for (let tries = 0; !figure.dataset.drawn; tries++) {
            if (tries > 500) throw new Error(`not drawn: ${figure.dataset.chart}`);
            await new Promise(done => setTimeout(done, 20));
        }
    }
    for (const image of shown("img")) {
        image.loading = "eager";
        await image.decode();
    }
    scrollTo(0, 0);
}"""
"""Scrolls through a page until all charts are drawn and all pictures are loaded."""
WIDTHS = {"desktop": (1280, 900), "phone": (400, 850)}


@contextmanager
def browser():
    """Chromium as it is installed; tests are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[test]'")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield launched
        finally:
            launched.close()


class Reader:
    """Somebody who reads a report and does not overlook an error."""

    def __init__(self, context, site: Path) -> None:
        self.site, self.errors = site, []
        self.page = context.new_page()
        self.page.on(
            "console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("dialog", lambda dialog: (self.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def _failed(self, request) -> None:
        if request.failure != "net::ERR_ABORTED":  # as whatever is still loading when a page is left
            self.errors.append(f"{request.url}: {request.failure}")

    def open(self, path: str, state: str = ""):
        """Open a page of the report from its file."""
        self.page.goto("about:blank")  # so that a page with another state is loaded anew
        self.page.goto((self.site / path).as_uri() + state)
        return self.page

    def settled(self):
        """The page once it has been scrolled through, so that all charts are drawn and all pictures are loaded."""
        self.page.evaluate(SCROLL)
        return self.page


@contextmanager
def reader(launched, site: Path, width: str = "desktop", scheme: str = "light"):
    """A reader with a fresh profile, who has heard no error when done."""
    wide, high = WIDTHS[width]
    context = launched.new_context(viewport={"width": wide, "height": high}, color_scheme=scheme, offline=True)
    try:
        found = Reader(context, site)
        yield found
        assert found.errors == [], found.errors
    finally:
        context.close()


def overflow(page) -> int:
    """By how many pixels a page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")
