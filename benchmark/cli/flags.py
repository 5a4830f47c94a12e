"""Flags that several commands share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.submissions.limits import Limits

Out = Annotated[Path, typer.Option("--out", help="Folder for results; what is in it already is not computed again.")]
Folder = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Folder with results; peephole-results if not given.")
]
InFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The same folder, as `peephole run` takes it.")
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="PEEPHOLE_DATA",
        help="Folder with your data sets: cifar10, imagenet, or train and test of your own. Not for `shapes`.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")]
Engine = Annotated[
    str,
    typer.Option(
        help="Where units are computed: local, ray or slurm (`peephole list engines`), with options in parentheses."
    ),
]
Address = Annotated[str | None, typer.Option(help='Of a Ray cluster; short for --engine "ray(address=ADDRESS)".')]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="my_method.py, my_method.py:function, package.module:object, or a library's, such as "
        "captum:IntegratedGradients.",
    ),
]
OwnModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The module:function that the run's network is made by, if it is code of yours: no file can have it run.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
HeldOut = Annotated[
    int | None,
    typer.Option(
        "--held-out",
        help="Models that nobody has seen: seeds are drawn from this number, and places and patterns of triggers with "
        "them. From 0 to 2^63 - 1; a large one cannot be guessed.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write the tables only, not the web report.")]
MethodOptions = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="For the method's function or constructor; again for each."),
]
Beside = Annotated[
    list[Path] | None,
    typer.Option("--with", metavar="FILE", help="A file or folder that the method reads; again for each."),
]
LimitSeconds = Annotated[
    float | None, typer.Option("--seconds", help="The method may take for one batch of pictures at all layers.")
]
LimitMemory = Annotated[
    float | None,
    typer.Option("--memory", metavar="GB", help="The method may use; by default a quarter of the machine's."),
]


def results_folder(argument: Path | None, option: Path | None) -> Path:
    """The folder that a command was given, in either way.

    Raises:
        PeepholeError: two were given.
    """
    from peephole.store.folder import DEFAULT_OUT

    if argument is not None and option is not None and argument != option:
        raise PeepholeError(f"two folders are given, {argument} and --out {option}; expected one.")
    return argument or option or DEFAULT_OUT


def names(text: str | None) -> tuple[str, ...]:
    """A comma-separated list as a tuple, empty if the flag was not given."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def engine_of(text: str, address: str | None) -> str:
    """An engine's text in its one spelling, with the address if there is one.

    Raises:
        PeepholeError: there is no such engine, or it does not take that; an address is for Ray.
    """
    from peephole.engines.base import NAMING
    from peephole.texts.parsing import parse

    text = NAMING.resolve(text)
    if address is not None:
        if NAMING.name_of(text) not in ("ray", "local"):
            raise PeepholeError(f"--address is of a Ray cluster; it does not go with --engine {text}.")
        spec = parse(text, NAMING.grammar)
        if "address" in dict(spec.options):
            raise PeepholeError("the address is given twice, by --address and by --engine; give one.")
        own = spec.options if spec.name == "ray" else ()
        text = NAMING.resolve(str(replace(spec, name="ray", options=(*own, ("address", address)))))
    NAMING.build(text)
    return text


def limits_of(seconds: float | None, memory: float | None) -> Limits | None:
    """What a method may use, as the flags say; None where they say nothing.

    Raises:
        PeepholeError: a number is not above 0.
    """
    if seconds is None and memory is None:
        return None
    from peephole.submissions.limits import GIGA, Limits

    if memory is not None and not 0 < memory < float("inf"):
        raise PeepholeError(f"the limit of memory is {memory:g} GB; expected a number above 0.")
    given = {"seconds": seconds, "memory": None if memory is None else int(memory * GIGA)}
    return Limits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
