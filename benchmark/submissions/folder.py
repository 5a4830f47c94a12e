"""Submissions kept in a result folder, with their code: DIR/submissions/NAME/; torch-free."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text
from peephole.submissions.limits import Limits
from peephole.submissions.submission import Submission, check_name
from peephole.texts.spec import Value

SUBMISSIONS = "submissions"
FACTS = "submission.json"
SOURCE = "source"
FORMAT = "peephole submission"
VERSION = 1


def stored(folder: Path) -> tuple[Submission, ...]:
    """The submissions kept in a result folder, by name.

    Raises:
        PeepholeError: one cannot be read, or its files are not what was submitted.
    """
    found = (folder.resolve() / SUBMISSIONS).glob(f"*/{FACTS}")
    return in_order(_read(path) for path in found if not path.parent.name.startswith("."))


def in_order(submissions: Iterable[Submission]) -> tuple[Submission, ...]:
    """Submissions in the order in which they stand in tables, whichever came first: by name."""
    return tuple(sorted(submissions, key=lambda one: one.name))


def keep(submission: Submission, folder: Path) -> Submission:
    """Copy a submission to a result folder, in the place of one of the same name; as a whole or not at all."""
    place = folder.resolve() / SUBMISSIONS / quote(submission.name, safe="")
    fresh, old = (place.with_name(f".{place.name}.{part}") for part in ("new", "old"))
    for path in (fresh, old):
        shutil.rmtree(path, ignore_errors=True)
    fresh.mkdir(parents=True)
    if submission.source is not None:
        shutil.copytree(submission.source, fresh / SOURCE)
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "name": submission.name,
        "target": submission.target,
        "options": [[name, value] for name, value in submission.options],
        "how": dict(submission.how),
        "requires": dict(submission.requires),
        "share": submission.share,
        "limits": None if submission.limits is None else asdict(submission.limits),
        "digest": submission.digest,
    }
    write_atomically(fresh / FACTS, partial(write_text, text=json.dumps(facts, indent=1)))
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return replace(submission, source=None if submission.source is None else place / SOURCE)


def remove(name: str, folder: Path) -> None:
    """Take a submission out of a result folder.

    Raises:
        PeepholeError: there is none of this name.
    """
    place = folder / SUBMISSIONS / quote(name, safe="")
    if not (place / FACTS).is_file():
        names = ", ".join(one.name for one in stored(folder)) or "none"
        raise PeepholeError(f"{folder} has no submission {name}; there are: {names}.")
    shutil.rmtree(place)


def _read(path: Path) -> Submission:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if (facts["format"], facts["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it says {facts['format']} version {facts['version']}, expected {FORMAT} {VERSION}")
        source = path.parent / SOURCE
        submission = Submission(
            name=check_name(facts["name"]),
            target=facts["target"],
            options=tuple((name, _value(value)) for name, value in facts["options"]),
            how=_how(facts["how"]),
            requires=facts["requires"],
            source=source if source.is_dir() else None,
            share=facts["share"],
            # Whoever wrote them has not asked the one whose machine it is.
            limits=None if facts["limits"] is None else Limits(**facts["limits"]).capped(),
        )
        if quote(submission.name, safe="") != path.parent.name:
            raise ValueError(f"it is about {submission.name}, and so its folder should be called")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PeepholeError(f"cannot read {path} ({error}); submit the method again, or delete its folder.") from error
    if submission.digest != facts["digest"]:
        raise PeepholeError(
            f"{path.parent} was changed after it was submitted; submit the method again, or delete the folder."
        )
    return submission


def _value(value: Any) -> Value:
    """Lists are what JSON makes of tuples."""
    return tuple(map(_value, value)) if isinstance(value, list) else value


def _how(how: Mapping[str, Any]) -> dict[str, Any]:
    return {**how, "options": {name: _value(value) for name, value in how["options"].items()}}


def names_by_code(folder: Path) -> dict[str, str]:
    """The names of the submissions in a result folder by the digests of their code; one that is damaged has none."""
    names = {}
    for path in (folder / SUBMISSIONS).glob(f"*/{FACTS}"):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            names[str(facts["digest"])] = str(facts["name"])
        except (OSError, ValueError, TypeError, KeyError):
            continue  # whoever runs it is told; here its digest has to do
    return names
