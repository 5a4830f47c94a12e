"""Verdicts as files: one for programs, one to read."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from peephole.claims.page import page
from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text
from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Reproduction

FOLDER = "claims"
"""Where they are in the folder of results, with their figures."""
VERDICTS = "claims.json"
PAGE = "README.md"
FORMAT = "peephole claims"
FORMAT_VERSION = 1


def write_reproduction(reproduction: Reproduction, folder: Path) -> None:
    """Write ``claims/claims.json`` and ``claims/README.md`` in a folder of results; each appears whole or not at all.

    Raises:
        PeepholeError: a file cannot be written.
    """
    content = {"format": FORMAT, "version": FORMAT_VERSION, **plain(reproduction)}
    texts = {
        PAGE: page(reproduction),
        VERDICTS: json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        path = folder / FOLDER / name
        try:
            write_atomically(path, partial(write_text, text=text))
        except OSError as error:
            raise PeepholeError(f"cannot write {path} ({error.strerror}); choose another place with --out.") from error


def read_reproduction(folder: Path) -> Reproduction | None:
    """What `write_reproduction` wrote to a folder of results; None if nothing.

    Raises:
        PeepholeError: the file is damaged, or of another version.
    """
    path = folder / FOLDER / VERDICTS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (content.pop("format"), content.pop("version")) != (FORMAT, FORMAT_VERSION):
            raise ValueError("another format")
        return TypeAdapter(Reproduction).validate_python(_nan(content))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        line = str(error).partition("\n")[0]
        raise PeepholeError(
            f"cannot read {path} ({line}); move it away and examine the claims again: peephole reproduce."
        ) from error


def plain(value: Any) -> Any:
    """JSON values; null for NaN; of a part of a claim and of a claim also the verdict."""
    if is_dataclass(value) and not isinstance(value, type):
        verdict = {"verdict": str(value.verdict)} if isinstance(value, ClaimPart | ClaimResult) else {}
        return {**{field.name: plain(getattr(value, field.name)) for field in fields(value)}, **verdict}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value


def _nan(content: dict[str, Any]) -> dict[str, Any]:
    """NaN again for the numbers that were null; verdicts follow from the rest."""
    for result in content["results"]:
        result.pop("verdict")
        for one in result["tested"]:
            one.pop("verdict")
            estimate = one["estimate"]
            if estimate is not None:
                one["estimate"] = {name: float("nan") if value is None else value for name, value in estimate.items()}
    return content
