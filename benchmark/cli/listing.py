"""``peephole list``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from peephole.cli.flags import Json
from peephole.errors import PeepholeError
from peephole.registry import Registry

Entry = dict[str, str]


def list_command(
    kind: Annotated[
        str,
        typer.Argument(
            help="triggers, attacks, attributions, metrics, calibration, suites, datasets, models, engines, figures or "
            "claims."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Print what there is of one kind, with its source.

    Examples:

    - `peephole list attributions`
    - `peephole list suites --json`
    """
    from peephole.cli.streams import console
    from peephole.cli.tables import print_json
    from peephole.errors import UnknownName

    kinds = listings()
    name = kind.strip().lower()
    if name not in kinds:
        raise UnknownName("kind", kind, kinds)
    entries = kinds[name]()
    if as_json:
        print_json([*_with_domains(entries), *_libraries()] if name == "attributions" else entries)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for heading in entries[0]:
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(*map(Text, entry.values()))
    console().print(table)
    if name == "attributions":
        for library in _libraries():
            text = f"{library['name']}: methods of {library['title']}. {library['status']}"
            console().print(Text(text), soft_wrap=True)


def listings() -> dict[str, Callable[[], list[Entry]]]:
    """For each kind, what lists it. Registries are imported only when their kind is asked for."""
    return {
        "triggers": _triggers,
        "attacks": lambda: _registered("peephole.attacks.base", "ATTACKS"),
        "attributions": _attributions,
        "metrics": lambda: _registered("peephole.leaderboard.base", "METRICS", "direction", "formula"),
        "calibration": lambda: _registered("peephole.leaderboard.base", "CALIBRATION"),
        "datasets": lambda: _registered("peephole.datasets.base", "DATASETS"),
        "models": lambda: _registered("peephole.models.base", "MODELS"),
        "suites": _suites,
        "engines": lambda: _with_options("peephole.engines.base", "ENGINES"),
        "figures": lambda: _with_options("peephole.figures.base", "FIGURES"),
        "claims": _claims,
    }


def _registered(module: str, name: str, *more: str) -> list[Entry]:
    registry = _registry(module, name)
    fields = ("title", *more, "source")
    return [
        {
            "name": key,
            **{field: str(getattr(registry[key], field)) for field in fields if hasattr(registry[key], field)},
        }
        for key in registry
    ]


def _registry(module: str, name: str) -> Registry[type[object]]:
    from importlib import import_module

    registry: Registry[type[object]] = getattr(import_module(module), name)
    return registry


def _triggers() -> list[Entry]:
    from peephole.texts.construction import options_of
    from peephole.triggers.base import TRIGGERS

    return [
        {
            "name": entry["name"],
            "title": entry["title"],
            "options": options_of(TRIGGERS[entry["name"]]),
            "source": entry["source"],
        }
        for entry in _registered("peephole.triggers.base", "TRIGGERS")
    ]


def _with_options(module: str, name: str) -> list[Entry]:
    from peephole.texts.construction import options_of

    registry = _registry(module, name)
    return [{**entry, "options": options_of(registry[entry["name"]])} for entry in _registered(module, name)]


def _attributions() -> list[Entry]:
    from peephole.attributions.construction import options_of
    from peephole.attributions.network_check import SHORT, undefined_on

    entries = _registered("peephole.attributions.base", "ATTRIBUTIONS")
    return [
        {
            "name": entry["name"],
            "title": entry["title"],
            "options": options_of(entry["name"]),
            "not defined on": ", ".join(SHORT[operation] for operation in undefined_on(entry["name"])),
            "source": entry["source"],
        }
        for entry in entries
    ]


def _with_domains(entries: list[Entry]) -> list[dict[str, object]]:
    """The attributions with the reasons for which they are not defined on some operations."""
    from peephole.attributions.network_check import undefined_on

    return [
        {
            **{field: value for field, value in entry.items() if field != "not defined on"},
            "undefined": {operation.name.lower(): reason for operation, reason in undefined_on(entry["name"]).items()},
        }
        for entry in entries
    ]


def _libraries() -> list[Entry]:
    """Other libraries whose methods can be named as ``library:NAME``, installed or not."""
    from peephole.attributions.adapters.base import ADAPTERS

    return [
        {
            "name": f"{name}:NAME",
            "title": ADAPTERS[name].title,
            "status": _status(name),
            "source": ADAPTERS[name].source,
        }
        for name in ADAPTERS
    ]


def _status(library: str) -> str:
    """The installed version, or how to install it."""
    from peephole.attributions.adapters.installed import library_version

    try:
        return f"Version {library_version(library)} is installed."
    except PeepholeError as error:
        return str(error)


def _claims() -> list[Entry]:
    from peephole.claims.base import all_claims, name_of

    return [
        {"number": str(claim.number), "name": name_of(claim), "title": claim.title, "source": claim.source}
        for claim in all_claims()
    ]


def _suites() -> list[Entry]:
    from peephole.suites.suite import load_suite, suite_names

    return [{"name": name, "title": load_suite(name).title} for name in suite_names()]
