"""Pictures of a report for the README: ``python docs/figures/report.py DIR`` writes them to docs/images/.

Needs Playwright and Chromium, as the tests of the report do.
"""

from __future__ import annotations

import sys
from pathlib import Path

IMAGES = Path(__file__).parent.parent / "images"
SHOTS = {
    "report.png": ("index.html#trigger=x", 1130),
    "report-method.png": ("methods/rectgrad.html#trigger=x", 900),
}
"""What is taken, by file: page and state, and the height of the window."""
WIDTH = 1280

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tests" / "report"))


def main(folder: Path) -> None:
    """Take the pictures of the report of a run."""
    from browsing import browser

    with browser() as launched:
        for name, (address, height) in SHOTS.items():
            page = launched.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
            page.goto((folder / "report").absolute().as_uri() + "/" + address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / name)
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
