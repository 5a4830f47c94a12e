"""The drawing library that pages bring along: Vega, Vega-Lite and Vega-Embed in one script."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from pathlib import Path

from peephole.files import write_atomically, write_text

SNIPPET = "window.vegaEmbed = vegaEmbed;"


def write_vega(folder: Path) -> str:
    """Write the script to ``folder``, and return its name, which says its version.

    Bundling takes seconds, so that the script is kept in the user's cache folder, where there is one.
    """
    import platformdirs
    import vl_convert

    name = f"vega-{vl_convert.get_vega_version()}-{version('vl-convert-python')}.js"
    path = folder / name
    if path.is_file():
        return name
    cached = Path(platformdirs.user_cache_dir("peephole")) / name
    try:
        text = cached.read_text(encoding="utf-8")
    except OSError:
        text = vl_convert.javascript_bundle(SNIPPET)
        _keep(cached, text)
    write_atomically(path, partial(write_text, text=text))
    return name


def _keep(path: Path, text: str) -> None:
    """For the next report; where that cannot be, it takes its seconds again."""
    try:
        write_atomically(path, partial(write_text, text=text))
    except OSError:
        return
