"""What a run was asked, kept beside its results: who verifies them or adds a row plans the same run again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text
from peephole.models.weights import KnownFile, is_named
from peephole.options import Options
from peephole.plan import Plan

REQUEST = "request.json"
FORMAT = "peephole request"
FORMAT_VERSION = 1
LIBRARIES = ("peephole", "torch", "torchvision", "numpy", "scipy", "captum", "zennit", "grad-cam")
"""Whose versions are noted, where they are installed: what results come from."""


@dataclass(frozen=True)
class Request:
    """What a run was asked. It names no folder: data are given anew.

    Attributes:
        suite: name and version, without any changes: ``quick/v1``.
        options: the changes. A file of weights is known by its SHA-256 only, see `KnownFile`.
        versions: of the libraries that the run was made with, by name.
    """

    suite: str
    options: Options = field(default_factory=Options)
    versions: Mapping[str, str] = field(default_factory=dict)


def request_of(plan: Plan, options: Options) -> Request:
    """The request that a plan was made of, with the versions of now.

    Args:
        plan: of the whole run.
        options: that the plan was made with.
    """
    identity = next((backdoor.clean.spec["weights"] for backdoor in plan.backdoors), None)
    if options.weights is not None and identity is not None:
        # A name says itself what the weights are; where a file lies is nobody's concern.
        options = replace(options, weights=identity.rpartition(":")[2] if is_named(identity) else KnownFile(identity))
    versions = {name: found for name in LIBRARIES if (found := _version(name))}
    return Request(f"{plan.suite.name}/v{plan.suite.version}", options, versions)


def write_request(request: Request, folder: Path) -> None:
    """Write ``folder/request.json``; it appears whole or not at all.

    Raises:
        PeepholeError: the file cannot be written.
    """
    path = folder / REQUEST
    content = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "suite": request.suite,
        "options": TypeAdapter(Options).dump_python(request.options, mode="json"),
        "versions": dict(request.versions),
    }
    try:
        write_atomically(path, partial(write_text, text=json.dumps(content, indent=2, ensure_ascii=False) + "\n"))
    except OSError as error:
        raise PeepholeError(f"cannot write {path} ({error.strerror}); choose another place with --out.") from error


def read_request(folder: Path) -> Request:
    """Read what `write_request` wrote. An option that the file does not know has its default.

    Raises:
        PeepholeError: there is no such file, it is no request, or it has options that this version does not know.
    """
    path = folder / REQUEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PeepholeError(
            f"{folder} has no {REQUEST}, which says what the run was asked; do the same run with --out {folder} once "
            "more to have it written."
        ) from error
    except (OSError, ValueError) as error:
        raise PeepholeError(f"cannot read {path} ({error}); do the same run once more to have it anew.") from error
    return _request(content, path)


def _request(content: Any, path: Path) -> Request:
    found = (content.get("format"), content.get("version")) if isinstance(content, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise PeepholeError(
            f"{path} is {found[0]} version {found[1]}, this version of peephole reads {FORMAT} version "
            f"{FORMAT_VERSION}; do the same run once more to have it anew."
        )
    options = content.get("options")
    unknown = sorted(set(options) - {one.name for one in fields(Options)}) if isinstance(options, dict) else []
    if unknown:
        raise PeepholeError(
            f"{path} has the option {unknown[0]}, which this version of peephole does not know; use the one that wrote "
            f"it ({content.get('versions', {}).get('peephole', 'a later one')})."
        )
    try:
        # As JSON: lists become tuples, and no text a number.
        return Request(
            TypeAdapter(str).validate_python(content.get("suite"), strict=True),
            TypeAdapter(Options).validate_json(json.dumps(options), strict=True),
            TypeAdapter(dict[str, str]).validate_python(content.get("versions"), strict=True),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "an entry"
        raise PeepholeError(
            f"{path} is damaged ({place}: {first['msg']}); do the same run once more to have it anew."
        ) from error


def _version(name: str) -> str:
    """The version of an installed library; nothing if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
