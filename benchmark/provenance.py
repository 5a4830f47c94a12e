"""Which code made a row: the version, and whether it is that version unchanged."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from peephole._version import __version__


def version_facts() -> dict[str, str]:
    """``peephole_version`` and ``dirty`` (``"yes"``, ``"no"`` or ``"unknown"``)."""
    return {"peephole_version": __version__, "dirty": _dirty()}


def _dirty() -> str:
    """Whether the code differs from what was committed (editable installs) or installed (wheels)."""
    package = distribution("peephole")
    source = _editable_source(package)
    if source is not None:
        return _uncommitted(source)
    return "yes" if any(map(_changed, _hashed_files(package))) else "no"


def _editable_source(package: Distribution) -> Path | None:
    text = package.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlparse(origin["url"]).path))


def _uncommitted(source: Path) -> str:
    command = ["git", "-C", str(source), "status", "--porcelain", "--", "*.py", "*.toml"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return "yes" if answer.stdout.strip() else "no"


def _hashed_files(package: Distribution) -> list[tuple[Path, str]]:
    return [
        (Path(str(file.locate())), file.hash.value)
        for file in package.files or []
        if file.hash is not None and file.parts[0] == "peephole"
    ]


def _changed(recorded: tuple[Path, str]) -> bool:
    path, digest = recorded
    if not path.is_file():
        return True
    found = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    return found != digest
