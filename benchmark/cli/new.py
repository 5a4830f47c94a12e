"""``peephole new``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.streams import say
from peephole.errors import PeepholeError


def new_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it, such as my_method.py.")],
) -> None:
    """Write a method to start from: a working one, with what comes in and what goes out.

    It passes `peephole check` as it stands. A file that is there already is left alone.

    Examples:

    - `peephole new my_method.py`
    """
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise PeepholeError(
            f"{file} is no name for a method's file; expected letters, digits and _ with .py at the end, such as "
            "my_method.py."
        )
    template = files("peephole.templates").joinpath("method.txt").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(template)
    except FileExistsError:
        raise PeepholeError(f"{file} is there already and was left alone; give another name.") from None
    except OSError as error:
        raise PeepholeError(f"cannot write {file} ({error.strerror}); give another place.") from error
    say(f"Wrote {file}: gradient × activation at every layer. Make it yours, then: peephole check {file}")
